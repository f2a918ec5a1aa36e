'use strict'
// What happens while the application is behind, and at the edges that only a bad day reaches.
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { Client, cleanup, connect, deferred, handshake, makeServer, refusal, serve, until } = require('./support.js')

const LIB = path.join(__dirname, '..', '..', 'lib', 'index.js')
const socketPath = () => path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'fanwire-')), 'door')

/** A node process that runs the script with `createServer`; its exit status and what it said. */
async function run (script) {
  const child = spawn(process.execPath, ['-e', `const { createServer } = require(${JSON.stringify(LIB)});${script}`], { stdio: ['ignore', 'pipe', 'pipe'] })
  cleanup(() => child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said += text })
  const [code, signal] = await once(child, 'close')
  return { code, signal, said }
}

test('a client that leaves while its messages wait costs no spinning, and none of them is lost', async () => {
  const released = deferred()
  const closed = deferred()
  let got = 0
  const server = makeServer()
  server.ws('/', {
    async message () { got++; await released.promise },
    close () { closed.resolve() }
  })
  const at = socketPath()
  await server.listen({ path: at })
  const client = net.connect(at)
  await once(client, 'connect')
  client.write(handshake('/'))
  await once(client, 'data')
  const frame = Buffer.alloc(106)
  frame.set([0x81, 0x80 | 100])
  client.write(Buffer.concat(Array(1500).fill(frame)))
  await until(() => server.stats().bytesIn > 50_000)
  client.destroy()
  const before = server.stats().rounds
  await until(() => server.stats().rounds > before) // it has noticed
  const start = server.stats().rounds
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
  expect(server.stats().rounds - start).toBeLessThan(1_000)
  released.resolve()
  await closed.promise
  expect(got).toBe(1500)
})

test('messages that are whole do not count as incomplete, however long the application takes', async () => {
  const opening = deferred()
  const causes = []
  let got = 0
  const { url } = await serve({
    '/': { open: () => opening.promise, message () { got++ }, close (_session, { cause }) { causes.push(cause) } }
  }, { maxIncompleteBytes: 1 << 20 })
  for (let i = 0; i < 4; i++) {
    const client = await connect(url)
    client.send(Buffer.alloc(600 << 10))
  }
  opening.resolve()
  await until(() => got === 4)
  expect(causes).toEqual([])
})

test('replies leave while a long turn goes on, not at its end', async () => {
  const replies = new Int32Array(new SharedArrayBuffer(4))
  const seen = []
  const { server, port } = await serve({
    '/': {
      message (session, text) {
        // All the work is with the engine before the turn that does it begins.
        if (text === 'wait') while (server.stats().messagesIn < 21);
        else for (const end = performance.now() + 20; performance.now() < end;);
        seen.push(Atomics.load(replies, 0))
        session.send('done')
      }
    }
  })
  // The clients live elsewhere: this thread is busy.
  const clients = new Worker(`
    const { workerData: { port, replies } } = require('node:worker_threads')
    const WebSocket = require(${JSON.stringify(require.resolve('ws'))})
    const sockets = Array.from({ length: 21 }, () => new WebSocket('ws://127.0.0.1:' + port))
    for (const socket of sockets) socket.on('message', () => Atomics.add(replies, 0, 1))
    Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('open', resolve)))).then(() => {
      for (const [i, socket] of sockets.entries()) socket.send(i === 0 ? 'wait' : 'work')
    })`, { eval: true, workerData: { port, replies } })
  cleanup(() => clients.terminate())
  await until(() => seen.length === 21)
  expect(seen[0]).toBe(0)
  expect(seen[20]).toBeGreaterThan(5)
})

test('silent sockets hold no place under maxConnections', async () => {
  const { port, url } = await serve({ '/': { message () {} } }, { maxConnections: 2 })
  const silent = await Promise.all(Array.from({ length: 5 }, async () => {
    const socket = net.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    cleanup(() => socket.destroy())
    return socket
  }))
  const two = [await connect(url), await connect(url)]
  expect((await refusal(url)).status).toBe(503)
  await two[0].close()
  await connect(url)
  expect(silent.every((socket) => !socket.destroyed)).toBe(true)
})

test('both doors compare paths percent-decoded', async () => {
  const { port } = await serve({ '/a%20b': { message (s) { s.send('blank') } }, '/chat/:room': { message (s) { s.send(s.params.room) } }, '/grüße': { message (s) { s.send('hi') } }, '/%2A/%3Aid': { message (s) { s.send(JSON.stringify(s.params)) } } })
  const base = `ws://127.0.0.1:${port}`
  expect(await (await connect(`${base}/a%20b`)).ask('?')).toBe('blank')
  expect(await (await connect(`${base}/ch%61t/x`)).ask('?')).toBe('x')
  expect(await (await connect(`${base}/gr%C3%BC%C3%9Fe`)).ask('?')).toBe('hi')
  expect(await (await connect(`${base}/*/:id`)).ask('?')).toBe('{}')
  expect((await refusal(`${base}/x/y`)).status).toBe(404)
  expect((await refusal(`${base}/chat/a%2Fb`)).status).toBe(404)
})

