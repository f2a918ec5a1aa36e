'use strict'
const http = require('node:http')
const { once } = require('node:events')
const { Reject } = require('../../lib/index.js')
const { Client, RawClient, TEXT, cleanup, connect, deferred, frame, handshake, makeServer, refusal, serve, until } = require('./support.js')

/** Both ways in: the engine's own door and Node's http server. */
const doors = {
  async listen (endpoints, options) {
    const { server, url, port } = await serve(endpoints, options)
    return { server, url, port, isAttached: false }
  },
  async attach (endpoints, options) {
    const server = makeServer(options)
    for (const [pattern, handlers] of Object.entries(endpoints)) server.ws(pattern, handlers)
    const httpServer = http.createServer()
    cleanup(() => httpServer.close())
    server.attach(httpServer)
    httpServer.listen(0, '127.0.0.1')
    await once(httpServer, 'listening')
    const { port } = httpServer.address()
    return { server, url: `ws://127.0.0.1:${port}`, port, isAttached: true }
  }
}

describe.each(Object.keys(doors))('authenticate behind %s', (door) => {
  const open = doors[door]

  test('gives the session its user and data', async () => {
    const opened = deferred()
    const { server, url } = await open({
      '/:room': {
        async authenticate (request) {
          await null
          return { user: request.headers['x-name'], data: { url: request.url, method: request.method } }
        },
        open: opened.resolve,
        message (session, data) { session.send(`${session.user}: ${data}`) }
      }
    })
    const client = await connect(`${url}/a?token=1`, { headers: { 'X-Name': 'alice' } })
    const session = await opened.promise
    expect(session.user).toBe('alice')
    expect(session.data).toEqual({ url: '/a?token=1', method: 'GET' })
    expect(session.params.room).toBe('a')
    expect(await client.ask('hi')).toBe('alice: hi')
    expect(server.user('alice').size).toBe(1)
  })

  test('may answer at once, without a promise', async () => {
    const { url } = await open({ '/': { authenticate: () => ({ data: 7 }), message (session) { session.send(String(session.data)) } } })
    expect(await (await connect(url)).ask('?')).toBe('7')
  })

  test('refuses with status, headers and body', async () => {
    const { url } = await open({
      '/': { async authenticate () { throw new Reject(401, 'who are you?', { 'WWW-Authenticate': 'Bearer', 'Set-Cookie': ['a=1', 'b=2'] }) } }
    })
    const { status, headers, body } = await refusal(url)
    expect({ status, body }).toEqual({ status: 401, body: 'who are you?' })
    expect(headers['www-authenticate']).toBe('Bearer')
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(headers['content-type']).toMatch(/^text\/plain/)
    expect(headers['content-length']).toBe('12')
  })

  test('refuses with a type of its own, in UTF-8, or with the phrase of the status', async () => {
    const { url } = await open({
      '/json': { authenticate () { throw new Reject(403, '{"é":1}', { 'content-type': 'application/json' }) } },
      '/plain': { authenticate () { throw new Reject(429) } }
    })
    const json = await refusal(`${url}/json`)
    expect(json.headers['content-type']).toBe('application/json')
    expect(JSON.parse(json.body)).toEqual({ é: 1 })
    expect(await refusal(`${url}/plain`)).toMatchObject({ status: 429, body: 'Too Many Requests' })
  })

  test('answers 500 and tells the server when it fails or answers nonsense', async () => {
    const errors = []
    const { server, url } = await open({
      '/throws': { authenticate () { throw new Error('secret') } },
      '/rejects': { async authenticate () { throw new Error('secret') } },
      '/nothing': { async authenticate () {} },
      '/null': { authenticate: () => null },
      '/true': { authenticate: () => true },
      '/user': { authenticate: () => ({ user: 7 }) },
      '/long': { authenticate: () => ({ user: 'x'.repeat(513) }) }
    })
    server.on('error', (error, session) => errors.push([error.code ?? error.message, session]))
    for (const path of ['throws', 'rejects', 'nothing', 'null', 'true', 'user', 'long']) {
      const { status, body } = await refusal(`${url}/${path}`)
      expect(status).toBe(500)
      expect(body).not.toContain('secret')
    }
    expect(errors).toEqual([
      ['secret', undefined], ['secret', undefined], ['ERR_FANWIRE_AUTHENTICATE_RESULT', undefined],
      ['ERR_FANWIRE_AUTHENTICATE_RESULT', undefined], ['ERR_FANWIRE_AUTHENTICATE_RESULT', undefined],
      ['ERR_FANWIRE_INVALID_ARG_TYPE', undefined], ['ERR_FANWIRE_NAME', undefined]
    ])
  })

  test('refuses with 503 what does not settle in time, and aborts', async () => {
    const aborted = deferred()
    const errors = []
    const { server, url } = await open({
      '/': { authenticate: (request, { signal }) => new Promise(() => signal.addEventListener('abort', () => aborted.resolve(signal.reason))) }
    }, { handlerTimeoutMs: 50 })
    server.on('error', (error) => errors.push(error.code))
    expect((await refusal(url)).status).toBe(503)
    expect((await aborted.promise).code).toBe('ERR_FANWIRE_HANDLER_TIMEOUT')
    expect(errors).toEqual(['ERR_FANWIRE_HANDLER_TIMEOUT'])
  })

  test('keeps frames that come while it is pending', async () => {
    const verdict = deferred()
    const started = deferred()
    const { url } = await open({
      '/': {
        async authenticate () { started.resolve(); await verdict.promise; return {} },
        message (session, data) { session.send(data) }
      }
    })
    const { port } = new URL(url)
    const client = new RawClient({ port })
    await client.write(Buffer.concat([Buffer.from(handshake('/')), frame(TEXT, 'with the head')]))
    await started.promise
    await client.write(frame(TEXT, 'while it waits'))
    verdict.resolve()
    expect((await client.response()).status).toBe(101)
    expect((await client.frame()).payload.toString()).toBe('with the head')
    expect((await client.frame()).payload.toString()).toBe('while it waits')
  })

  test('S4: aborts when the client leaves while it is pending; nothing opens', async () => {
    const seen = []
    const started = deferred()
    const aborted = deferred()
    const { server, url } = await open({
      '/': {
        async authenticate (request, { signal }) {
          signal.addEventListener('abort', () => aborted.resolve(signal.reason.name))
          started.resolve()
          await aborted.promise
          return { user: 'ghost' }
        },
        open () { seen.push('open') },
        close () { seen.push('close') }
      },
      '/quick': { message (session, data) { session.send(data) } }
    })
    const client = new Client(url)
    await started.promise
    client.socket.terminate()
    expect(await aborted.promise).toBe('AbortError')
    expect(await (await connect(`${url}/quick`)).ask('alive')).toBe('alive')
    expect(seen).toEqual([])
    expect(server.user('ghost').size).toBe(0)
  })

  test('S4: a client that leaves while a refusal is written harms nobody', async () => {
    const { url } = await open({
      '/': { async authenticate () { throw new Reject(403, 'x'.repeat(1 << 20)) } },
      '/quick': { message (session, data) { session.send(data) } }
    })
    const { port } = new URL(url)
    for (let i = 0; i < 20; i++) {
      const client = new RawClient({ port })
      await client.write(handshake('/'))
      if (i % 2) await client.read(10)
      client.socket.resetAndDestroy()
    }
    expect(await (await connect(`${url}/quick`)).ask('alive')).toBe('alive')
  })

  test('aborts what is pending when the server closes', async () => {
    const started = deferred()
    const aborted = deferred()
    const { server, url } = await open({
      '/': {
        authenticate: (request, { signal }) => new Promise(() => {
          signal.addEventListener('abort', aborted.resolve)
          started.resolve()
        })
      }
    })
    const client = new Client(url)
    await started.promise
    await server.close({ drainMs: 100 })
    await aborted.promise
    expect((await client.closed).code).toBe(1006)
  })

  test('is asked for each handshake on its own, many at once', async () => {
    const waiting = []
    const { url } = await open({
      '/': {
        authenticate: (request) => new Promise((resolve) => waiting.push([resolve, request])),
        message (session) { session.send(session.data.n) }
      }
    }, { threads: 2 })
    const clients = Array.from({ length: 50 }, (_, n) => new Client(`${url}/?${n}`))
    await until(() => waiting.length === 50)
    for (const [resolve, { url: path }] of waiting.reverse()) resolve({ data: { n: path.split('?')[1] } })
    for (const [n, client] of clients.entries()) {
      await client.opened
      expect(await client.ask('n?')).toBe(String(n))
    }
  })
})

describe('Reject', () => {
  test('checks its arguments', () => {
    const cases = [
      [['401'], 'ERR_FANWIRE_INVALID_ARG_TYPE'], [[200], 'ERR_FANWIRE_OUT_OF_RANGE'], [[600], 'ERR_FANWIRE_OUT_OF_RANGE'],
      [[401, 7], 'ERR_FANWIRE_INVALID_ARG_TYPE'], [[401, '', 'x'], 'ERR_FANWIRE_INVALID_ARG_TYPE'],
      [[401, '', { 'bad name': 'x' }], 'ERR_INVALID_HTTP_TOKEN'], [[401, '', { a: 'x\r\ny: z' }], 'ERR_INVALID_CHAR']
    ]
    for (const [args, code] of cases) expect(() => new Reject(...args)).toThrow(expect.objectContaining({ code }))
    expect(new Reject(404)).toMatchObject({ name: 'Reject', status: 404, message: 'Not Found' })
  })
})
