'use strict'
const { connect, deferred, makeServer, serve, until } = require('./support.js')

const TYPE = expect.objectContaining({ name: 'TypeError', code: 'ERR_FANWIRE_INVALID_ARG_TYPE' })

/** Every call on a session that is not there, and what it answers. */
function late (session) {
  return [
    session.send('x'), session.send(Buffer.from('x'), { key: 'k', volatile: true }), session.join('room'), session.leave('room'),
    session.identify('eve'), session.close(), session.close(4000, 'again'), session.terminate()
  ]
}
const NOTHING = Array(8).fill(false)

describe('wrong arguments', () => {
  test('throw TypeError with their code, on every kind of send', async () => {
    const opened = deferred()
    const { server, url } = await serve({ '/': { open: opened.resolve } })
    const client = await connect(url)
    const session = await opened.promise
    const targets = [session, server.room('x'), server.user('x'), server.session(session.id), server.session('gone'), { send: (...args) => server.broadcast(...args) }]
    const shared = new SharedArrayBuffer(4)
    for (const target of targets) {
      for (const data of [undefined, null, 1, 1n, true, Symbol('x'), () => {}, Promise.resolve('x'), shared, new Blob(['x']), { toJSON () {} }]) {
        expect(() => target.send(data)).toThrow(TYPE)
      }
      const circular = {}
      circular.self = circular
      expect(() => target.send(circular)).toThrow(TypeError)
    }
    for (const target of targets.filter((one) => one !== targets[4])) {
      for (const options of [null, 1, 'x', [], { binary: 1 }, { volatile: 'x' }, { key: 1 }]) expect(() => target.send('x', options)).toThrow(TYPE)
      expect(() => target.send('x', { kee: 1 })).toThrow(expect.objectContaining({ code: 'ERR_FANWIRE_UNKNOWN_OPTION' }))
      for (const key of ['', 'x'.repeat(513)]) expect(() => target.send('x', { key })).toThrow(expect.objectContaining({ code: 'ERR_FANWIRE_NAME' }))
      expect(() => target.send(Buffer.from([0xff]), { binary: false })).toThrow(expect.objectContaining({ code: 'ERR_FANWIRE_INVALID_UTF8' }))
    }
    expect(() => session.send('x', { except: session })).toThrow(expect.objectContaining({ code: 'ERR_FANWIRE_UNKNOWN_OPTION' }))
    expect(() => server.room('x').send('x', { where () {} })).toThrow(expect.objectContaining({ code: 'ERR_FANWIRE_UNKNOWN_OPTION' }))
    for (const except of [1, 'x', {}, [1], null]) {
      expect(() => server.room('x').send('x', { except })).toThrow(TYPE)
      expect(() => server.broadcast('x', { except })).toThrow(TYPE)
    }
    expect(() => server.room('x').except('eve')).toThrow(TYPE)
    expect(() => server.broadcast('x', { where: true })).toThrow(TYPE)
    for (const room of [undefined, null, 1, {}, Symbol('x')]) {
      expect(() => session.join(room)).toThrow(TYPE)
      expect(() => session.leave(room)).toThrow(TYPE)
    }
    for (const user of [undefined, 1, {}]) expect(() => session.identify(user)).toThrow(TYPE)
    expect(() => session.join('')).toThrow(expect.objectContaining({ code: 'ERR_FANWIRE_NAME' }))
    expect(session.send('nothing of it was sent')).toBe(true)
    expect(await client.next()).toBe('nothing of it was sent')
  })
})

