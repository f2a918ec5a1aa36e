'use strict'
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const { once } = require('node:events')
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { Client, Inbox, RawClient, cleanup, connect, handshake, rawConnect, serve, until } = require('./support.js')

const LIB = path.join(__dirname, '..', '..', 'lib', 'index.js')

/** Lives in each child or Worker: a server with a room that everybody is in, and `tell` to talk to the test. */
const PRELUDE = `
  'use strict'
  const { createServer } = require(${JSON.stringify(LIB)})
  const http = require('node:http')
  const server = createServer({ threads: 2 })
  server.ws('/', {
    open (session) { session.join('all') },
    message (session, data) { if (typeof onMessage === 'function') onMessage(session, data); else session.send(data) }
  })
  server.ws('/live', { publishTo: 'all' })
  const flood = () => { for (let i = 0; i < 200; i++) server.room('all').send('x'.repeat(1000)); setImmediate(flood) }
`

/** A node process that runs the script; what it tells comes into `inbox`. */
function child (script, { command = process.execPath, args = ['-e'] } = {}) {
  const running = spawn(command, [...args, `${PRELUDE}\nconst tell = (message) => console.log(JSON.stringify(message))\n${script}`], {
    stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' }
  })
  const inbox = new Inbox()
  let text = ''
  let errors = ''
  running.stdout.setEncoding('utf8').on('data', (chunk) => {
    const lines = (text + chunk).split('\n')
    text = lines.pop()
    for (const line of lines) inbox.push(JSON.parse(line))
  })
  running.stderr.setEncoding('utf8').on('data', (chunk) => { errors += chunk })
  const exited = once(running, 'close').then(([code, signal]) => {
    inbox.end()
    return { code, signal, errors }
  })
  cleanup(() => {
    running.kill('SIGKILL')
    return exited
  })
  return { exited, inbox, process: running, next: () => inbox.next() }
}

/** A Worker of the same kind. */
function worker (script) {
  const running = new Worker(`${PRELUDE}\nconst { parentPort } = require('node:worker_threads')\nconst tell = (message) => parentPort.postMessage(message)\n${script}`, { eval: true, stderr: true })
  const inbox = new Inbox()
  running.on('message', (message) => inbox.push(message))
  const exited = new Promise((resolve) => running.on('exit', resolve))
  const failed = new Promise((resolve) => running.on('error', resolve))
  cleanup(() => running.terminate())
  return { exited, failed, worker: running, next: () => inbox.next() }
}

const LISTEN = 'server.listen({ host: "127.0.0.1", port: 0 }).then((door) => { tell(door.port); if (typeof onListening === "function") onListening(door) })'

