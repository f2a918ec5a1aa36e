'use strict'
const undici = require('undici')
const { once } = require('node:events')
const { TEXT, cleanup, connect, deferred, frame, rawConnect, refusal, serve } = require('./support.js')

const echo = { message (session, data) { session.send(data) } }

describe('echo', () => {
  test('gives text back as text and bytes as bytes', async () => {
    const { url } = await serve({ '/': echo })
    const client = await connect(url)
    expect(await client.ask('hello')).toBe('hello')
    expect(await client.ask(Buffer.from([0, 1, 255]))).toEqual(Buffer.from([0, 1, 255]))
    expect(await client.ask('')).toBe('')
    expect(await client.ask(Buffer.alloc(0))).toEqual(Buffer.alloc(0))
  })

  test('serves the WebSocket of undici, the one in browsers and in Node', async () => {
    const { url } = await serve({ '/': echo })
    const socket = new undici.WebSocket(url)
    socket.binaryType = 'arraybuffer'
    cleanup(() => socket.close())
    await once(socket, 'open')
    socket.send('grüße 🙂')
    expect((await once(socket, 'message'))[0].data).toBe('grüße 🙂')
    socket.send(new Uint8Array([1, 2, 3]))
    expect(Buffer.from((await once(socket, 'message'))[0].data)).toEqual(Buffer.from([1, 2, 3]))
    socket.close(4000, 'done')
    const [{ code, wasClean }] = await once(socket, 'close')
    expect({ code, wasClean }).toEqual({ code: 4000, wasClean: true })
  })

  test('tells a handler what kind of message it got', async () => {
    const seen = []
    const { url } = await serve({
      '/': { message (session, data, isBinary) { seen.push([typeof data, Buffer.isBuffer(data), isBinary]); session.send('ok') } }
    })
    const client = await connect(url)
    await client.ask('a')
    await client.ask(Buffer.from('a'))
    expect(seen).toEqual([['string', false, false], ['object', true, true]])
  })

  test('keeps every size whole, from none to a megabyte, text and binary', async () => {
    const { url } = await serve({ '/': echo })
    const client = await connect(url)
    for (const size of [1, 125, 126, 127, 4095, 4096, 65_535, 65_536, 65_537, 262_144, 1_048_576]) {
      const bytes = Buffer.alloc(size, 'abcdefgh')
      expect((await client.ask(bytes)).equals(bytes)).toBe(true)
      const text = bytes.toString()
      expect((await client.ask(text)) === text).toBe(true)
    }
  })

  test('keeps text of every plane of Unicode', async () => {
    const { url } = await serve({ '/': echo })
    const client = await connect(url)
    for (const text of ['\u0000', 'é', '€', '日本語', '🙂👩‍👩‍👧', '\ufeffbom', 'a'.repeat(200) + '€', '\u07ff\u0800\uffff\u{10ffff}']) {
      expect(await client.ask(text)).toBe(text)
    }
  })

  test('joins fragments, with a ping between them', async () => {
    const { port } = await serve({ '/': echo })
    const client = await rawConnect({ port }, '/')
    await client.write(Buffer.concat([
      frame(TEXT, 'one ', { fin: false }), frame(9, 'ping'), frame(0, 'two ', { fin: false }), frame(0, 'three')
    ]))
    const frames = [await client.frame(), await client.frame()]
    expect(frames.map(({ opcode, payload }) => [opcode, payload.toString()]).sort()).toEqual([[1, 'one two three'], [10, 'ping']])
  })

  test('gives each binary message a Buffer of its own', async () => {
    const kept = []
    const { url } = await serve({ '/': { message (session, data) { kept.push(data); session.send('ok') } } })
    const client = await connect(url)
    for (let i = 0; i < 50; i++) await client.ask(Buffer.alloc(300, i))
    expect(kept.every((bytes, i) => bytes.equals(Buffer.alloc(300, i)))).toBe(true)
    kept[0].fill(0xff)
    expect(kept[1].equals(Buffer.alloc(300, 1))).toBe(true)
  })

  test('sends strings, views, ArrayBuffers and objects', async () => {
    const session = deferred()
    const { url } = await serve({ '/': { open: session.resolve } })
    const client = await connect(url)
    const to = await session.promise
    const memory = Uint8Array.from([9, 1, 2, 3, 9]).buffer
    const cases = [
      ['text', 'text'],
      [new Uint8Array(memory, 1, 3), Buffer.from([1, 2, 3])],
      [new DataView(memory, 1, 2), Buffer.from([1, 2])],
      [memory, Buffer.from([9, 1, 2, 3, 9])],
      [Buffer.from('bytes'), Buffer.from('bytes')],
      [new Float32Array([1]), Buffer.from(new Float32Array([1]).buffer)],
      [{ a: [1, null] }, '{"a":[1,null]}'],
      [[1, 2], '[1,2]'],
      [new Date(0), '"1970-01-01T00:00:00.000Z"']
    ]
    for (const [data, expected] of cases) {
      expect(to.send(data)).toBe(true)
      expect(await client.next()).toEqual(expected)
    }
    expect(to.send('text as bytes', { binary: true })).toBe(true)
    expect(await client.next()).toEqual(Buffer.from('text as bytes'))
    expect(to.send(Buffer.from('bytes as text: é'), { binary: false })).toBe(true)
    expect(await client.next()).toBe('bytes as text: é')
    expect(to.send('lone \ud800 surrogate')).toBe(true)
    expect(await client.next()).toBe('lone \ufffd surrogate')
  })

  test('knows a session: id, params, request, state', async () => {
    const opened = deferred()
    const { url } = await serve({ '/chat/:room/:name': { open: opened.resolve } })
    const client = await connect(`${url}/chat/a%20b/%C3%A9?x=1`, { headers: { 'X-Thing': 'one', Cookie: 'a=1; b=2' } })
    const session = await opened.promise
    expect(session.id).toMatch(/^[\w-]{20,}$/)
    expect(session.id).toBe(session.id)
    expect(Object.entries(session.params)).toEqual([['room', 'a b'], ['name', 'é']])
    expect(session.request.method).toBe('GET')
    expect(session.request.url).toBe('/chat/a%20b/%C3%A9?x=1')
    expect(session.request.headers['x-thing']).toBe('one')
    expect(session.request.headers.cookie).toBe('a=1; b=2')
    expect(session.request.remoteAddress).toBe('127.0.0.1')
    expect(session.request.remotePort).toBe(client.socket._socket.localPort)
    expect(session.request.raw).toBeUndefined()
    expect(session.user).toBeNull()
    expect(session.subprotocol).toBe('')
    expect(session.readyState).toBe(1)
    expect(session.bufferedBytes).toBe(0)
    session.data.count = 1
    expect(session.data).toEqual({ count: 1 })
    await client.close()
  })

  test('lists the sessions of an endpoint, each the same object every time', async () => {
    const opened = []
    const both = deferred()
    const { server, url } = await serve({ '/other': {} })
    const endpoint = server.ws('/late', { open (session) { if (opened.push(session) === 2) both.resolve() } })
    await connect(`${url}/late`)
    await connect(`${url}/late`)
    await connect(`${url}/other`)
    await both.promise
    expect(endpoint.size).toBe(2)
    expect(new Set(endpoint.sessions())).toEqual(new Set(opened))
    expect([...endpoint.sessions()].every((session) => opened.includes(session))).toBe(true)
  })

  test('answers 404 for a path of nobody', async () => {
    const { url } = await serve({ '/a/:b': echo, '/files/*/x': echo })
    for (const path of ['/', '/a', '/a/', '/a/b/c', '/files//x', '/files/y', '/a/%zz']) {
      expect((await refusal(url + path)).status).toBe(404)
    }
    await connect(`${url}/files/anything/x`)
  })
})
