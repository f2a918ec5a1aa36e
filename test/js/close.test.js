'use strict'
const { createServer } = require('../../lib/index.js')
const { CLOSE, connect, deferred, frame, rawConnect, serve } = require('./support.js')

/** A server whose next session and its close can be awaited. */
async function one (handlers = {}, options) {
  const opened = deferred()
  const closed = deferred()
  let closes = 0
  const { server, url, port } = await serve({
    '/': { open: opened.resolve, message () {}, ...handlers, close (session, details) { closes++; closed.resolve(details) } }
  }, options)
  return { server, url, port, opened: opened.promise, closed: closed.promise, closes: () => closes }
}

describe('close', () => {
  test.each([
    [1000, '', 1000, ''], [1001, 'away', 1001, 'away'], [1003, 'é', 1003, 'é'], [1008, 'x'.repeat(123), 1008, 'x'.repeat(123)],
    [1014, '', 1014, ''], [3000, '', 3000, ''], [4999, 'last', 4999, 'last'], [undefined, undefined, 1000, '']
  ])('%p, %p reaches the client', async (code, reason, seenCode, seenReason) => {
    const { url, opened, closed, closes } = await one()
    const client = await connect(url)
    const session = await opened
    expect(session.close(code, reason)).toBe(true)
    expect(session.readyState).toBe(2)
    expect(await client.closed).toEqual({ code: seenCode, reason: seenReason })
    expect(await closed).toEqual({ code: seenCode, reason: seenReason, cause: 'application', wasClean: true })
    expect(session.readyState).toBe(3)
    expect(closes()).toBe(1)
  })

  test.each([
    [1000, 'done', { code: 1000, reason: 'done', cause: 'peer', wasClean: true }],
    [4321, 'é', { code: 4321, reason: 'é', cause: 'peer', wasClean: true }],
    [undefined, undefined, { code: 1005, reason: '', cause: 'peer', wasClean: true }]
  ])('from the client with %p, %p is told', async (code, reason, details) => {
    const { url, closed } = await one()
    const client = await connect(url)
    client.close(code, reason)
    expect(await closed).toEqual(details)
  })

  test('tells 1006 of a client that goes without a close frame', async () => {
    const { port, closed, closes } = await one()
    const client = await rawConnect({ port }, '/')
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ code: 1006, cause: 'transport-lost', wasClean: false })
    expect(closes()).toBe(1)
  })

  test('sends what waits first', async () => {
    const { url } = await one({ message (session) { for (let i = 0; i < 100; i++) session.send(`${i}`); session.close(4000) } })
    const client = await connect(url)
    client.send('go')
    expect(await client.inbox.take(100)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
    expect((await client.closed).code).toBe(4000)
  })

  test('delivers no message that arrives after it was called', async () => {
    const seen = []
    const { port, closed } = await one({ message (session, data) { seen.push(data); session.close(4000) } })
    const client = await rawConnect({ port }, '/')
    await client.write(Buffer.concat(['a', 'b', 'c'].map((text) => frame(1, text))))
    expect(await client.closeCode()).toBe(4000)
    await client.write(Buffer.concat([frame(1, 'late'), frame(CLOSE, Buffer.from([0x0f, 0xa0]))]))
    expect((await closed).code).toBe(4000)
    expect(seen).toEqual(['a'])
  })

  test('cuts a client that does not answer, after closeTimeoutMs', async () => {
    const { port, opened, closed } = await one({ limits: { closeTimeoutMs: 100 } })
    const client = await rawConnect({ port }, '/')
    ;(await opened).close(4000, 'bye')
    expect(await client.closeCode()).toBe(4000)
    await client.closed
    expect(await closed).toMatchObject({ code: 4000, cause: 'application', wasClean: false })
  })

  test('terminate cuts at once', async () => {
    const { url, opened, closed } = await one()
    const client = await connect(url)
    const session = await opened
    expect(session.terminate()).toBe(true)
    expect((await client.closed).code).toBe(1006)
    expect(await closed).toMatchObject({ code: 1006, cause: 'application', wasClean: false })
    expect(session.terminate()).toBe(false)
  })

  test('keeps request, params, user and data readable', async () => {
    const kept = deferred()
    const { url } = await serve({
      '/:room': { authenticate: () => ({ user: 'alice', data: 7 }), close: kept.resolve }
    })
    const client = await connect(`${url}/x?y`)
    await client.close()
    const session = await kept.promise
    await new Promise((resolve) => setImmediate(resolve))
    expect([session.user, session.data, session.params.room, session.request.url, session.request.remoteAddress])
      .toEqual(['alice', 7, 'x', '/x?y', '127.0.0.1'])
    expect([Array.from(session.rooms), session.bufferedBytes, session.readyState]).toEqual([[], 0, 3])
    expect(session.id).toBe(session.id)
  })

  test('of the server sends 1001 to everybody and tells each', async () => {
    const causes = []
    const { server, url } = await serve({ '/': { close (session, { code, cause }) { causes.push([code, cause]) } } }, { threads: 2 })
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(url)))
    const first = server.close({ drainMs: 1000 })
    expect(server.close()).toBe(first)
    for (const client of clients) expect((await client.closed).code).toBe(1001)
    await first
    expect(causes).toEqual(Array(20).fill([1001, 'shutdown']))
    expect(server.broadcast('x')).toBe(true)
    expect(server.room('x').size).toBe(0)
  })

  test('of the server cuts who does not answer within drainMs', async () => {
    const { server, port, closed } = await one()
    const client = await rawConnect({ port }, '/')
    await server.close({ drainMs: 50 })
    await client.closed
    expect(await closed).toMatchObject({ code: 1001, cause: 'shutdown', wasClean: false })
  })

  test('of a server without a door is done at once, also by dispose', async () => {
    await createServer().close()
    const server = createServer()
    await server[Symbol.asyncDispose]()
    await server.close()
  })
})

