'use strict'
const { connect, deferred, serve, until } = require('./support.js')

/** An endpoint whose sessions are collected as they open. */
function collect () {
  const sessions = []
  return { sessions, open (session) { sessions.push(session) }, message (session, data) { session.send(data) } }
}

async function withSessions (n, options) {
  const handlers = collect()
  const { open, message } = handlers
  const { server, url } = await serve({ '/': { open, message } }, options)
  const clients = []
  for (let i = 0; i < n; i++) {
    clients.push(await connect(url))
    await until(() => handlers.sessions.length === i + 1)
  }
  return { server, url, clients, sessions: handlers.sessions }
}

describe('rooms', () => {
  test('sends to members only', async () => {
    const { server, clients, sessions } = await withSessions(3)
    expect(sessions[0].join('lobby')).toBe(true)
    expect(sessions[1].join('lobby')).toBe(true)
    expect(server.room('lobby').size).toBe(2)
    expect(server.room('lobby').send('hello')).toBe(true)
    expect(await clients[0].next()).toBe('hello')
    expect(await clients[1].next()).toBe('hello')
    expect(await clients[2].ask('barrier')).toBe('barrier')
  })

  test('sends text, binary and JSON', async () => {
    const { server, clients, sessions } = await withSessions(1)
    sessions[0].join('lobby')
    server.room('lobby').send('text')
    server.room('lobby').send(Buffer.from([1, 2]))
    server.room('lobby').send({ a: 1 })
    expect(await clients[0].inbox.take(3)).toEqual(['text', Buffer.from([1, 2]), '{"a":1}'])
  })

  test('joins and leaves at once, in sequence with what is sent', async () => {
    const { server, clients, sessions: [session] } = await withSessions(1)
    const room = server.room('lobby')
    room.send('before')
    session.join('lobby')
    room.send('first')
    session.leave('lobby')
    room.send('between')
    session.join('lobby')
    room.send('second')
    expect(await clients[0].inbox.take(2)).toEqual(['first', 'second'])
    expect(room.size).toBe(1)
  })

  test('joins twice as once, leaves what it is in', async () => {
    const { server, sessions: [session] } = await withSessions(1)
    expect(session.join('a')).toBe(true)
    expect(session.join('a')).toBe(true)
    expect(session.join('b')).toBe(true)
    expect(session.rooms.sort()).toEqual(['a', 'b'])
    expect(server.room('a').size).toBe(1)
    expect(session.leave('a')).toBe(true)
    expect(session.leave('a')).toBe(false)
    expect(session.leave('never')).toBe(false)
    expect(Array.from(session.rooms)).toEqual(['b'])
  })

  test('leaves out whom it is told to', async () => {
    const { server, clients, sessions } = await withSessions(3)
    for (const session of sessions) session.join('lobby')
    server.room('lobby').except(sessions[0]).send('one')
    server.room('lobby').except(sessions[0], sessions[1]).send('two')
    server.room('lobby').except(sessions[0]).except(sessions[2]).send('three')
    server.room('lobby').send('four', { except: sessions[2] })
    server.room('lobby').send('five', { except: [sessions[0], sessions[2]] })
    server.room('lobby').send('six')
    expect(await clients[0].inbox.take(2)).toEqual(['four', 'six'])
    expect(await clients[1].inbox.take(5)).toEqual(['one', 'three', 'four', 'five', 'six'])
    expect(await clients[2].inbox.take(3)).toEqual(['one', 'two', 'six'])
  })

  test('iterates its members', async () => {
    const { server, sessions } = await withSessions(3)
    sessions[0].join('lobby')
    sessions[2].join('lobby')
    const members = [...server.room('lobby')]
    expect(members).toHaveLength(2)
    expect(members.includes(sessions[0]) && members.includes(sessions[2])).toBe(true)
    expect([...server.room('empty').sessions()]).toEqual([])
  })

  test('forgets members that leave the server', async () => {
    const closed = deferred()
    const { server, url } = await serve({ '/': { open (session) { session.join('lobby'); session.send('in') }, close: closed.resolve } })
    const client = await connect(url)
    await client.next()
    expect(server.room('lobby').size).toBe(1)
    await client.close()
    await closed.promise
    expect(server.room('lobby').size).toBe(0)
    expect([...server.room('lobby')]).toEqual([])
    expect(server.room('lobby').send('nobody')).toBe(true)
  })

  test('has one order for all members, from several threads', async () => {
    const { server, url } = await serve({
      '/': {
        open (session) { session.join('all'); session.send('in') },
        message (session, data) { server.room('all').send(data) }
      }
    }, { threads: 3 })
    const clients = []
    for (let i = 0; i < 6; i++) clients.push(await connect(url))
    for (const client of clients) expect(await client.next()).toBe('in')
    for (let i = 0; i < 100; i++) clients.forEach((client, who) => client.send(`${who}:${i}`))
    const first = await clients[0].inbox.take(600)
    for (const client of clients.slice(1)) expect(await client.inbox.take(600)).toEqual(first)
    for (let who = 0; who < 6; who++) {
      expect(first.filter((text) => text.startsWith(`${who}:`))).toEqual(Array.from({ length: 100 }, (_, i) => `${who}:${i}`))
    }
  })

  test('holds as many rooms a session as maxRoomsPerSession allows', async () => {
    const { sessions: [session] } = await withSessions(1, { maxRoomsPerSession: 3 })
    for (const room of ['a', 'b', 'c']) expect(session.join(room)).toBe(true)
    expect(() => session.join('d')).toThrow(expect.objectContaining({ name: 'RangeError', code: 'ERR_FANWIRE_TOO_MANY_ROOMS' }))
    expect(session.join('a')).toBe(true)
    session.leave('a')
    expect(session.join('d')).toBe(true)
  })

  test('publishes natively to the room of the path, sender included', async () => {
    const { server, url } = await serve({ '/live/:room': { publishTo: 'live/:room' } })
    const [a, b, other] = [await connect(`${url}/live/x`), await connect(`${url}/live/x`), await connect(`${url}/live/y`)]
    await until(() => server.room('live/x').size === 2 && server.room('live/y').size === 1)
    a.send('text')
    a.send(Buffer.from([1]))
    for (const client of [a, b]) expect(await client.inbox.take(2)).toEqual(['text', Buffer.from([1])])
    expect(await other.ask('own')).toBe('own')
    server.room('live/x').send('from the server')
    expect(await b.next()).toBe('from the server')
  })

  test('publishes natively without the sender', async () => {
    const { server, url } = await serve({ '/:room': { publishTo: { room: 'r:room', except: 'sender' } } })
    const [a, b] = [await connect(`${url}/1`), await connect(`${url}/1`)]
    await until(() => server.room('r1').size === 2)
    a.send('from a')
    expect(await b.next()).toBe('from a')
    b.send('from b')
    expect(await a.next()).toBe('from b')
  })

  test('publishes natively and tells the handlers, when there are some', async () => {
    const seen = []
    const { server, url } = await serve({
      '/': { publishTo: 'all', message (session, data) { seen.push(data); session.send('handled') } }
    })
    const client = await connect(url)
    await until(() => server.room('all').size === 1)
    client.send('x')
    expect((await client.inbox.take(2)).sort()).toEqual(['handled', 'x'])
    expect(seen).toEqual(['x'])
  })
})

