'use strict'
const { cleanup, connect, deferred, makeServer, serve, until } = require('./support.js')

/** Warnings of Fanwire while a test runs. */
function warnings () {
  const seen = []
  const spy = jest.spyOn(process, 'emitWarning').mockImplementation((text, options) => { seen.push([text, options]) })
  cleanup(() => spy.mockRestore())
  return seen
}

const failing = {
  'throws in message': { message () { throw new Error('boom') } },
  'rejects in message': { async message () { throw new Error('boom') } },
  'throws in open': { open () { throw new Error('boom') } },
  'rejects in open': { async open () { await null; throw new Error('boom') } },
  'rejects with a thenable': { message: () => ({ then (resolve, reject) { reject(new Error('boom')) } }) },
  'answers a thenable that throws': { message: () => ({ then () { throw new Error('boom') } }) },
  'answers a thenable that can not be read': { message: () => ({ get then () { throw new Error('boom') } }) }
}

describe('a handler that fails', () => {
  test.each(Object.entries(failing))('%s: closes its session with 1011 and tells the server', async (name, handlers) => {
    const errors = []
    const closed = deferred()
    const { server, url } = await serve({
      '/bad': { ...handlers, close (session, details) { closed.resolve([session, details]) } },
      '/good': { message (session, data) { session.send(data) } }
    })
    server.on('error', (error, session) => errors.push([error.message, session]))
    const good = await connect(`${url}/good`)
    const bad = await connect(`${url}/bad`)
    bad.send('x')
    expect((await bad.closed).code).toBe(1011)
    const [session, details] = await closed.promise
    expect(details).toMatchObject({ code: 1011, cause: 'handler-failed', wasClean: true })
    expect(errors).toEqual([['boom', session]])
    expect(await good.ask('alive')).toBe('alive')
  })

  test('gets no more messages', async () => {
    const seen = []
    const { server, url } = await serve({
      '/': { async message (session, data) { seen.push(data); await null; throw new Error('boom') } }
    })
    server.on('error', () => {})
    const client = await connect(url)
    for (let i = 0; i < 10; i++) client.send(String(i))
    await client.closed
    expect(seen).toEqual(['0'])
  })

  test('in close or drain is told, too', async () => {
    const errors = []
    const { server, url } = await serve({
      '/throws': { close () { throw new Error('thrown') } },
      '/rejects': { async close () { throw new Error('rejected') } }
    })
    server.on('error', (error) => errors.push(error.message))
    await (await connect(`${url}/throws`)).close()
    await (await connect(`${url}/rejects`)).close()
    await until(() => errors.length === 2)
    expect(errors).toEqual(['thrown', 'rejected'])
  })

  test('without a listener is a warning, one a second, and not the end', async () => {
    const seen = warnings()
    const { url } = await serve({
      '/': { message (session, data) { throw data === 'text' ? 'a string' : new Error('boom') } },
      '/good': { message (session, data) { session.send(data) } }
    })
    for (let i = 0; i < 20; i++) {
      const client = await connect(url)
      client.send(i === 0 ? 'x' : 'text')
      await client.closed
    }
    expect(await (await connect(`${url}/good`)).ask('alive')).toBe('alive')
    expect(seen.length).toBeGreaterThanOrEqual(1)
    expect(seen.length).toBeLessThan(5)
    expect(seen[0][0]).toContain('boom')
    expect(seen[0][1]).toMatchObject({ type: 'FanwireWarning' })
  })

  test('and a listener that throws as well do not stop the others', async () => {
    const seen = warnings()
    const { server, url } = await serve({
      '/': { message () { throw new Error('boom') } },
      '/good': { message (session, data) { session.send(data) } }
    })
    server.on('error', () => { throw new Error('from the listener') })
    const good = await connect(`${url}/good`)
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(url)))
    for (const client of clients) client.send('x')
    good.send('1')
    for (const client of clients) expect((await client.closed).code).toBe(1011)
    expect(await good.inbox.take(1)).toEqual(['1'])
    expect(await good.ask('2')).toBe('2')
    expect(seen[0][0]).toContain('from the listener')
  })
})

