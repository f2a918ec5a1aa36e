'use strict'
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { once } = require('node:events')
const { cleanup, connect, deferred, makeServer, refusal, serve } = require('./support.js')

const echo = { message (session, data) { session.send(data) } }

function socketPath () {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fanwire-'))
  cleanup(() => fs.rmSync(folder, { recursive: true, force: true }))
  return path.join(folder, 'engine.sock')
}

describe('listen', () => {
  test('takes any free port for 0 and says which', async () => {
    const server = makeServer()
    server.ws('/', echo)
    const door = await server.listen({ host: '127.0.0.1', port: 0 })
    expect(door).toMatchObject({ address: '127.0.0.1', family: 'IPv4' })
    expect(door.port).toBeGreaterThan(0)
    expect(await (await connect(`ws://127.0.0.1:${door.port}`)).ask('x')).toBe('x')
  })

  test('resolves names, and listens on every address without a host', async () => {
    const server = makeServer()
    server.ws('/', echo)
    const named = await server.listen({ host: 'localhost', port: 0 })
    expect(await (await connect(`ws://localhost:${named.port}`)).ask('x')).toBe('x')
    const any = await server.listen({ port: 0 })
    expect(await (await connect(`ws://127.0.0.1:${any.port}`)).ask('x')).toBe('x')
    expect(await (await connect(`ws://127.0.0.2:${any.port}`)).ask('x')).toBe('x')
  })

  test('listens on a Unix socket, and takes the file away', async () => {
    const at = socketPath()
    const { server } = await serve({ '/': echo })
    const door = await server.listen({ path: at })
    expect(door.path).toBe(at)
    expect(door.port).toBeUndefined()
    expect(await (await connect(`ws+unix:${at}:/`)).ask('x')).toBe('x')
    await server.close({ drainMs: 100 })
    expect(fs.existsSync(at)).toBe(false)
  })

  test('has many doors at once and closes each alone', async () => {
    const { server, port, url } = await serve({ '/': echo })
    const second = await server.listen({ host: '127.0.0.1', port: 0 })
    expect(second.port).not.toBe(port)
    const client = await connect(`ws://127.0.0.1:${second.port}`)
    second.close()
    second.close()
    const socket = net.connect(second.port, '127.0.0.1')
    const [error] = await once(socket, 'error')
    expect(error.code).toBe('ECONNREFUSED')
    expect(await client.ask('still here')).toBe('still here')
    expect(await (await connect(url)).ask('x')).toBe('x')
  })

  test('rejects a port that is in use, by another server or by anybody', async () => {
    const { port, server } = await serve({ '/': echo })
    await expect(makeServer().listen({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: expect.any(String) })
    await expect(server.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    const other = net.createServer().listen(0, '127.0.0.1')
    cleanup(() => other.close())
    await once(other, 'listening')
    await expect(server.listen({ host: '127.0.0.1', port: other.address().port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  test('rejects a Unix path that is in use', async () => {
    const at = socketPath()
    await makeServer().listen({ path: at })
    await expect(makeServer().listen({ path: at })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  test('rejects what can not be: addresses of others, unknown names, missing folders', async () => {
    const server = makeServer()
    await expect(server.listen({ host: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
    await expect(server.listen({ host: 'no-such-name.invalid', port: 0 })).rejects.toMatchObject({ code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) })
    await expect(server.listen({ path: '/no/such/folder/x.sock' })).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('frees its port when the server closes', async () => {
    const { server, port } = await serve({ '/': echo })
    await server.close({ drainMs: 100 })
    const again = makeServer()
    expect((await again.listen({ host: '127.0.0.1', port })).port).toBe(port)
  })

  test('rejects after close', async () => {
    const { server } = await serve({ '/': echo })
    await server.close()
    await expect(server.listen({ port: 0 })).rejects.toMatchObject({ code: 'ERR_FANWIRE_CLOSED' })
    expect(() => server.ws('/x', {})).toThrow(expect.objectContaining({ code: 'ERR_FANWIRE_CLOSED' }))
  })

  test('adds endpoints while it listens', async () => {
    const { server, url } = await serve({ '/': echo })
    const opened = deferred()
    server.ws('/late/:x', { open: opened.resolve, ...echo })
    expect(await (await connect(`${url}/late/1`)).ask('x')).toBe('x')
    expect((await opened.promise).params.x).toBe('1')
  })

  test('refuses connections beyond maxConnections with 503', async () => {
    const { url } = await serve({ '/': echo }, { maxConnections: 2 })
    const [first] = [await connect(url), await connect(url)]
    expect((await refusal(url)).status).toBe(503)
    await first.close()
    expect(await (await connectAgain(url)).ask('x')).toBe('x')
  })

  test('deals connections to every thread', async () => {
    const { server, url } = await serve({ '/': { open (session) { session.join('all') }, ...echo } }, { threads: 4 })
    const clients = await Promise.all(Array.from({ length: 40 }, () => connect(url)))
    for (const client of clients) await client.ask('x')
    server.room('all').send('to all')
    for (const client of clients) expect(await client.next()).toBe('to all')
  })
})

/** A slot is free once the engine has seen the close; until then it refuses. */
async function connectAgain (url) {
  for (;;) {
    try {
      return await connect(url)
    } catch (error) {
      if (!/503/.test(error.message)) throw error
    }
  }
}
