'use strict'
const { connect, makeServer, refusal, serve, until } = require('./support.js')

describe('stats', () => {
  test('count sessions, messages and refusals, in all and for each thread', async () => {
    const { server, url } = await serve({ '/': { open (session) { session.join('all') }, message (session, data) { session.send(data) } } }, { threads: 2 })
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(url)))
    for (const client of clients) await client.ask('x')
    await refusal(`${url}/nobody`)
    server.room('all').send('y')
    for (const client of clients) expect(await client.next()).toBe('y')
    await until(() => server.stats().connections === 4)
    const { reactors, ...total } = server.stats()
    expect(total).toMatchObject({ sessions: 4, connections: 4, opened: 4, refused: 1, messagesIn: 4, messagesOut: 8, dropped: 0, outboxBytes: 0 })
    expect(reactors).toHaveLength(2)
    for (const name of ['sessions', 'opened', 'messagesIn', 'messagesOut']) {
      expect(reactors.reduce((sum, one) => sum + one[name], 0)).toBe(total[name])
    }
    for (const client of clients) await client.close()
    await until(() => server.stats().sessions === 0 && server.stats().connections === 0)
    expect(server.stats().opened).toBe(4)
  })

  test('are a plain object of their own each time, empty before the first door', async () => {
    const server = makeServer()
    expect(server.stats()).toEqual({})
    await server.listen({ host: '127.0.0.1', port: 0 })
    expect(server.stats()).not.toBe(server.stats())
    expect(() => JSON.stringify(server.stats())).not.toThrow()
    await server.close()
    expect(server.stats()).toEqual({})
  })
})
