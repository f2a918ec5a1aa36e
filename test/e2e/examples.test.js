'use strict'

const { on, once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const WebSocket = require('ws')
const { ExampleProcess } = require('./example-process.js')

const opened = []
const inboxes = new WeakMap()

async function start (name, options) {
  const example = await ExampleProcess.start(name, options)
  opened.push(() => example.stop('SIGKILL'))
  return example
}

async function connect (url) {
  const socket = new WebSocket(url)
  opened.push(() => socket.terminate())
  inboxes.set(socket, on(socket, 'message'))
  await once(socket, 'open')
  return socket
}

// The next message in the order in which they came; several may have come at once.
async function next (socket) {
  const { value: [data, isBinary] } = await inboxes.get(socket).next()
  return isBinary ? data : data.toString()
}

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

describe('examples/echo', () => {
  test('echoes text and binary on the port of the engine', async () => {
    const echo = await start('echo')
    const socket = await connect(`${echo.wsUrl}/echo`)

    socket.send('Grüße')
    expect(await next(socket)).toBe('Grüße')
    socket.send(Buffer.from([0, 255, 1]))
    expect(await next(socket)).toEqual(Buffer.from([0, 255, 1]))
  })

  test.each(['SIGINT', 'SIGTERM'])('tells its clients on %s and ends with 0', async (signal) => {
    const echo = await start('echo')
    const socket = await connect(`${echo.wsUrl}/echo`)

    const closed = once(socket, 'close')
    const exitCode = await echo.stop(signal)
    expect((await closed)[0]).toBe(1001)
    expect(exitCode).toBe(0)
  })
})

describe('examples/live', () => {
  test('serves its page', async () => {
    const live = await start('live')
    const page = await (await fetch(live.httpUrl)).text()
    expect(page).toContain('Block JavaScript')
  })

  test('delivers natively while JavaScript is blocked, and through JavaScript afterwards', async () => {
    const live = await start('live')
    const publisher = await connect(`${live.wsUrl}/native/demo`)
    const subscriber = await connect(`${live.wsUrl}/native/demo`)
    const throughJs = await connect(`${live.wsUrl}/js/demo`)
    throughJs.send('before')
    expect(await next(throughJs)).toBe('before')

    const events = []
    const response = await post(`${live.httpUrl}/block?ms=1500`)
    const [firstPart] = await once(response, 'data')
    expect(String(firstPart)).toContain('blocking')
    const isOver = once(response, 'end').then(() => events.push('block over'))

    const answer = next(throughJs).then((text) => events.push(text))
    throughJs.send('through JavaScript')
    for (let tick = 1; tick <= 50; tick++) {
      publisher.send(String(tick))
      expect(await next(subscriber)).toBe(String(tick))
    }
    events.push('50 ticks')

    await Promise.all([isOver, answer])
    expect(events[0]).toBe('50 ticks')
    expect(events).toContain('through JavaScript')
  })

  test('answers pings while JavaScript is blocked', async () => {
    const live = await start('live')
    const socket = await connect(`${live.wsUrl}/native/demo`)

    const events = []
    const response = await post(`${live.httpUrl}/block?ms=1500`)
    await once(response, 'data')
    const isOver = once(response, 'end').then(() => events.push('block over'))
    socket.ping('are you there')
    const [payload] = await once(socket, 'pong')
    events.push(String(payload))

    await isOver
    expect(events).toEqual(['are you there', 'block over'])
  })

  test('ends with 0 on SIGTERM', async () => {
    const live = await start('live')
    const socket = await connect(`${live.wsUrl}/native/demo`)
    const closed = once(socket, 'close')
    expect(await live.stop()).toBe(0)
    expect((await closed)[0]).toBe(1001)
  })
})

describe('examples/chat', () => {
  test('serves its page with a content security policy', async () => {
    const chat = await start('chat')
    const response = await fetch(chat.httpUrl)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
    expect(await response.text()).toContain('<title>Fanwire chat</title>')
  })

  test.each([
    ['not JSON', 'hello', 'bad-message'],
    ['binary', Buffer.from('{"type":"typing"}'), 'bad-message'],
    ['null', 'null', 'bad-message'],
    ['an unknown type', '{"type":"__proto__"}', 'bad-message'],
    ['say before join', '{"type":"say","text":"hi","ref":"1"}', 'not-joined'],
    ['a name that is too long', join({ name: 'x'.repeat(25) }), 'bad-name'],
    ['a name of invisible characters', join({ name: '\u200b\u202e' }), 'bad-name'],
    ['a room with a slash', join({ room: '../x' }), 'bad-room'],
    ['a room that is too long', join({ room: 'r'.repeat(33) }), 'bad-room'],
    ['a key that is too short', join({ key: 'k' }), 'bad-message']
  ])('answers %s with an error and stays', async (_, message, code) => {
    const chat = await start('chat')
    const socket = await connect(`${chat.wsUrl}/chat`)
    socket.send(message)
    expect(JSON.parse(await next(socket))).toMatchObject({ type: 'error', code })
    socket.send(join())
    expect(JSON.parse(await next(socket))).toMatchObject({ type: 'welcome', room: 'lobby' })
  })

  test('refuses a text that is too long, and closes with 1009 far beyond', async () => {
    const chat = await start('chat')
    const socket = await connect(`${chat.wsUrl}/chat`)
    socket.send(join())
    await next(socket)
    socket.send(JSON.stringify({ type: 'say', ref: 'r1', text: 'x'.repeat(2_001) }))
    expect(JSON.parse(await nextOf(socket, 'error'))).toMatchObject({ code: 'bad-text', ref: 'r1' })

    const closed = once(socket, 'close')
    socket.send(JSON.stringify({ type: 'say', ref: 'r2', text: 'x'.repeat(20_000) }))
    expect((await closed)[0]).toBe(1009)
  })

  test('remembers the last 50 messages of a room, and a repeated send once', async () => {
    const chat = await start('chat')
    const socket = await connect(`${chat.wsUrl}/chat`)
    socket.send(join({ room: 'archive' }))
    await next(socket)
    for (let n = 1; n <= 60; n++) {
      socket.send(JSON.stringify({ type: 'say', ref: `r${n}`, text: `message ${n}` }))
      await nextOf(socket, 'message')
    }
    socket.send(JSON.stringify({ type: 'say', ref: 'r60', text: 'message 60' }))
    await nextOf(socket, 'message')

    const later = await connect(`${chat.wsUrl}/chat`)
    later.send(join({ room: 'archive', key: 'another-key-0123456789' }))
    const { history } = JSON.parse(await nextOf(later, 'welcome'))
    expect(history.map(({ text }) => text)).toEqual(Array.from({ length: 50 }, (unused, index) => `message ${index + 11}`))
  })

  test('says in one sentence that its port is taken', async () => {
    const other = net.createServer().listen(0)
    opened.push(() => other.close())
    await once(other, 'listening')
    const { port } = other.address()
    await expect(ExampleProcess.start('chat', { port })).rejects.toThrow(`Port ${port} is in use. Choose another one`)
  })

  test.each(['SIGINT', 'SIGTERM'])('tells its clients on %s and ends with 0', async (signal) => {
    const chat = await start('chat')
    const socket = await connect(`${chat.wsUrl}/chat`)
    socket.send(join())
    await next(socket)
    const closed = once(socket, 'close')
    expect(await chat.stop(signal)).toBe(0)
    expect((await closed)[0]).toBe(1001)
    expect(chat.stderr).toBe('')
  })
})

function join (fields) {
  return JSON.stringify({ type: 'join', room: 'lobby', name: 'Ada', key: 'a-key-of-some-length', ...fields })
}

// The next message of that type; announcements may come between.
async function nextOf (socket, type) {
  for (;;) {
    const text = await next(socket)
    if (JSON.parse(text).type === type) return text
  }
}

async function post (url) {
  const request = http.request(url, { method: 'POST' })
  request.end()
  const [response] = await once(request, 'response')
  opened.push(() => response.destroy())
  return response
}
