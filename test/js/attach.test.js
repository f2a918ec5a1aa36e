'use strict'
const http = require('node:http')
const https = require('node:https')
const path = require('node:path')
const os = require('node:os')
const fs = require('node:fs')
const { once } = require('node:events')
const express = require('express')
const { WebSocketServer } = require('ws')
const { RawClient, TEXT, cleanup, connect, deferred, frame, handshake, makeServer, refusal, until } = require('./support.js')

const echo = { message (session, data) { session.send(data) } }

/** An http server that listens and closes with the test. */
async function listenHttp (handler, where = { port: 0, host: '127.0.0.1' }) {
  const httpServer = http.createServer(handler)
  cleanup(() => new Promise((resolve) => {
    httpServer.closeAllConnections()
    httpServer.close(resolve)
  }))
  httpServer.listen(where)
  await once(httpServer, 'listening')
  const { port } = httpServer.address()
  return { httpServer, port, url: `ws://127.0.0.1:${port}` }
}

async function attach (endpoints, handler) {
  const server = makeServer()
  for (const [pattern, handlers] of Object.entries(endpoints)) server.ws(pattern, handlers)
  const opened = await listenHttp(handler)
  server.attach(opened.httpServer)
  return { server, ...opened }
}

const get = async (port, where) => {
  const response = await fetch(`http://127.0.0.1:${port}${where}`)
  return [response.status, await response.text()]
}