describe('S24: late calls', () => {
  test('S24: answer false after the client has gone, in close, and from later turns', async () => {
    const closed = deferred()
    const inClose = []
    const { server, url } = await serve({ '/': { close (session) { inClose.push(...late(session)); closed.resolve(session) } } })
    const client = await connect(url)
    await client.close()
    const session = await closed.promise
    expect(inClose).toEqual(NOTHING)
    expect(late(session)).toEqual(NOTHING)
    await new Promise((resolve) => setTimeout(resolve))
    expect(late(session)).toEqual(NOTHING)
    expect(server.room('room').size).toBe(0)
    expect(server.user('eve').size).toBe(0)
  })

  test('S24: answer false after close() and terminate() from here, twice', async () => {
    const sessions = []
    const { url } = await serve({ '/': { open (session) { sessions.push(session) } } })
    const [a, b] = [await connect(url), await connect(url)]
    await until(() => sessions.length === 2)
    expect(sessions[0].close(4000)).toBe(true)
    expect([sessions[0].send('x'), sessions[0].join('x'), sessions[0].close(), sessions[0].close(4001)]).toEqual([false, false, false, false])
    expect(sessions[1].terminate()).toBe(true)
    expect(late(sessions[1])).toEqual(NOTHING)
    expect((await a.closed).code).toBe(4000)
    await b.closed
    for (const session of sessions) expect(late(session)).toEqual(NOTHING)
  })

  test('S24: answer false during and after the close of the server', async () => {
    const opened = deferred()
    const { server, url } = await serve({ '/': { open: opened.resolve } })
    await connect(url)
    const session = await opened.promise
    const { id } = session
    const closing = server.close({ drainMs: 100 })
    late(session) // whatever it still answers, nothing breaks
    await closing
    expect(late(session)).toEqual(NOTHING)
    expect(server.session(id).send('x')).toBe(false)
    expect(server.user('eve').close()).toBe(false)
    expect([...server.room('x')]).toEqual([])
    expect(server.stats()).toEqual({})
    server.room('x').send('nobody')
    server.broadcast('nobody')
  })

  test('S24: never reach another session on a recycled slot', async () => {
    const sessions = []
    const closed = []
    const { server, url } = await serve({
      '/': {
        open (session) { sessions.push(session); session.join('room') },
        message (session, data) { session.send(data) },
        close (session) { closed.push(session) }
      }
    })
    const ids = new Set()
    for (let i = 0; i < 50; i++) {
      const client = await connect(url)
      await until(() => sessions.length === i + 1)
      ids.add(sessions[i].id)
      await client.close()
      await until(() => closed.length === i + 1)
    }
    expect(ids.size).toBe(50)
    const client = await connect(url)
    await until(() => sessions.length === 51)
    for (const session of sessions.slice(0, 50)) expect(late(session)).toEqual(NOTHING)
    for (const id of ids) {
      expect(server.session(id).session).toBeUndefined()
      expect(server.session(id).close(4000)).toBe(false)
    }
    server.room('room').except(...sessions.slice(0, 50)).send('for the last one')
    expect(await client.next()).toBe('for the last one')
    expect(await client.ask('still mine')).toBe('still mine')
    expect(Array.from(sessions[50].rooms)).toEqual(['room'])
  })

  test('S24: a session of another server is no member and is not reached', async () => {
    const make = async () => {
      const opened = deferred()
      const { server, url } = await serve({ '/': { open (session) { session.join('room'); opened.resolve(session) } } })
      const client = await connect(url)
      return { server, client, session: await opened.promise }
    }
    const [one, two] = [await make(), await make()]
    one.server.room('room').except(two.session).send('x')
    expect(await one.client.next()).toBe('x')
    expect(one.server.session(two.session.id).close()).toBe(false)
  })

  test('S24: before the first door there is nobody', () => {
    const server = makeServer()
    expect(server.room('x').size).toBe(0)
    expect(server.room('x').send('x')).toBe(true)
    expect(server.broadcast('x')).toBe(true)
    expect(server.broadcast('x', { where: () => true })).toBe(true)
    expect([...server.user('x').sessions()]).toEqual([])
    expect(server.session('x').session).toBeUndefined()
    expect(server.ws('/').size).toBe(0)
  })
})

describe('S22: names of prototypes', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf', '__defineGetter__']

  test('S22: are plain strings as rooms, users, keys, headers and params', async () => {
    const sessions = []
    const { server, url } = await serve({
      '/:__proto__/:constructor': {
        authenticate: (request) => ({ user: request.headers['x-user'] }),
        open (session) { sessions.push(session) }
      }
    })
    const client = await connect(`${url}/polluted/x`, { headers: { 'x-user': '__proto__', __proto__: null, constructor: 'c', toString: 't' } })
    await until(() => sessions.length === 1)
    const [session] = sessions
    expect(session.user).toBe('__proto__')
    expect(server.user('__proto__').size).toBe(1)
    expect(Object.keys(session.params)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(session.params)).toBe(null)
    expect(session.params.__proto__).toBe('polluted')
    expect(session.params.toString).toBeUndefined()
    expect(session.request.headers.constructor).toBe('c')
    expect(session.request.headers.tostring).toBe('t')
    expect(session.request.headers.valueOf).toBeUndefined()
    expect(Object.getPrototypeOf(session.request.headers)).toBe(null)
    for (const name of names) {
      expect(server.room(name).size).toBe(0)
      expect(session.join(name)).toBe(true)
      expect(server.room(name).size).toBe(1)
      server.room(name).send(name, { key: name })
      expect(await client.next()).toBe(name)
      expect(session.identify(name)).toBe(true)
      expect(server.user(name).size).toBe(1)
      expect(server.session(name).session).toBeUndefined()
    }
    expect(Array.from(session.rooms).sort()).toEqual([...names].sort())
    expect({}.polluted).toBeUndefined()
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  })

  test('S22: a JSON body with __proto__ is passed as it is', async () => {
    const { url } = await serve({ '/': { message (session, data) { session.send(JSON.parse(data)) } } })
    const client = await connect(url)
    expect(await client.ask('{"__proto__":{"a":1}}')).toBe('{"__proto__":{"a":1}}')
  })
})
