'use strict'

// Echo on the engine's own port: no Express, no http.Server.      PORT=9000 node examples/echo/server.js
const { createServer } = require('fanwire')

const server = createServer()
server.ws('/echo', { message: (session, data) => { session.send(data) } })
server.listen({ port: Number(process.env.PORT ?? 8080) }).then(({ port }) => {
  console.log(`Fanwire echo: ws://localhost:${port}/echo      try: npx wscat -c ws://localhost:${port}/echo`)
}, (error) => { console.error(`The echo cannot listen: ${error.message}`); process.exitCode = 1 })
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close())