describe('a process', () => {
  test.each([
    ['has made a server and no door', ''],
    ['has attached to an http server that does not listen', 'server.attach(http.createServer())'],
    ['has closed its door', 'server.listen({ port: 0 }).then((door) => door.close())'],
    ['has closed the server', 'server.listen({ port: 0 }).then(() => server.close())'],
    ['has failed to listen', 'server.listen({ host: "192.0.2.1", port: 1 }).catch(() => {})'],
    ['has closed the server again and again', 'server.listen({ port: 0 }).then(async () => { await server.close(); await server.close() })'],
    ['has awaited close() at the top', 'server.listen({ port: 0 }).then(async () => { await server.close({ drainMs: 60_000 }); process.exitCode = 0 })']
  ])('ends by itself when it %s', async (name, script) => {
    expect(await child(script).exited).toMatchObject({ code: 0, signal: null })
  })

  test('lives as long as it listens, and then as long as a client is there', async () => {
    const { next, exited } = child(`onMessage = (session, data) => { door.close(); session.send(data) }; var onMessage, door; var onListening = (d) => { door = d }; ${LISTEN}`)
    const client = await connect(`ws://127.0.0.1:${await next()}`)
    expect(await client.ask('door closed')).toBe('door closed')
    expect(await client.ask('still here')).toBe('still here')
    await client.close()
    expect(await exited).toMatchObject({ code: 0, signal: null })
  })

  test('lives as long as an adopted client is there', async () => {
    const { next, exited } = child(`
      const httpServer = http.createServer()
      server.attach(httpServer)
      var onMessage = (session, data) => { httpServer.close(); session.send(data) }
      httpServer.listen(0, '127.0.0.1', () => tell(httpServer.address().port))`)
    const client = await connect(`ws://127.0.0.1:${await next()}`)
    expect(await client.ask('http closed')).toBe('http closed')
    expect(await client.ask('still here')).toBe('still here')
    await client.close()
    expect(await exited).toMatchObject({ code: 0, signal: null })
  })

  test('does not live on for a handshake that was refused', async () => {
    const { next, exited } = child(`
      const httpServer = http.createServer()
      server.attach(httpServer)
      httpServer.on('upgrade', () => httpServer.close())
      httpServer.listen(0, '127.0.0.1', () => tell(httpServer.address().port))`)
    const client = new RawClient({ port: await next(), host: '127.0.0.1' })
    await client.write(handshake('/', { 'Sec-WebSocket-Version': '8' }))
    expect((await client.response()).status).toBe(426)
    expect(await exited).toMatchObject({ code: 0, signal: null })
  })

  const ends = [
    ['process.exit()', 'process.exit(7)', { code: 7, signal: null }],
    ['an uncaught exception', 'throw new Error("uncaught")', { code: 1, signal: null }],
    ['an unhandled rejection', 'Promise.reject(new Error("unhandled"))', { code: 1, signal: null }],
    ['SIGTERM', 'process.kill(process.pid, "SIGTERM")', { code: null, signal: 'SIGTERM' }],
    ['SIGINT', 'process.kill(process.pid, "SIGINT")', { code: null, signal: 'SIGINT' }],
    ['process.exit() while it closes', 'server.close(); process.exit(7)', { code: 7, signal: null }]
  ]
  test.each(ends)('S25: %s in the midst of a broadcast ends it, with its own exit code', async (name, end, expected) => {
    const { next, exited } = child(`var onMessage = (session, data) => { if (data === 'go') { flood(); setTimeout(() => { ${end} }, 30) } }; ${LISTEN}`)
    const url = `ws://127.0.0.1:${await next()}`
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(url)))
    const live = await connect(`${url}/live`)
    live.socket.on('message', () => live.send('y'))
    live.send('y')
    clients[0].send('go')
    clients[1].socket.pause()
    expect(await exited).toMatchObject(expected)
    clients[1].socket.resume()
    for (const client of clients) expect([1001, 1006]).toContain((await client.closed).code)
  })

  test.each(['open', 'message', 'close', 'authenticate'])('S25: process.exit() within the handler %s ends it at once', async (handler) => {
    const { next, exited } = child(`
      server.ws('/exit', { ${handler} () { for (let i = 0; i < 500; i++) server.room('all').send('x'.repeat(1000)); process.exit(9) } })
      ${LISTEN}`)
    const url = `ws://127.0.0.1:${await next()}`
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(url)))
    const last = new Client(`${url}/exit`)
    if (handler === 'message' || handler === 'close') {
      await last.opened
      last.send('x')
      last.socket.close()
    }
    expect(await exited).toMatchObject({ code: 9, signal: null })
    for (const client of clients) expect((await client.closed).code).toBe(1006)
  })

  test('S25: SIGTERM with a handler that closes the server ends in order', async () => {
    const { next, exited, process: running } = child(`process.once('SIGTERM', async () => { await server.close({ drainMs: 2000 }); tell('closed') }); ${LISTEN}`)
    const url = `ws://127.0.0.1:${await next()}`
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(url)))
    running.kill('SIGTERM')
    for (const client of clients) expect((await client.closed).code).toBe(1001)
    expect(await next()).toBe('closed')
    expect(await exited).toMatchObject({ code: 0, signal: null })
  })
})

describe('a Worker', () => {
  test('serves, and ends by itself after close()', async () => {
    const running = worker(`parentPort.once('message', () => server.close({ drainMs: 1000 })); ${LISTEN}`)
    const url = `ws://127.0.0.1:${await running.next()}`
    const client = await connect(url)
    expect(await client.ask('from a Worker')).toBe('from a Worker')
    running.worker.postMessage('close')
    expect((await client.closed).code).toBe(1001)
    expect(await running.exited).toBe(0)
  })

  test.each([
    ['terminate()', (running) => running.worker.terminate(), 'flood()', 1],
    ['process.exit()', (running) => running.worker.postMessage('go'), 'flood(); parentPort.once("message", () => process.exit(3))', 3],
    ['an uncaught exception', (running) => running.worker.postMessage('go'), 'flood(); parentPort.once("message", () => { throw new Error("uncaught") })', 1]
  ])('S25: ended by %s in the midst of a broadcast harms nobody else', async (name, end, script, code) => {
    const running = worker(`var onListening = () => { ${script} }; ${LISTEN}`)
    const url = `ws://127.0.0.1:${await running.next()}`
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(url)))
    await Promise.all(clients.map((client) => client.next()))
    clients[0].socket.pause()
    const here = await serve({ '/': { message (session, data) { session.send(data) } } })
    const mine = await connect(here.url)
    void end(running)
    expect(await running.exited).toBe(code)
    if (name.startsWith('an uncaught')) expect((await running.failed).message).toBe('uncaught')
    clients[0].socket.resume()
    for (const client of clients) expect((await client.closed).code).toBe(1006)
    expect(await mine.ask('alive')).toBe('alive')
  })

  test('S25: may be started and ended many times in one process', async () => {
    for (let i = 0; i < 5; i++) {
      const running = worker(LISTEN)
      const client = await connect(`ws://127.0.0.1:${await running.next()}`)
      expect(await client.ask(String(i))).toBe(String(i))
      await running.worker.terminate()
      await client.closed
    }
  })

  test('S25: does not hold up the exit of the process it serves in', async () => {
    const script = `
      const { Worker } = require('node:worker_threads')
      const code = ${JSON.stringify(`${PRELUDE}; const tell = (m) => require('node:worker_threads').parentPort.postMessage(m); var onListening = flood; ${LISTEN}`)}
      new Worker(code, { eval: true }).on('message', (port) => { tell(port); process.stdin.once('data', () => process.exit(5)) })`
    const { next, exited, process: running } = child(script)
    const client = await connect(`ws://127.0.0.1:${await next()}`)
    await client.next()
    running.stdin.write('x')
    expect(await exited).toMatchObject({ code: 5, signal: null })
  })
})