describe('users', () => {
  test('reaches every session of a user', async () => {
    const { server, clients, sessions } = await withSessions(3)
    expect(sessions[0].identify('alice')).toBe(true)
    expect(sessions[1].identify('alice')).toBe(true)
    expect(sessions[2].identify('bob')).toBe(true)
    expect(sessions[0].user).toBe('alice')
    expect(server.user('alice').size).toBe(2)
    server.user('alice').send({ type: 'notice' })
    server.user('bob').send('bob only')
    server.user('alice').except(sessions[1]).send('one')
    server.user('alice').send('all')
    expect(await clients[0].inbox.take(3)).toEqual(['{"type":"notice"}', 'one', 'all'])
    expect(await clients[1].inbox.take(2)).toEqual(['{"type":"notice"}', 'all'])
    expect(await clients[2].next()).toBe('bob only')
    expect([...server.user('bob')]).toEqual([sessions[2]])
  })

  test('identifies a session anew, and as nobody', async () => {
    const { server, sessions: [session] } = await withSessions(1)
    session.identify('alice')
    session.identify('bob')
    expect(server.user('alice').size).toBe(0)
    expect(server.user('bob').size).toBe(1)
    expect(session.identify(null)).toBe(true)
    expect(session.user).toBeNull()
    expect(server.user('bob').size).toBe(0)
  })

  test('closes all sessions of a user', async () => {
    const { server, clients, sessions } = await withSessions(2)
    for (const session of sessions) session.identify('alice')
    expect(server.user('alice').close(4403, 'kicked')).toBe(true)
    for (const client of clients) expect(await client.closed).toEqual({ code: 4403, reason: 'kicked' })
    await until(() => server.user('alice').size === 0)
    expect(server.user('alice').close()).toBe(false)
  })

  test('keeps users apart from rooms of the same name', async () => {
    const { server, clients, sessions } = await withSessions(2)
    sessions[0].join('x')
    sessions[1].identify('x')
    server.room('x').send('room')
    server.user('x').send('user')
    expect(await clients[0].next()).toBe('room')
    expect(await clients[1].next()).toBe('user')
    expect(Array.from(sessions[1].rooms)).toEqual([])
  })
})