describe('attach', () => {
  test('shares the port of Express, whose routes go on', async () => {
    const app = express()
    app.get('/hello', (request, response) => response.send('express'))
    const { port, url } = await attach({ '/chat': echo }, app)
    const client = await connect(`${url}/chat`)
    expect(await get(port, '/hello')).toEqual([200, 'express'])
    expect(await client.ask('one')).toBe('one')
    expect((await get(port, '/chat'))[0]).toBe(404)
    expect(await client.ask('two')).toBe('two')
  })

  test('gives Node\'s request as request.raw', async () => {
    const opened = deferred()
    const authenticated = deferred()
    const { url } = await attach({
      '/:x': {
        authenticate (request) { authenticated.resolve(request.raw); return {} },
        open: opened.resolve
      },
      '/only/message': { message (session) { session.send(session.request.raw.url) } }
    })
    await connect(`${url}/a?b=c`, { headers: { 'x-a': 'é' } })
    const { request } = await opened.promise
    expect(request.raw.url).toBe('/a?b=c')
    expect(request.raw).toBe(await authenticated.promise)
    expect(request.url).toBe('/a?b=c')
    expect(request.headers['x-a']).toBe(request.raw.headers['x-a'])
    expect(request.remoteAddress).toBe('127.0.0.1')
    expect(await (await connect(`${url}/only/message`)).ask('?')).toBe('/only/message')
  })

  test('answers 404 for a path of nobody when no other upgrade listener is there', async () => {
    const { url } = await attach({ '/chat': echo })
    expect((await refusal(`${url}/other`)).status).toBe(404)
    expect((await refusal(`${url}/`)).status).toBe(404)
  })

  test('leaves other paths to other upgrade listeners', async () => {
    const { url, httpServer } = await attach({ '/ours': echo })
    const other = new WebSocketServer({ noServer: true })
    httpServer.on('upgrade', (request, socket, head) => {
      if (request.url === '/theirs') other.handleUpgrade(request, socket, head, (client) => client.on('message', (data) => client.send(`theirs: ${data}`)))
    })
    expect(await (await connect(`${url}/theirs`)).ask('x')).toBe('theirs: x')
    expect(await (await connect(`${url}/ours`)).ask('x')).toBe('x')
  })

  test('lets several servers share one http server, and answers 404 once for all', async () => {
    const { url, httpServer, server } = await attach({ '/a': echo })
    const second = makeServer()
    second.ws('/b', { message (session, data) { session.send(`second: ${data}`) } })
    second.attach(httpServer)
    second.attach(httpServer)
    expect(httpServer.listenerCount('upgrade')).toBe(1)
    expect(await (await connect(`${url}/a`)).ask('x')).toBe('x')
    expect(await (await connect(`${url}/b`)).ask('x')).toBe('second: x')
    expect((await refusal(`${url}/c`)).status).toBe(404)
    await second.close({ drainMs: 100 })
    expect((await refusal(`${url}/b`)).status).toBe(404)
    expect(await (await connect(`${url}/a`)).ask('x')).toBe('x')
    await server.close({ drainMs: 100 })
    expect(httpServer.listenerCount('upgrade')).toBe(0)
  })

  test('attaches one server to several http servers, also on a Unix socket', async () => {
    const { server, url } = await attach({ '/': echo })
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fanwire-'))
    cleanup(() => fs.rmSync(folder, { recursive: true, force: true }))
    const socketPath = path.join(folder, 'http.sock')
    const { httpServer } = await listenHttp(undefined, { path: socketPath })
    server.attach(httpServer)
    expect(await (await connect(url)).ask('tcp')).toBe('tcp')
    expect(await (await connect(`ws+unix:${socketPath}:/`)).ask('unix')).toBe('unix')
  })

  test('takes endpoints that are added later', async () => {
    const { server, url } = await attach({ '/a': echo })
    expect((await refusal(`${url}/late`)).status).toBe(404)
    server.ws('/late', echo)
    expect(await (await connect(`${url}/late`)).ask('x')).toBe('x')
  })

  test('takes a frame that came in the same segment as the handshake', async () => {
    const { port } = await attach({ '/': echo })
    const client = new RawClient({ port, host: '127.0.0.1' })
    await client.write(Buffer.concat([Buffer.from(handshake('/')), frame(TEXT, 'early'), frame(TEXT, 'x'.repeat(70_000))]))
    expect((await client.response()).status).toBe(101)
    expect((await client.frame()).payload.toString()).toBe('early')
    expect((await client.frame()).payload.length).toBe(70_000)
  })

  test('waits for the response to an earlier, pipelined request', async () => {
    const pending = deferred()
    const { port } = await attach({ '/': echo }, (request, response) => pending.resolve(response))
    const client = new RawClient({ port, host: '127.0.0.1' })
    await client.write(Buffer.concat([
      Buffer.from('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n' + handshake('/')), frame(TEXT, 'behind')
    ]))
    const response = await pending.promise
    await new Promise((resolve) => setImmediate(resolve))
    response.end('slow answer')
    const first = await client.response()
    expect(first.status).toBe(200)
    expect(await client.readUntil('slow answer')).toContain('slow answer')
    await client.readUntil('HTTP/1.1 101')
    await client.readUntil('\r\n\r\n')
    expect((await client.frame()).payload.toString()).toBe('behind')
  })

  test('waits for several pipelined responses, also big ones', async () => {
    const responses = []
    const { port } = await attach({ '/': echo }, (request, response) => responses.push(response))
    const client = new RawClient({ port, host: '127.0.0.1' })
    await client.write('GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n' + handshake('/'))
    await until(() => responses.length === 2)
    responses[1].end('second')
    responses[0].end('x'.repeat(4 << 20))
    await client.readUntil('second')
    await client.readUntil('HTTP/1.1 101')
    await client.readUntil('\r\n\r\n')
    await client.write(frame(TEXT, 'hello'))
    expect((await client.frame()).payload.toString()).toBe('hello')
  })

  test('lets a socket go whose client leaves while an earlier response is pending', async () => {
    const pending = deferred()
    const { port, url } = await attach({ '/': echo }, (request, response) => pending.resolve(response))
    const client = new RawClient({ port, host: '127.0.0.1' })
    await client.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n' + handshake('/'))
    const response = await pending.promise
    client.socket.resetAndDestroy()
    await client.closed
    response.end('nobody')
    expect(await (await connect(url)).ask('alive')).toBe('alive')
  })

  test('leaves sessions alone when the http server closes, and ends them when the server does', async () => {
    const { server, httpServer, url } = await attach({ '/': echo })
    const client = await connect(url)
    await new Promise((resolve) => httpServer.close(resolve))
    expect(await client.ask('still here')).toBe('still here')
    const closing = server.close({ drainMs: 1000 })
    expect((await client.closed).code).toBe(1001)
    await closing
  })

  test('has the engine refuse what is no WebSocket handshake', async () => {
    const { port } = await attach({ '/': echo })
    const client = new RawClient({ port, host: '127.0.0.1' })
    await client.write(handshake('/', { Upgrade: 'h2c' }))
    expect((await client.response()).status).toBe(426)
  })

  test('keeps no descriptor, neither of sessions nor of refusals', async () => {
    const { url } = await attach({ '/': echo })
    const open = () => fs.readdirSync('/proc/self/fd').length
    await (await connect(url)).close()
    const before = open()
    for (let i = 0; i < 20; i++) {
      const client = await connect(url)
      await client.ask('x')
      await client.close()
      await refusal(`${url}/nobody`)
    }
    await until(() => open() <= before)
  })

  test('hands over a thousand sockets', async () => {
    const { server, url } = await attach({ '/': { open (session) { session.join('all') }, ...echo } })
    const clients = []
    for (let i = 0; i < 1000; i += 100) clients.push(...await Promise.all(Array.from({ length: 100 }, () => connect(url))))
    await until(() => server.room('all').size === 1000)
    server.room('all').send('to all')
    for (const client of clients) expect(await client.next()).toBe('to all')
  })

  test('says what it can not attach', async () => {
    const server = makeServer()
    const httpsServer = https.createServer()
    expect(() => server.attach(httpsServer)).toThrow(expect.objectContaining({ code: 'ERR_FANWIRE_ATTACH_TLS' }))
    for (const wrong of [undefined, null, 80, {}, 'x']) {
      expect(() => server.attach(wrong)).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_FANWIRE_INVALID_ARG_TYPE' }))
    }
    await server.close()
    expect(() => server.attach(http.createServer())).toThrow(expect.objectContaining({ code: 'ERR_FANWIRE_CLOSED' }))
  })
})
