'use strict'

// A chat on one port: Express serves the page, Fanwire the WebSocket beside it.
//   node examples/chat/server.js          PORT=8080 chooses another port

const http = require('node:http')
const path = require('node:path')
const express = require('express')
const { createServer } = require('fanwire')
const { BadMessage, LIMITS, parseMessage } = require('./messages.js')
const { Rooms } = require('./rooms.js')

const app = express()
const httpServer = http.createServer(app)
const server = createServer()
const rooms = new Rooms(['lobby', 'ideas', 'music'])

app.disable('x-powered-by')
app.use((request, response, next) => {
  response.set({
    'Content-Security-Policy': "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer'
  })
  next()
})
app.use(express.static(path.join(__dirname, 'public')))

server.ws('/chat', {
  limits: { maxMessageBytes: LIMITS.messageBytes },

  message (session, data, isBinary) {
    try {
      const message = parseMessage(data, isBinary)
      const { seat } = session.data // { room, person }, once joined
      if (message.type === 'join') join(session, message)
      else if (!seat) throw new BadMessage('not-joined', 'Join a room first.')
      else if (message.type === 'say') say(session, seat, message)
      else if (message.type === 'typing') typing(session, seat, message)
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error
      session.send({ type: 'error', code: error.code, text: error.message, ref: error.ref })
    }
  },

  close (session) {
    leave(session)
  }
})
server.attach(httpServer)
server.on('error', (error) => console.error(error))

function join (session, { room: name, person }) {
  const room = rooms.open(name)
  if (!room) throw new BadMessage('too-many-rooms', 'There are too many rooms already. Please join another one.')

  const { seat } = session.data
  const stays = seat?.room === room && seat.person.id === person.id
  if (!stays) {
    leave(session)
    session.join(channelOf(room))
  }
  session.data.seat = { room, person }

  const change = stays ? room.rename(person) : room.enter(person)
  session.send({
    type: 'welcome',
    room: room.name,
    you: person,
    people: room.people,
    history: room.history,
    rooms: rooms.list()
  })
  if (change) publish(room, { type: 'people', change, person }, session)
  if (!stays) announceRooms()
}

function leave (session) {
  const { seat } = session.data
  if (!seat) return
  session.data.seat = undefined
  session.leave(channelOf(seat.room))
  if (seat.room.exit(seat.person)) publish(seat.room, { type: 'people', change: 'left', person: seat.person })
  announceRooms()
}

function say (session, { room, person }, { text, ref }) {
  const { message, isNew } = room.say(person, text, ref)
  // A client that sends again after a reconnect gets its answer, and the others no second copy.
  if (isNew) publish(room, { type: 'message', message })
  else session.send({ type: 'message', room: room.name, message })
}

function typing (session, { room, person }, { on }) {
  publish(room, { type: 'typing', on, person }, session)
}

function publish (room, message, except) {
  const channel = server.room(channelOf(room))
  const body = { ...message, room: room.name }
  if (except) channel.except(except).send(body)
  else channel.send(body)
}

function channelOf (room) {
  return `chat/${room.name}`
}

// Everybody sees the list of rooms. Many joins at once (a restart, say) make one announcement.
let announcement
function announceRooms () {
  announcement ??= setTimeout(() => {
    announcement = undefined
    server.broadcast({ type: 'rooms', rooms: rooms.list() })
  }, 50).unref()
}

// PORT given: that one or a clear sentence. Not given: 3000, or the next free one.
const wanted = process.env.PORT
let port = Number(wanted ?? 3000)
httpServer.on('error', (error) => {
  if (error.code === 'EADDRINUSE' && wanted === undefined && port < 3020) return httpServer.listen(++port)
  console.error(error.code === 'EADDRINUSE'
    ? `Port ${port} is in use. Choose another one: PORT=${port + 1} node examples/chat/server.js`
    : `The chat cannot listen on port ${wanted ?? port}: ${error.message}`)
  process.exit(1)
})
httpServer.on('listening', () => {
  console.log(`Fanwire chat: http://localhost:${httpServer.address().port}`)
})
if (Number.isInteger(port) && port >= 0 && port <= 65_535) {
  httpServer.listen(port)
} else {
  console.error(`PORT must be a whole number from 0 to 65535, not "${wanted}".`)
  process.exitCode = 1
}

// Stop taking visitors, tell those who are here (1001: they come back by themselves), and then
// nothing is left that would keep the process.
async function stop () {
  const closed = new Promise((resolve) => httpServer.close(resolve))
  await server.close({ drainMs: 1_000 })
  httpServer.closeAllConnections()
  await closed
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
