'use strict'
// echo-once: run where the package is installed; starts a server, echoes one message through a client of
// bare sockets (Node 20 has no WebSocket of its own), closes, and prints what it saw. It must end by itself.
const crypto = require('node:crypto')
const net = require('node:net')
const { createServer } = require('fanwire')

/** A masked text frame of a short message. */
function textFrame (text) {
  const [payload, mask] = [Buffer.from(text), crypto.randomBytes(4)]
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, payload.map((byte, i) => byte ^ mask[i % 4])])
}

/** Resolves with the payload of the first frame that the server sends. */
function echo (port, text) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1')
    let received = Buffer.alloc(0)
    let greeted = false
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after: ${received.toString('latin1')}`)))
    socket.write(`GET /echo HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (!greeted && end >= 0) {
        greeted = true
        received = received.subarray(end + 4)
        socket.write(textFrame(text))
      }
      if (greeted && received.length >= 2 && received.length >= 2 + received[1]) {
        resolve(received.subarray(2, 2 + received[1]).toString())
        socket.destroy()
      }
    })
  })
}

async function main () {
  const server = createServer({ threads: 1 })
  server.ws('/echo', { message (session, data) { session.send(data) } })
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  const echoed = await echo(port, 'grüß dich')
  await server.close()

  const { createServer: imported } = await import('fanwire')
  console.log(JSON.stringify({
    node: process.versions.node,
    echoed,
    sameFunctionWhenImported: imported === createServer,
    // node's own OpenSSL, beside the one inside the addon
    digest: crypto.createHash('sha256').update('').digest('hex').slice(0, 8)
  }))
}

main()