describe('broadcast', () => {
  test('reaches every session of every endpoint, on every thread', async () => {
    const { server, url } = await serve({ '/a': {}, '/b': { message () {} }, '/c/:d': { publishTo: 'x' } }, { threads: 3 })
    const clients = []
    for (const path of ['/a', '/a', '/b', '/b', '/c/1', '/c/2']) clients.push(await connect(url + path))
    expect(server.broadcast('to all')).toBe(true)
    for (const client of clients) expect(await client.next()).toBe('to all')
  })

  test('reaches a filtered part', async () => {
    const { server, clients, sessions } = await withSessions(3)
    sessions.forEach((session, i) => { session.data.role = i === 1 ? 'reader' : 'editor' })
    expect(server.broadcast('for editors', { where: (session) => session.data.role === 'editor' })).toBe(true)
    expect(server.broadcast('for one', { where: (session) => session.data.role === 'editor', except: sessions[0] })).toBe(true)
    expect(server.broadcast('for nobody', { where: () => false })).toBe(true)
    server.broadcast('for others', { except: [sessions[0], sessions[2]] })
    server.broadcast('end')
    expect(await clients[0].inbox.take(2)).toEqual(['for editors', 'end'])
    expect(await clients[1].inbox.take(2)).toEqual(['for others', 'end'])
    expect(await clients[2].inbox.take(3)).toEqual(['for editors', 'for one', 'end'])
  })

  test('throws what where throws', async () => {
    const { server } = await withSessions(1)
    expect(() => server.broadcast('x', { where () { throw new Error('mine') } })).toThrow('mine')
  })
})

describe('session addresses', () => {
  test('reach a session by its id', async () => {
    const { server, clients, sessions: [session] } = await withSessions(1)
    const address = server.session(session.id)
    expect(address.session).toBe(session)
    expect(address.send('hello')).toBe(true)
    expect(await clients[0].next()).toBe('hello')
    expect(address.join('room')).toBe(true)
    expect(server.room('room').size).toBe(1)
    expect(address.leave('room')).toBe(true)
    expect(address.close(4403, 'kicked')).toBe(true)
    expect(await clients[0].closed).toEqual({ code: 4403, reason: 'kicked' })
    await until(() => address.session === undefined)
    expect([address.send('x'), address.join('r'), address.leave('r'), address.close(), address.terminate()]).toEqual(Array(5).fill(false))
    expect(server.session('never').close(4403)).toBe(false)
  })
})
