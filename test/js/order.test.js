'use strict'
const { connect, deferred, frame, handshake, RawClient, serve, TEXT, until } = require('./support.js')

describe('order', () => {
  test('delivers nothing before open has settled', async () => {
    const seen = []
    const opening = deferred()
    const open = deferred()
    const { url } = await serve({
      '/': {
        async open () { opening.resolve(); await open.promise; seen.push('open') },
        message (session, data) { seen.push(data); session.send(data) }
      }
    })
    const client = await connect(url)
    client.send('early')
    await opening.promise
    client.socket.ping()
    await new Promise((resolve) => client.socket.once('pong', resolve)) // the engine has read what came before
    expect(seen).toEqual([])
    open.resolve()
    expect(await client.next()).toBe('early')
    expect(seen).toEqual(['open', 'early'])
  })

  test('runs the handlers of one session one after another, in the order of its messages', async () => {
    const seen = []
    const { url } = await serve({
      '/': {
        async message (session, data) {
          seen.push(`+${data}`)
          // The first ones take the longest.
          for (let turns = 50 - Number(data); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
          seen.push(`-${data}`)
          session.send(data)
        }
      }
    })
    const client = await connect(url)
    const numbers = Array.from({ length: 50 }, (_, i) => String(i))
    for (const number of numbers) client.send(number)
    expect(await client.inbox.take(50)).toEqual(numbers)
    expect(seen).toEqual(numbers.flatMap((number) => [`+${number}`, `-${number}`]))
  })

  test('mixes handlers that return promises with those that do not', async () => {
    const { url } = await serve({
      '/': {
        message (session, data) {
          if (Number(data) % 3 !== 0) return void session.send(data)
          return new Promise((resolve) => setImmediate(resolve)).then(() => session.send(data))
        }
      }
    })
    const client = await connect(url)
    const numbers = Array.from({ length: 500 }, (_, i) => String(i))
    for (const number of numbers) client.send(number)
    expect(await client.inbox.take(500)).toEqual(numbers)
  })

  test('lets other sessions go on while one waits', async () => {
    const release = deferred()
    const { url } = await serve({
      '/': {
        async message (session, data) {
          if (data === 'wait') await release.promise
          session.send(data)
        }
      }
    })
    const [slow, quick] = [await connect(url), await connect(url)]
    slow.send('wait')
    slow.send('behind')
    for (let i = 0; i < 100; i++) expect(await quick.ask(`${i}`)).toBe(`${i}`)
    expect(slow.inbox.size).toBe(0)
    release.resolve()
    expect(await slow.inbox.take(2)).toEqual(['wait', 'behind'])
  })

  test('keeps a flood in order beyond the credit of a session', async () => {
    const running = { now: 0, most: 0 }
    const { url } = await serve({
      '/': {
        async message (session, data) {
          running.most = Math.max(running.most, ++running.now)
          await null
          running.now--
          session.send(data)
        }
      }
    })
    const client = await connect(url)
    const numbers = Array.from({ length: 5000 }, (_, i) => `${i}:${'x'.repeat(i % 300)}`)
    for (const number of numbers) client.send(number)
    expect(await client.inbox.take(5000)).toEqual(numbers)
    expect(running.most).toBe(1)
  })

  test('calls close once, behind the messages that came before it', async () => {
    const seen = []
    const closed = deferred()
    const release = deferred()
    const { url } = await serve({
      '/': {
        async message (session, data) { if (data === '0') await release.promise; seen.push(data) },
        close (session, details) { seen.push('close'); closed.resolve(details) }
      }
    })
    const client = await connect(url)
    for (let i = 0; i < 5; i++) client.send(String(i))
    await client.close(4001, 'bye')
    release.resolve()
    expect(await closed.promise).toEqual({ code: 4001, reason: 'bye', cause: 'peer', wasClean: true })
    await until(() => seen.length === 6)
    expect(seen).toEqual(['0', '1', '2', '3', '4', 'close'])
  })

  test('sends in the order of the calls, whichever call it was', async () => {
    const { server, url } = await serve({
      '/': {
        open (session) { session.join('room'); session.identify('alice') },
        message (session) {
          for (let i = 0; i < 200; i += 4) {
            session.send(String(i))
            server.room('room').send(String(i + 1))
            server.user('alice').send(String(i + 2))
            server.broadcast(String(i + 3))
          }
        }
      }
    }, { threads: 2 })
    const client = await connect(url)
    client.send('go')
    expect(await client.inbox.take(200)).toEqual(Array.from({ length: 200 }, (_, i) => String(i)))
  })

  test('takes frames that come in the same segment as the handshake', async () => {
    const { port } = await serve({ '/': { message (session, data) { session.send(data) } } })
    const client = new RawClient({ port })
    await client.write(Buffer.concat([Buffer.from(handshake('/')), frame(TEXT, 'early'), frame(TEXT, 'bird')]))
    expect((await client.response()).status).toBe(101)
    expect((await client.frame()).payload.toString()).toBe('early')
    expect((await client.frame()).payload.toString()).toBe('bird')
  })
})