describe('a handler that does not settle', () => {
  test('closes its session with 1011 after handlerTimeoutMs; close follows', async () => {
    const errors = []
    const closed = deferred()
    const { server, url } = await serve({
      '/': {
        message: (session, data) => data === 'hang' ? new Promise(() => {}) : void session.send(data),
        close (session, details) { closed.resolve([session, details]) }
      }
    }, { handlerTimeoutMs: 60 })
    server.on('error', (error, session) => errors.push([error.code, session]))
    const [hanging, other] = [await connect(url), await connect(url)]
    hanging.send('hang')
    hanging.send('behind')
    expect((await hanging.closed).code).toBe(1011)
    const [session, details] = await closed.promise
    expect(details).toMatchObject({ code: 1011, cause: 'handler-timeout' })
    expect(errors).toEqual([['ERR_FANWIRE_HANDLER_TIMEOUT', session]])
    expect(hanging.inbox.size).toBe(0)
    expect(await other.ask('alive')).toBe('alive')
  })

  test('in open is timed out as well, and no message is delivered', async () => {
    const seen = []
    const { server, url } = await serve({
      '/': { open: () => new Promise(() => {}), message (session, data) { seen.push(data) } }
    }, { handlerTimeoutMs: 60 })
    server.on('error', () => {})
    const client = await connect(url)
    client.send('x')
    expect((await client.closed).code).toBe(1011)
    expect(seen).toEqual([])
  })

  test('holds back the close of its session until it is timed out', async () => {
    const seen = []
    const started = deferred()
    const closed = deferred()
    const { server, url } = await serve({
      '/': {
        message () { seen.push('message'); started.resolve(); return new Promise(() => {}) },
        close (session, { cause }) { seen.push('close'); closed.resolve(cause) }
      }
    }, { handlerTimeoutMs: 100 })
    server.on('error', (error) => seen.push(error.code))
    const client = await connect(url)
    client.send('x')
    await started.promise
    await client.close(1000)
    expect(await closed.promise).toBe('peer')
    expect(seen).toEqual(['message', 'ERR_FANWIRE_HANDLER_TIMEOUT', 'close'])
  })

  test('is not awaited by one that settles in time, again and again', async () => {
    const { url } = await serve({
      '/': { async message (session, data) { await new Promise((resolve) => setImmediate(resolve)); session.send(data) } }
    }, { handlerTimeoutMs: 100 })
    const client = await connect(url)
    const start = performance.now()
    let n = 0
    while (performance.now() - start < 300) expect(await client.ask(String(n))).toBe(String(n++))
    expect(client.socket.readyState).toBe(1)
  })
})

describe('handlers', () => {
  test('are called on the object they stand in', async () => {
    const { url } = await serve({ '/': new (class { open (session) { session.send(this.greeting()) } greeting () { return 'hello' } })() })
    expect(await (await connect(url)).next()).toBe('hello')
  })

  test('may close the server from within', async () => {
    const { server, url } = await serve({ '/': { message () { void server.close({ drainMs: 500 }) } } })
    const client = await connect(url)
    client.send('x')
    expect((await client.closed).code).toBe(1001)
    await server.close()
  })

  test('close() of the server waits for them, as long as drainMs allows', async () => {
    const seen = []
    const release = deferred()
    const started = deferred()
    const { server, url } = await serve({
      '/': {
        async message () { started.resolve(); await release.promise; seen.push('settled') },
        async close (session, { code, cause }) { await null; seen.push([code, cause]) }
      }
    })
    const client = await connect(url)
    client.send('x')
    await started.promise
    const closing = server.close({ drainMs: 5000 })
    await client.closed
    release.resolve()
    await closing
    expect(seen).toEqual(['settled', [1001, 'shutdown']])
  })

  test('close() of the server does not wait longer', async () => {
    const seen = []
    const started = deferred()
    const { server, url } = await serve({
      '/': { message () { started.resolve(); return new Promise(() => {}) }, close () { seen.push('close') } }
    })
    server.on('error', (error) => seen.push(error.code))
    const client = await connect(url)
    client.send('x')
    await started.promise
    await server.close({ drainMs: 50 })
    expect(seen).toEqual(['ERR_FANWIRE_HANDLER_TIMEOUT', 'close'])
  })
})

describe('the logger', () => {
  test('gets lines of text and may throw', async () => {
    const lines = []
    const log = (line) => { lines.push(line); throw new Error('a logger that throws') }
    const seen = warnings()
    const server = makeServer({ logger: { error: log, warn: log, info: log, debug: log } })
    server.ws('/', { message (session, data) { session.send(data) } })
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
    expect(await (await connect(`ws://127.0.0.1:${port}`)).ask('x')).toBe('x')
    expect(lines.every((line) => typeof line === 'string')).toBe(true)
    void seen
  })
})
