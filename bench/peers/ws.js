'use strict'
// ws as `npm install ws` gives it: without its optional native parts.
process.env.WS_NO_BUFFER_UTIL = '1'
process.env.WS_NO_UTF_8_VALIDATE = '1'
const { WebSocketServer } = require('ws')
const { port, ready } = require('./peer.js')

const server = new WebSocketServer({ host: '127.0.0.1', port, backlog: 4096, perMessageDeflate: false })
const members = new Set()

function publish (data, isBinary) {
  for (const socket of members) socket.send(data, { binary: isBinary })
}

server.on('connection', (socket, request) => {
  if (request.url === '/echo') {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    return
  }
  members.add(socket)
  socket.on('message', publish)
  socket.on('close', () => members.delete(socket))
})
server.on('listening', () => ready(server.address().port, data => publish(data, true)))
