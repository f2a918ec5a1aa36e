'use strict'
// uWebSockets.js, the build of it that npm has; it carries binaries for Node 18 and 20.
const fs = require('node:fs')
const path = require('node:path')
const { port, ready } = require('./peer.js')

const PACKAGE = '@trufflesuite/uws-js-unofficial'
const binary = `binaries/uws_${process.platform}_${process.arch}_${process.versions.modules}.node`
if (!fs.existsSync(path.join(path.dirname(require.resolve(`${PACKAGE}/package.json`)), binary))) {
  console.error(`uWebSockets.js: ${PACKAGE} has no binary for Node ${process.version}; measure under Node 20`)
  process.exit(1)
}
const uWS = require(PACKAGE)

const app = uWS.App()
const policy = {
  compression: uWS.DISABLED,
  maxPayloadLength: 1 << 20,
  maxBackpressure: 64 << 20, // its default of 64 KiB would drop messages in silence
  idleTimeout: 0
}
const room = {
  ...policy,
  open: socket => { socket.subscribe('r') },
  message: (_socket, data, isBinary) => { app.publish('r', data, isBinary) }
}
app.ws('/echo', { ...policy, message: (socket, data, isBinary) => { socket.send(data, isBinary) } })
app.ws('/room', room)
app.ws('/live', room)
app.listen('127.0.0.1', port, listening => {
  if (!listening) throw new Error(`port ${port} cannot be listened on`)
  ready(uWS.us_socket_local_port(listening), data => app.publish('r', data, true))
})