test('an endpoint that only publishes tells its error handler what the client broke', async () => {
  const told = deferred()
  const { port } = await serve({ '/': { publishTo: 'all', error (_session, error) { told.resolve(error) } } })
  const client = net.connect(port, '127.0.0.1')
  cleanup(() => client.destroy())
  await once(client, 'connect')
  client.write(Buffer.concat([Buffer.from(handshake('/')), Buffer.from([0x83, 0x80, 0, 0, 0, 0])]))
  expect((await told.promise).code).toBe('ERR_FANWIRE_PROTOCOL')
})

test('a message above 256 MiB is refused by name, and the session goes on', async () => {
  const answers = deferred()
  const { url } = await serve({
    '/': {
      message (session) {
        let code
        try { session.send(Buffer.allocUnsafeSlow((256 << 20) + 1)) } catch (error) { code = error.code }
        answers.resolve(code)
        session.send('still here')
      }
    }
  })
  const client = new Client(url)
  await client.opened
  expect(await client.ask('x')).toBe('still here')
  expect(await answers.promise).toBe('ERR_FANWIRE_OUT_OF_RANGE')
})

test('while the application is far behind nobody new is let in, and everybody again once it has caught up', async () => {
  // A blocked thread can not watch itself: a child is flooded by its own child.
  const { code, said } = await run(`
    const { spawn } = require('node:child_process')
    const WebSocket = require(${JSON.stringify(require.resolve('ws'))})
    const server = createServer({ threads: 1 })
    server.ws('/', { message () {}, close () {} })
    server.listen({ port: 0, host: '127.0.0.1' }).then(({ port }) => {
      const flood = spawn(process.execPath, ['-e', \`
        const WebSocket = require(${JSON.stringify(JSON.stringify(require.resolve('ws'))).slice(1, -1)})
        let refused = 0, done = 0
        const one = () => {
          const socket = new WebSocket('ws://127.0.0.1:' + process.argv[1], { perMessageDeflate: false })
          socket.on('open', () => { socket.send(Buffer.alloc(1 << 20), () => socket.terminate()) })
          socket.on('unexpected-response', (_request, response) => { if (response.statusCode === 503) refused++; response.resume(); socket.terminate() })
          socket.on('error', () => {})
          socket.on('close', () => { if (++done === 200) { console.log(refused); process.exit() } })
        }
        let n = 0
        const next = () => { for (let i = 0; i < 10 && n < 200; i++, n++) one(); if (n < 200) setTimeout(next, 20) }
        next()\`, port], { stdio: ['ignore', 'pipe', 'inherit'] })
      let refused = ''
      flood.stdout.on('data', (text) => { refused += text })
      setTimeout(() => {
        const done = new Int32Array(new SharedArrayBuffer(4))
        Atomics.wait(done, 0, 0, 3000) // the application does nothing at all
      }, 100)
      flood.on('close', () => {
        const back = new WebSocket('ws://127.0.0.1:' + port)
        back.on('open', () => { console.log(Number(refused) > 0 ? 'refused some, then open' : 'refused none'); process.exit() })
        back.on('error', (error) => { console.log(error.message); process.exit(1) })
      })
    })`)
  expect({ code, said: said.trim() }).toEqual({ code: 0, said: 'refused some, then open' })
})

test('a Unix path is free again after process.exit()', async () => {
  const at = socketPath()
  const { code } = await run(`createServer().listen({ path: ${JSON.stringify(at)} }).then(() => process.exit(3))`)
  expect(code).toBe(3)
  expect(fs.existsSync(at)).toBe(false)
})

test('sockets that can not be adopted are closed, and nothing else happens', async () => {
  const { code, said } = await run(`
    const { execFileSync } = require('node:child_process')
    const net = require('node:net')
    const limit = (soft) => execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=' + soft + ':4096'])
    limit(64)
    const server = createServer({ threads: 1 })
    server.ws('/', { message () {} })
    server.listen({ port: 0, host: '127.0.0.1' }).then(({ port }) => {
      limit(4096)
      let closed = 0
      for (let i = 0; i < 100; i++) {
        const socket = net.connect(port, '127.0.0.1')
        socket.on('error', () => {})
        socket.on('close', () => { if (++closed === 20) { console.log('alive'); process.exit() } })
      }
    })`)
  expect({ code, said: said.trim() }).toEqual({ code: 0, said: 'alive' })
})
