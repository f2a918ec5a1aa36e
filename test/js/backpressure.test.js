'use strict'
const { once } = require('node:events')
const { Worker } = require('node:worker_threads')
const { PING, TEXT, cleanup, connect, deferred, frame, rawConnect, serve, until } = require('./support.js')

const KIB = 1024

/** A session whose client has stopped reading. */
async function stalled (limits, more = {}) {
  const opened = deferred()
  const closed = deferred()
  const drained = []
  const { server, port, url } = await serve({
    '/': {
      limits,
      open: opened.resolve,
      message () {},
      drain (session) { drained.push(session.bufferedBytes) },
      close (session, details) { closed.resolve(details) },
      ...more
    },
    '/echo': { message (session, data) { session.send(data) } }
  })
  const client = await rawConnect({ port }, '/')
  client.socket.pause()
  const other = await connect(`${url}/echo`)
  const session = await opened.promise
  // The one thread of the engine has done what was posted to it before.
  const done = () => other.ask('done?')
  /** Sends and lets the engine act on it, until the kernel takes no more and `holds()`. */
  const fillUntil = async (data, holds) => {
    while (!holds()) {
      session.send(data)
      await done()
    }
  }
  return { server, client, session, closed: closed.promise, drained, done, fillUntil }
}


describe('back-pressure', () => {
  test('send answers false above the high-water mark, drain follows when the client reads', async () => {
    const { client, session, drained, fillUntil } = await stalled({ highWaterMarkBytes: 64 * KIB, maxBufferedBytes: 64 << 20, sendTimeoutMs: 60_000 })
    const chunk = Buffer.alloc(16 * KIB)
    await fillUntil(chunk, () => session.bufferedBytes > 1 << 20)
    expect(session.send('x')).toBe(false)
    expect(drained.filter((bytes) => bytes > 64 * KIB)).toEqual([])
    const before = drained.length
    client.socket.resume()
    await until(() => drained.length > before)
    expect(drained.at(-1)).toBeLessThan(64 * KIB)
    expect(session.send('x')).toBe(true)
  })

  test('a handler may wait for drain and lose nothing', async () => {
    const total = 400
    const waiting = new Map()
    const { url } = await serve({
      '/': {
        limits: { highWaterMarkBytes: 4 * KIB },
        async message (session) {
          for (let i = 0; i < total; i++) {
            if (session.send(`${i}:`.padEnd(8 * KIB, '.'))) continue
            const { promise, resolve } = deferred()
            waiting.set(session, resolve)
            await promise
          }
          session.send('end')
        },
        drain (session) { waiting.get(session)() }
      }
    })
    const client = await connect(url)
    client.send('go')
    const got = await client.inbox.take(total + 1)
    expect(got.map((text) => text.split(':')[0])).toEqual([...Array.from({ length: total }, (_, i) => String(i)), 'end'])
  })

  test('S27: a reader that stops is closed at maxBufferedBytes, within memory', async () => {
    const { session, closed, fillUntil } = await stalled({ maxMessageBytes: 64 * KIB, maxBufferedBytes: 256 * KIB, highWaterMarkBytes: 64 * KIB, sendTimeoutMs: 60_000 })
    let most = 0
    await fillUntil(Buffer.alloc(32 * KIB), () => {
      most = Math.max(most, session.bufferedBytes)
      return session.readyState !== 1
    })
    expect(await closed).toMatchObject({ cause: 'slow-client', wasClean: false })
    expect(most).toBeLessThanOrEqual(256 * KIB + 64 * KIB)
  })

  test('S27: a reader that stops is closed at sendTimeoutMs, with no further send', async () => {
    const { session, closed, fillUntil } = await stalled({ maxBufferedBytes: 64 << 20, sendTimeoutMs: 200 })
    await fillUntil(Buffer.alloc(256 * KIB), () => session.bufferedBytes > 1 << 20)
    expect(await closed).toMatchObject({ cause: 'send-timeout', wasClean: false })
    expect(session.readyState).toBe(3)
  })

  test('S27: many readers that stop do not hold up the others', async () => {
    const { server, port, url } = await serve({
      '/slow': {
        limits: { maxMessageBytes: 16 * KIB, maxBufferedBytes: 64 * KIB, highWaterMarkBytes: 16 * KIB, sendTimeoutMs: 300 },
        open (session) { session.join('all') }
      },
      '/echo': { open (session) { session.join('all') }, message (session, data) { session.send(data) } }
    })
    const slow = []
    for (let i = 0; i < 300; i++) slow.push(await rawConnect({ port }, '/slow'))
    for (const { socket } of slow) socket.pause()
    const quick = await connect(`${url}/echo`)
    await until(() => server.room('all').size === 301)
    const chunk = Buffer.alloc(16 * KIB)
    const waits = []
    while (server.room('all').size > 1) {
      server.room('all').send(chunk)
      const start = performance.now()
      expect(await quick.next()).toHaveLength(chunk.length)
      waits.push(performance.now() - start)
    }
    waits.sort((a, b) => a - b)
    expect(waits[Math.floor(waits.length / 2)]).toBeLessThan(100)
    expect(server.room('all').size).toBe(1)
  })

  test.each([
    ['drop-oldest', (sizes, sent) => expect(sizes.at(-1)).toBe(sent - 1)],
    ['drop-newest', (sizes, sent) => expect(sizes.at(-1)).toBeLessThan(sent - 1)]
  ])('%s drops messages, keeps order and the session', async (overflow, check) => {
    const { client, session, done } = await stalled({ overflow, maxMessageBytes: 32 * KIB, maxBufferedBytes: 256 * KIB, highWaterMarkBytes: 64 * KIB, sendTimeoutMs: 60_000 })
    let sent = 0
    while (sent < 2000) {
      session.send(`${sent++}:`.padEnd(16 * KIB, '.'))
      if (sent % 8 === 0) await done()
    }
    await done()
    expect(session.readyState).toBe(1)
    expect(session.bufferedBytes).toBeLessThanOrEqual(256 * KIB + 64 * KIB)
    client.socket.resume()
    await until(() => session.bufferedBytes === 0)
    session.send('end')
    const numbers = []
    for (let text = (await client.frame()).payload.toString(); text !== 'end'; text = (await client.frame()).payload.toString()) {
      numbers.push(Number(text.split(':')[0]))
    }
    expect(numbers.every((n, i) => i === 0 || n > numbers[i - 1])).toBe(true)
    expect(numbers.length).toBeLessThan(sent)
    check(numbers, sent)
  })

  test('keep-latest replaces what waits under the same key', async () => {
    const { client, session, done } = await stalled({ overflow: 'keep-latest', maxMessageBytes: 32 * KIB, maxBufferedBytes: 256 * KIB, highWaterMarkBytes: 64 * KIB, sendTimeoutMs: 60_000 })
    for (let i = 0; i < 2000; i++) {
      session.send(`${i % 2 ? 'EURUSD' : 'GBPUSD'}:${i}:`.padEnd(8 * KIB, '.'), { key: i % 2 ? 'EURUSD' : 'GBPUSD' })
      if (i % 8 === 0) await done()
    }
    await done()
    expect(session.readyState).toBe(1)
    client.socket.resume()
    await until(() => session.bufferedBytes === 0)
    session.send('end')
    const last = {}
    for (let text = (await client.frame()).payload.toString(); text !== 'end'; text = (await client.frame()).payload.toString()) {
      const [key, n] = text.split(':')
      expect(Number(n)).toBeGreaterThan(last[key] ?? -1)
      last[key] = Number(n)
    }
    expect(last).toEqual({ EURUSD: 1999, GBPUSD: 1998 })
  })

  test('volatile messages are left out for a client that lags', async () => {
    const { client, session, done, fillUntil } = await stalled({ maxBufferedBytes: 64 << 20, sendTimeoutMs: 60_000 })
    await fillUntil('x'.repeat(256 * KIB), () => session.bufferedBytes > 1 << 20)
    const before = session.bufferedBytes
    session.send('volatile'.repeat(1000), { volatile: true })
    await done()
    expect(session.bufferedBytes).toBe(before)
    session.send('end')
    client.socket.resume()
    for (let text = ''; text !== 'end'; text = (await client.frame()).payload.toString()) expect(text.startsWith('volatile')).toBe(false)
    await until(() => session.bufferedBytes === 0)
    session.send('volatile', { volatile: true })
    expect((await client.frame()).payload.toString()).toBe('volatile')
  })

  test('a client that floods a slow handler is not read from beyond its credit', async () => {
    const release = deferred()
    const running = []
    const { port } = await serve({ '/': { async message () { running.push(1); await release.promise } } })
    const client = await rawConnect({ port }, '/')
    const some = frame(TEXT, 'x'.repeat(60 * KIB))
    for (let n = 0; client.socket.writableLength < 8 << 20 || running.length === 0; n++) {
      client.socket.write(some)
      if (n % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    // TCP has stopped: far less was read than was written. Control frames behind it wait with it, and nothing is lost.
    expect(running).toHaveLength(1)
    expect(client.socket.bytesWritten - client.socket.writableLength).toBeLessThan(64 << 20)
    release.resolve()
    client.socket.write(frame(PING, 'done'))
    expect((await client.frame()).payload.toString()).toBe('done')
  })

  test('room.send answers false when the engine\'s queue is full, and drain follows', async () => {
    const { server, url } = await serve({ '/': { open (session) { session.join('all'); session.send('in') }, limits: { maxMessageBytes: 1 << 20, overflow: 'drop-newest' } } })
    const client = await connect(url)
    await client.next()
    const drained = deferred()
    server.once('drain', drained.resolve)
    // One fills it. Within a turn the reactor is not woken for it at once, so the next finds it full.
    const big = Buffer.alloc(17 << 20)
    let n = 0
    while (n < 50 && server.room('all').send(big)) n++
    expect(n).toBeGreaterThan(0)
    expect(n).toBeLessThan(50)
    await drained.promise
    expect(server.room('all').send('again')).toBe(true)
  })
})

describe('heart-beats', () => {
  test('S28: a client that vanishes is gone after ping interval and pong timeout', async () => {
    const closed = deferred()
    const { port, url } = await serve({
      '/': { limits: { pingIntervalMs: 100, pongTimeoutMs: 100 }, close (session, details) { closed.resolve(details) } },
      '/echo': { limits: { pingIntervalMs: 50, pongTimeoutMs: 100 }, message (session, data) { session.send(data) } }
    })
    const healthy = await connect(`${url}/echo`)
    const pings = []
    healthy.socket.on('ping', () => pings.push(1))
    const start = performance.now()
    const silent = await rawConnect({ port }, '/')
    const ping = await silent.frame()
    expect(ping.opcode).toBe(PING)
    expect(await closed.promise).toMatchObject({ code: 1006, cause: 'pong-timeout', wasClean: false })
    const took = performance.now() - start
    expect(took).toBeGreaterThan(150)
    expect(took).toBeLessThan(2000)
    await silent.closed
    expect(pings.length).toBeGreaterThan(0)
    expect(await healthy.ask('alive')).toBe('alive')
  })

  test('a client that answers stays', async () => {
    const { url } = await serve({ '/': { limits: { pingIntervalMs: 40, pongTimeoutMs: 2000 }, message (session, data) { session.send(data) } } })
    const client = await connect(url)
    let pings = 0
    const five = deferred()
    client.socket.on('ping', () => { if (++pings === 5) five.resolve() })
    await five.promise
    expect(await client.ask('alive')).toBe('alive')
  })

  test('S23: pings are answered and native rooms go on while JavaScript is blocked', async () => {
    const counts = new Int32Array(new SharedArrayBuffer(8))
    const { server, url } = await serve({ '/live': { publishTo: 'live' } })
    const worker = new Worker(CLIENT_ON_A_THREAD, { eval: true, workerData: { url: `${url}/live`, counts, ws: require.resolve('ws') } })
    cleanup(() => worker.terminate())
    await once(worker, 'message')
    await until(() => server.room('live').size === 1)
    worker.postMessage('go')
    await once(worker, 'message')
    const before = [...counts]
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500) // JavaScript here stands still
    const [echoes, pongs] = [...counts].map((n, i) => n - before[i])
    expect(echoes).toBeGreaterThan(100)
    expect(pongs).toBeGreaterThan(100)
  })
})

const CLIENT_ON_A_THREAD = `
  const { workerData: { url, counts, ws }, parentPort } = require('node:worker_threads')
  const WebSocket = require(ws)
  const socket = new WebSocket(url, { perMessageDeflate: false })
  socket.on('open', () => parentPort.postMessage('open'))
  socket.on('message', () => { if (Atomics.add(counts, 0, 1) === 0) parentPort.postMessage('echo'); socket.send('x') })
  socket.on('pong', () => { Atomics.add(counts, 1, 1); socket.ping() })
  parentPort.on('message', () => { socket.ping(); socket.send('x') })
`
