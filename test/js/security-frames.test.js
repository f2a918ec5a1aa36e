'use strict'
const { BINARY, CLOSE, PING, PONG, TEXT, connect, deferred, frame, rawConnect, serve, until } = require('./support.js')

const echo = { message (session, data) { session.send(data) } }

/** Sends bytes behind a handshake; the code of the close frame that answers them, and what the handlers saw. */
async function codeFor (bytes, handlers = {}) {
  const seen = []
  const closed = deferred()
  const { port, url } = await serve({
    '/': { message (session, data) { seen.push(data) }, close (session, details) { closed.resolve(details) }, ...handlers },
    '/echo': echo
  })
  const client = await rawConnect({ port }, '/')
  client.write(bytes)
  const code = await client.closeCode()
  client.socket.destroy()
  const details = await closed.promise
  const others = await connect(`${url}/echo`)
  expect(await others.ask('alive')).toBe('alive')
  return { code, details, seen }
}

const head = (...bytes) => Buffer.from(bytes)
const MASK = [1, 2, 3, 4]

describe('frames', () => {
  test.each([
    ['unmasked', frame(TEXT, 'x', { masked: false })],
    ['RSV1 without an extension', frame(TEXT, 'x', { rsv: 4 })],
    ['RSV2', frame(TEXT, 'x', { rsv: 2 })],
    ['RSV3', frame(TEXT, 'x', { rsv: 1 })],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, frame(opcode, 'x')]),
    ['a ping of 126 bytes', frame(PING, 'x'.repeat(126))],
    ['a close of 126 bytes', frame(CLOSE, Buffer.alloc(126, 3))],
    ['a fragmented ping', frame(PING, 'x', { fin: false })],
    ['a continuation of nothing', frame(0, 'x')],
    ['a new message within one', Buffer.concat([frame(TEXT, 'x', { fin: false }), frame(TEXT, 'y')])],
    ['a close of one byte', frame(CLOSE, Buffer.from([3]))],
    ['a close with code 1005', frame(CLOSE, Buffer.from([0x03, 0xed]))],
    ['a close with code 0', frame(CLOSE, Buffer.from([0, 0]))],
    ['a length of 5 in 16 bits', head(0x81, 0x80 | 126, 0, 5, ...MASK, 0, 0, 0, 0, 0)]
  ])('S9: %s is 1002', async (name, bytes) => {
    const { code, details, seen } = await codeFor(bytes)
    expect(code).toBe(1002)
    expect(details).toMatchObject({ code: 1002, cause: 'protocol-error' })
    expect(seen).toEqual([])
  })

  test.each([
    ['a lone continuation byte', frame(TEXT, Buffer.from([0x80]))],
    ['an overlong slash', frame(TEXT, Buffer.from([0xc0, 0xaf]))],
    ['a surrogate', frame(TEXT, Buffer.from([0xed, 0xa0, 0x80]))],
    ['above U+10FFFF', frame(TEXT, Buffer.from([0xf4, 0x90, 0x80, 0x80]))],
    ['a cut character at the end', frame(TEXT, Buffer.from([0x61, 0xe2, 0x82]))],
    ['bad across fragments', Buffer.concat([frame(TEXT, Buffer.from([0xe2, 0x82]), { fin: false }), frame(0, Buffer.from([0x41]))])],
    ['a close reason that is no UTF-8', frame(CLOSE, Buffer.from([0x03, 0xe8, 0xff]))]
  ])('S9: %s is 1007', async (name, bytes) => {
    const { code, details, seen } = await codeFor(bytes)
    expect(code).toBe(1007)
    expect(details).toMatchObject({ code: 1007, cause: 'invalid-utf8' })
    expect(seen).toEqual([])
  })

  test('S9: bad UTF-8 fails fast, before the message is whole', async () => {
    expect((await codeFor(frame(TEXT, Buffer.from([0x61, 0xff]), { fin: false }))).code).toBe(1007)
  })

  test('S9: good UTF-8 cut in the middle of a character is whole again', async () => {
    const { port } = await serve({ '/': echo })
    const client = await rawConnect({ port }, '/')
    const bytes = Buffer.from('aé€🙂')
    await client.write(Buffer.concat([...bytes].map((byte, i) => frame(i ? 0 : TEXT, Buffer.from([byte]), { fin: i === bytes.length - 1 }))))
    expect((await client.frame()).payload.toString()).toBe('aé€🙂')
  })

  test('S9: an error is told to the error handler, close follows once', async () => {
    const told = []
    const { details } = await codeFor(frame(3, 'x'), { error (session, error) { told.push([error instanceof Error, typeof error.code]) } })
    expect(told).toEqual([[true, 'string']])
    expect(details.code).toBe(1002)
  })

  test.each([
    ['the top bit set', 1n << 63n, [1002]],
    ['2^62', 1n << 62n, [1002, 1009]],
    ['2^32', 1n << 32n, [1009]],
    ['one byte above the limit', BigInt((1 << 20) + 1), [1009]]
  ])('S10: a length with %s is refused at the header', async (name, size, codes) => {
    const before = process.memoryUsage().rss
    const { code, seen } = await codeFor(frame(BINARY, '', { size }))
    expect(codes).toContain(code)
    expect(seen).toEqual([])
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20)
  })

  test.each([['empty', ''], ['of one byte', 'x']])('S11: 131,000 fragments %s without an end are refused, within memory', async (name, payload) => {
    const { port, url } = await serve({ '/': { ...echo, limits: { maxMessageBytes: 65_536 } } })
    const client = await rawConnect({ port }, '/')
    const before = process.memoryUsage().rss
    const fragment = frame(0, payload, { fin: false })
    client.write(Buffer.concat([frame(TEXT, payload, { fin: false }), ...Array(131_000).fill(fragment)]))
    expect([1008, 1009]).toContain(await client.closeCode())
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20)
    expect(await (await connect(url)).ask('alive')).toBe('alive')
  })

  test('S13: the limit is on the message, not on the frame', async () => {
    const limited = { limits: { maxMessageBytes: 1000 }, message (session, data) { session.send(String(data.length)) } }
    const { port } = await serve({ '/': limited })
    const good = await rawConnect({ port }, '/')
    await good.write(Buffer.concat([frame(TEXT, 'x'.repeat(600), { fin: false }), frame(0, 'y'.repeat(400))]))
    expect((await good.frame()).payload.toString()).toBe('1000')
    await good.write(frame(BINARY, Buffer.alloc(1000)))
    expect((await good.frame()).payload.toString()).toBe('1000')
    await good.write(frame(TEXT, 'x'.repeat(1001)))
    expect(await good.closeCode()).toBe(1009)
    const bad = await rawConnect({ port }, '/')
    await bad.write(Buffer.concat([frame(TEXT, 'x'.repeat(600), { fin: false }), frame(0, 'y'.repeat(401))]))
    expect(await bad.closeCode()).toBe(1009)
  })

  test('S13: a message above the limit tells its cause', async () => {
    const { details } = await codeFor(frame(BINARY, Buffer.alloc(101)), { limits: { maxMessageBytes: 100 } })
    expect(details).toMatchObject({ code: 1009, cause: 'message-too-big' })
  })

  test('S15: a ping is answered with its payload, a flood of them with the latest, within memory', async () => {
    const { port } = await serve({ '/': echo })
    const polite = await rawConnect({ port }, '/')
    await polite.write(frame(PING, 'x'.repeat(125)))
    expect(await polite.frame()).toEqual({ opcode: PONG, payload: Buffer.from('x'.repeat(125)) })

    const flood = await rawConnect({ port }, '/')
    flood.socket.pause()
    const before = process.memoryUsage().rss
    const some = Buffer.concat(Array.from({ length: 1000 }, (_, i) => frame(PING, String(i).padStart(125, '.'))))
    for (let i = 0; i < 200; i++) flood.socket.write(some) // 26 MB
    flood.socket.write(frame(PING, 'last'))
    flood.socket.resume()
    let pongs = 0
    for (let pong = await flood.frame(); ; pong = await flood.frame()) {
      expect(pong.opcode).toBe(PONG)
      pongs++
      if (pong.payload.toString() === 'last') break
    }
    expect(pongs).toBeLessThanOrEqual(200_001)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20)
  })

  test('S15: a flooder that reads nothing has one pong pending', async () => {
    const { port, server } = await serve({ '/': { open (session) { session.join('all') }, ...echo } })
    const flood = await rawConnect({ port }, '/')
    flood.socket.pause()
    const some = Buffer.concat(Array(1000).fill(frame(PING, 'x'.repeat(125))))
    // Until our own write buffer fills: the engine has read all that the kernel took.
    for (let i = 0; i < 300 && flood.socket.write(some); i++) await new Promise((resolve) => setImmediate(resolve))
    const other = await rawConnect({ port }, '/')
    await other.write(frame(TEXT, 'barrier'))
    await other.frame()
    const [session] = server.room('all')
    expect(session.bufferedBytes).toBeLessThan(1024)
  })

  test('S11: a message that does not become whole in messageTimeoutMs is 1008', async () => {
    const closed = deferred()
    const { port, url } = await serve({ '/': { ...echo, close (session, details) { closed.resolve(details) } } }, { messageTimeoutMs: 150 })
    const client = await rawConnect({ port }, '/')
    await client.write(frame(TEXT, 'never ', { fin: false }))
    expect(await client.closeCode()).toBe(1008)
    client.socket.destroy()
    expect(await closed.promise).toMatchObject({ code: 1008, cause: 'message-timeout' })
    expect(await (await connect(url)).ask('alive')).toBe('alive')
  })

  test('S11: incomplete messages of all sessions stay within maxIncompleteBytes; the biggest goes first', async () => {
    const causes = []
    const { port, url } = await serve({
      '/': { message (session, data) { session.send(String(data.length)) }, close (session, { cause }) { causes.push(cause) } }
    }, { maxIncompleteBytes: 1 << 20 })
    const small = await rawConnect({ port }, '/')
    await small.write(frame(BINARY, Buffer.alloc(1000), { fin: false }))
    const big = []
    for (let i = 0; i < 8; i++) {
      big.push(await rawConnect({ port }, '/'))
      big[i].socket.write(frame(BINARY, Buffer.alloc(300_000), { fin: false }))
    }
    await until(() => causes.length >= 4)
    expect(new Set(causes)).toEqual(new Set(['incomplete-limit']))
    await small.write(frame(0, 'x'))
    expect((await small.frame()).payload.toString()).toBe('1001')
    expect(await (await connect(url)).ask('alive')).toBe('5')
  })

  test('an unsolicited pong is taken in silence', async () => {
    const { port } = await serve({ '/': echo })
    const client = await rawConnect({ port }, '/')
    await client.write(Buffer.concat([frame(PONG, 'x'), frame(TEXT, 'after')]))
    expect((await client.frame()).payload.toString()).toBe('after')
  })

  test('frames may be cut at every byte', async () => {
    const { port } = await serve({ '/': echo })
    const client = await rawConnect({ port }, '/')
    client.socket.setNoDelay(true)
    for (const byte of Buffer.concat([frame(TEXT, 'é'.repeat(70)), frame(PING, 'p'), frame(BINARY, Buffer.alloc(3, 7))])) await client.write(Buffer.from([byte]))
    const got = [await client.frame(), await client.frame(), await client.frame()]
    expect(got.map(({ opcode }) => opcode).sort((a, b) => a - b)).toEqual([TEXT, BINARY, PONG])
  })
})