describe('bad codes and reasons', () => {
  test('S14: close(1005), close(99) and reasons of bytes are refused at once and send nothing', async () => {
    const { url, opened } = await one({ message (session, data) { session.send(data) } })
    const client = await connect(url)
    const session = await opened
    for (const code of [1005, 99, 0, 999, 1004, 1006, 1015, 1016, 2000, 2999, 5000, 65_536, -1, 1000.5, NaN]) {
      expect(() => session.close(code)).toThrow(expect.objectContaining({ name: 'RangeError', code: 'ERR_FANWIRE_CLOSE_CODE' }))
    }
    for (const code of ['1000', null, {}, 1000n]) {
      expect(() => session.close(code)).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_FANWIRE_INVALID_ARG_TYPE' }))
    }
    for (const reason of [new Uint8Array(64), new Uint16Array(8), Buffer.from('x'), new ArrayBuffer(4), 7, null, {}]) {
      expect(() => session.close(1000, reason)).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_FANWIRE_INVALID_ARG_TYPE' }))
    }
    for (const reason of ['x'.repeat(124), 'é'.repeat(62)]) {
      expect(() => session.close(1000, reason)).toThrow(expect.objectContaining({ name: 'RangeError', code: 'ERR_FANWIRE_CLOSE_REASON' }))
    }
    expect(session.readyState).toBe(1)
    expect(await client.ask('still here')).toBe('still here')
  })

  test('S14: sends carry exactly their own bytes', async () => {
    const { url, opened, server } = await one()
    const client = await connect(url)
    const session = await opened
    session.join('room')
    const memory = Buffer.alloc(64, 0xee)
    for (const view of [memory.subarray(10, 13), new Uint16Array(memory.buffer.slice(0, 6)), new DataView(memory.buffer, memory.byteOffset + 5, 1), new Uint8Array(0), new ArrayBuffer(0), new Float64Array(2)]) {
      const expected = Buffer.from(ArrayBuffer.isView(view) ? Buffer.from(view.buffer, view.byteOffset, view.byteLength) : Buffer.from(view))
      session.send(view)
      server.room('room').send(view)
      server.broadcast(view)
      expect(await client.inbox.take(3)).toEqual([expected, expected, expected])
    }
    // What is written to the memory later is not what was sent.
    const reused = Buffer.alloc(70_000, 1)
    session.send(reused)
    reused.fill(2)
    expect((await client.next()).equals(Buffer.alloc(70_000, 1))).toBe(true)
  })
})
