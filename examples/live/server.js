'use strict'

// Two endpoints that do the same thing: hand a message to everybody in the room.
//   /native/:room    publishTo: the engine does it; no JavaScript on the way
//   /js/:room        a message handler does it
// And a switch that blocks JavaScript, to see which of them goes on.
//   node examples/live/server.js          PORT=8080 chooses another port

const http = require('node:http')
const path = require('node:path')
const express = require('express')
const { createServer } = require('fanwire')

const LONGEST_BLOCK_MS = 10_000

const app = express()
const httpServer = http.createServer(app)
const server = createServer()

server.ws('/native/:room', { publishTo: 'native/:room' })

server.ws('/js/:room', {
  open (session) { session.join(`js/${session.params.room}`) },
  message (session, data) { server.room(`js/${session.params.room}`).send(data) }
})
server.attach(httpServer)

app.disable('x-powered-by')
app.use(express.static(path.join(__dirname, 'public')))

// POST /block?ms=2000: what a heavy computation, a big JSON.parse or a synchronous call does to a server.
app.post('/block', (request, response) => {
  const blockMs = Math.min(LONGEST_BLOCK_MS, Math.max(0, Number(request.query.ms) || 0))
  response.type('text/plain')
  response.write(`blocking JavaScript for ${blockMs} ms\n`, () => {
    const endMs = performance.now() + blockMs
    while (performance.now() < endMs);
    response.end('done\n')
  })
})

const port = Number(process.env.PORT ?? 3001)
httpServer.on('error', (error) => {
  console.error(`The live example cannot listen on port ${port}: ${error.message}`)
  process.exit(1)
})
httpServer.listen(port, () => {
  console.log(`Fanwire live: http://localhost:${httpServer.address().port}`)
})

async function stop () {
  const closed = new Promise((resolve) => httpServer.close(resolve))
  await server.close({ drainMs: 1_000 })
  httpServer.closeAllConnections()
  await closed
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
