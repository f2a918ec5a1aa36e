'use strict'
// Fanwire with one reactor.
const { createServer } = require('../../lib/index.js')
const { port, ready } = require('./peer.js')

const server = createServer({ threads: 1 })
const room = server.room('r')

server.ws('/echo', { message (session, data) { session.send(data) } })
server.ws('/room', {
  open (session) { session.join('r') },
  message (_session, data) { room.send(data) }
})
server.ws('/live', { publishTo: 'live' })
server.listen({ host: '127.0.0.1', port }).then(listening => ready(listening.port, data => room.send(data)))
