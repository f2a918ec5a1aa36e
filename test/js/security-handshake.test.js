'use strict'
const http = require('node:http')
const { once } = require('node:events')
const { RawClient, cleanup, connect, handshake, makeServer, serve } = require('./support.js')

const echo = { message (session, data) { session.send(data) } }

const doors = {
  listen: (options) => serve({ '/': echo }, options),
  async attach (options) {
    const server = makeServer(options)
    server.ws('/', echo)
    const httpServer = http.createServer((request, response) => response.writeHead(404).end())
    cleanup(() => { httpServer.closeAllConnections(); httpServer.close() })
    server.attach(httpServer)
    httpServer.listen(0, '127.0.0.1')
    await once(httpServer, 'listening')
    const { port } = httpServer.address()
    return { server, port, url: `ws://127.0.0.1:${port}` }
  }
}

/** Sends a head and answers the status; 0: closed without one. */
async function statusOf (port, text) {
  const client = new RawClient({ port, host: '127.0.0.1' })
  client.write(text)
  const { status } = await client.response()
  client.socket.destroy()
  return Number.isNaN(status) ? 0 : status
}

describe.each(Object.keys(doors))('the handshake behind %s', (door) => {
  const open = doors[door]

  test('S1: 2,000 headers, or a megabyte of them, get 431 or a close', async () => {
    const { url, port } = await open()
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x-${i}`, 'y'.repeat(10)]))
    expect([431, 0]).toContain(await statusOf(port, handshake('/', many)))
    expect([431, 0]).toContain(await statusOf(port, handshake('/', { 'X-Big': 'y'.repeat(1 << 20) })))
    const short = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`a${i}`, '']))
    expect([431, 400, 101, 0]).toContain(await statusOf(port, handshake('/', short)))
    expect(await (await connect(url)).ask('alive')).toBe('alive')
  })

  test('S3: hostile Sec-WebSocket-Protocol and -Extensions cost linear time', async () => {
    const { url, port } = await open({ maxHeaderBytes: 1 << 20 })
    const size = 12_000 // within Node's own limit, for the attached one
    const hostile = [
      ','.repeat(size), 'a,'.repeat(size / 2), 'a' + ' '.repeat(size) + 'b', '"' + '\\'.repeat(size), ';'.repeat(size),
      'permessage-deflate; '.repeat(size / 20), 'permessage-deflate' + ';a=""'.repeat(size / 5), 'a' + '\t'.repeat(size), 'x'.repeat(size),
      'permessage-deflate;' + 'server_max_window_bits=99;'.repeat(400)
    ]
    const start = performance.now()
    for (const value of hostile) {
      for (const field of ['Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions']) {
        expect([101, 400]).toContain(await statusOf(port, handshake('/', { [field]: value })))
      }
    }
    expect(performance.now() - start).toBeLessThan(5000)
    expect(await (await connect(url)).ask('alive')).toBe('alive')
  })

  test.each([
    ['POST', 405, {}, { method: 'POST' }],
    ['HTTP/1.0', 505, {}, { version: 'HTTP/1.0' }],
    ['version 8', 426, { 'Sec-WebSocket-Version': '8' }],
    ['no version', 426, { 'Sec-WebSocket-Version': undefined }],
    ['a short key', 400, { 'Sec-WebSocket-Key': 'c2hvcnQ=' }],
    ['a key that is no base64', 400, { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }],
    ['no key', 400, { 'Sec-WebSocket-Key': undefined }],
    ['another Upgrade', 426, { Upgrade: 'h2c' }]
  ])('S5: %s gets %i', async (name, status, fields, line = {}) => {
    const { url, port } = await open()
    expect(await statusOf(port, handshake('/', fields, line))).toBe(status)
    expect(await (await connect(url)).ask('alive')).toBe('alive')
  })
})

describe('the engine\'s own door', () => {
  test('S5: a request without Upgrade gets 426, one that is no HTTP is closed', async () => {
    const { port, url } = await serve({ '/': echo })
    expect(await statusOf(port, handshake('/', { Upgrade: undefined, Connection: undefined }))).toBe(426)
    const response = await fetch(`http://127.0.0.1:${port}/`)
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBe('websocket')
    for (const junk of ['\0\0\0\0\r\n\r\n', 'GET\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 'GET / HTTP/1.1\r\n: x\r\n\r\n', 'GET / HTTP/1.1\nHost: x\n\n\r\n\r\n']) {
      expect([400, 505, 0]).toContain(await statusOf(port, junk))
    }
    expect(await (await connect(url)).ask('alive')).toBe('alive')
  })

  test('S1: the limit is maxHeaderBytes', async () => {
    const { port } = await serve({ '/': echo }, { maxHeaderBytes: 1000 })
    const head = (size) => handshake('/', { 'X-Pad': 'x'.repeat(size) })
    const room = 1000 - head(0).length
    expect(await statusOf(port, head(room))).toBe(101)
    expect(await statusOf(port, head(room + 1))).toBe(431)
  })

  test('S2: slow heads hold nobody up and are gone at handshakeTimeoutMs', async () => {
    const { port, url } = await serve({ '/': echo }, { handshakeTimeoutMs: 400 })
    const slow = Array.from({ length: 300 }, () => new RawClient({ port }))
    const start = performance.now()
    await Promise.all(slow.map((client) => client.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')))
    expect(await (await connect(url)).ask('others get in')).toBe('others get in')
    const drip = setInterval(() => slow.forEach(({ socket }) => socket.write('x')), 50)
    cleanup(() => clearInterval(drip))
    await Promise.all(slow.map((client) => client.closed))
    const took = performance.now() - start
    expect(took).toBeGreaterThan(300)
    expect(took).toBeLessThan(3000)
    expect(await (await connect(url)).ask('alive')).toBe('alive')
  })

  test('S2: a connection that sends nothing at all is gone as well', async () => {
    const { port } = await serve({ '/': echo }, { handshakeTimeoutMs: 100 })
    await new RawClient({ port }).closed
  })

  test('reads a head byte by byte', async () => {
    const { port } = await serve({ '/': echo })
    const client = new RawClient({ port })
    client.socket.setNoDelay(true)
    for (const byte of handshake('/')) await client.write(byte)
    expect((await client.response()).status).toBe(101)
  })
})