describe('several servers', () => {
  test('live side by side and apart', async () => {
    const make = (name) => serve({ '/': { open (session) { session.join('all'); session.identify('alice') }, message (session, data) { session.send(`${name}: ${data}`) } } })
    const [one, two] = [await make('one'), await make('two')]
    const [a, b] = [await connect(one.url), await connect(two.url)]
    expect(await a.ask('x')).toBe('one: x')
    expect(await b.ask('x')).toBe('two: x')
    one.server.broadcast('to one')
    two.server.room('all').send('to two')
    one.server.user('alice').send('alice of one')
    expect(await a.inbox.take(2)).toEqual(['to one', 'alice of one'])
    expect(await b.next()).toBe('to two')
    await one.server.close({ drainMs: 500 })
    expect((await a.closed).code).toBe(1001)
    expect(await b.ask('still here')).toBe('two: still here')
  })

  test('come and go without leaving descriptors or threads behind', async () => {
    const count = (what) => fs.readdirSync(`/proc/self/${what}`).length
    const cycle = async () => {
      const { server, url } = await serve({ '/': { message (session, data) { session.send(data) } } }, { threads: 3 })
      const client = await connect(url)
      await client.ask('x')
      await server.close({ drainMs: 1000 })
      await client.closed
    }
    await cycle()
    const [fds, threads] = [count('fd'), count('task')]
    for (let i = 0; i < 10; i++) await cycle()
    await until(() => count('fd') <= fds && count('task') <= threads)
  })
})

describe('load', () => {
  test('S29: a thousand clients that drop and return at once are all back; no close is missed, nothing leaks', async () => {
    const N = 1000
    let opens = 0
    let closes = 0
    const { server, port } = await serve({
      '/': { open (session) { opens++; session.join('all') }, close () { closes++ } }
    }, { threads: 2 })
    const arrive = () => Promise.all(Array.from({ length: N }, () => rawConnect({ port }, '/')))
    const leave = (clients) => Promise.all(clients.map((client, i) => {
      if (i % 2) client.socket.resetAndDestroy()
      else client.socket.destroy()
      return client.closed
    }))
    const fds = () => fs.readdirSync('/proc/self/fd').length
    const first = await arrive()
    await until(() => server.room('all').size === N)
    const before = fds()
    let clients = first
    for (let round = 0; round < 3; round++) {
      const [returned] = await Promise.all([arrive(), leave(clients)])
      clients = returned
      await until(() => server.room('all').size === N && closes === (round + 1) * N)
    }
    expect(opens).toBe(4 * N)
    expect(fds()).toBeLessThanOrEqual(before + 8)
    await leave(clients)
    await until(() => closes === 4 * N)
    expect(server.room('all').size).toBe(0)
  }, 60_000)

  test('S31: at the limit of descriptors accept pauses, does not spin, and recovers', async () => {
    const { next, process: running } = child(`
      let open = 0
      const limited = createServer({ threads: 1 })
      limited.ws('/', { open () { tell({ open: ++open }) }, close () { open-- } })
      limited.listen({ host: '127.0.0.1', port: 0 }).then((door) => tell(door.port))
      process.stdin.on('data', () => {
        const before = process.cpuUsage()
        setTimeout(() => { const { user, system } = process.cpuUsage(before); tell({ cpuMs: (user + system) / 1000 }) }, 500)
      })`, { command: '/bin/sh', args: ['-c', 'ulimit -n 100; exec "$0" -e "$1"', process.execPath] })
    const port = await next()
    const clients = Array.from({ length: 200 }, () => new RawClient({ port, host: '127.0.0.1' }))
    const heads = clients.map(async (client) => {
      await client.write(handshake('/'))
      return (await client.response()).status
    })
    let most = 0
    while (most < 40) most = (await next()).open
    running.stdin.write('how much?')
    let answer = await next()
    while (answer.cpuMs === undefined) {
      most = answer.open
      answer = await next()
    }
    expect(most).toBeLessThan(100)
    expect(answer.cpuMs).toBeLessThan(250)
    // Each that leaves makes room for one that waits.
    let opened = 0
    await Promise.all(heads.map(async (head, i) => {
      expect(await head).toBe(101)
      opened++
      clients[i].socket.destroy()
    }))
    expect(opened).toBe(200)
  })
})
