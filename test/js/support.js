'use strict'
// What the tests share: a server per test that is closed afterwards, real clients, raw sockets, frames of literal bytes.

const { once } = require('node:events')
const net = require('node:net')
const WebSocket = require('ws')
const { createServer } = require('../../lib/index.js')

/** What is to be undone after the test, last first. */
const cleanups = []
const cleanup = (undo) => cleanups.push(undo)

let testsEnded = 0

afterEach(async () => {
  testsEnded++
  for (const undo of cleanups.splice(0).reverse()) await undo()
})

/** A promise and its ends. */
function deferred () {
  let resolve, reject
  const promise = new Promise((...ends) => { [resolve, reject] = ends })
  return { promise, resolve, reject }
}

/** A server that closes with the test. */
function makeServer (options) {
  const server = createServer({ threads: 1, ...options })
  cleanup(() => server.close({ drainMs: 200 }))
  return server
}

/** The same, listening; `endpoints` maps patterns to handlers. */
async function serve (endpoints, options) {
  const server = makeServer(options)
  for (const [pattern, handlers] of Object.entries(endpoints)) server.ws(pattern, handlers)
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
  return { server, port, url: `ws://127.0.0.1:${port}` }
}

/** Values that arrive in order; next() waits for one. */
class Inbox {
  #values = []
  #waiting = []
  #ended = false

  push (value) {
    const waiter = this.#waiting.shift()
    if (waiter) waiter.resolve(value)
    else this.#values.push(value)
  }

  end () {
    this.#ended = true
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the client is closed'))
  }

  get size () {
    return this.#values.length
  }

  async next () {
    if (this.#values.length > 0) return this.#values.shift()
    if (this.#ended) throw new Error('the client is closed')
    const waiter = deferred()
    this.#waiting.push(waiter)
    return waiter.promise
  }

  async take (n) {
    const out = []
    while (out.length < n) out.push(await this.next())
    return out
  }
}

/** A `ws` client whose messages can be waited for: text as strings, binary as Buffers. */
class Client {
  inbox = new Inbox()

  constructor (url, { protocols, ...options } = {}) {
    this.socket = new WebSocket(url, protocols ?? [], { perMessageDeflate: false, ...options })
    this.socket.on('message', (data, isBinary) => this.inbox.push(isBinary ? data : data.toString()))
    this.socket.on('error', () => {})
    this.opened = once(this.socket, 'open')
    this.opened.catch(() => {})
    const closed = deferred()
    this.closed = closed.promise
    this.socket.on('close', (code, reason) => {
      this.inbox.end()
      closed.resolve({ code, reason: reason.toString() })
    })
    cleanup(() => {
      this.socket.terminate()
      return this.closed
    })
  }

  send (data, options) {
    this.socket.send(data, options)
  }

  next () {
    return this.inbox.next()
  }

  async ask (data) {
    this.send(data)
    return this.next()
  }

  close (code, reason) {
    this.socket.close(code, reason)
    return this.closed
  }
}

/** An open client. */
async function connect (url, options) {
  const client = new Client(url, options)
  await client.opened
  return client
}

/** What a refused handshake answers. */
async function refusal (url, options) {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options })
  const [, response] = await once(socket, 'unexpected-response')
  let body = ''
  response.setEncoding('utf8').on('data', (text) => { body += text })
  await once(response, 'end')
  return { status: response.statusCode, headers: response.headers, body }
}

/** A socket that sends and reads literal bytes. */
class RawClient {
  #bytes = Buffer.alloc(0)
  #wake = deferred()
  #ended = false

  constructor (to) {
    this.socket = net.connect(to)
    this.socket.on('data', (chunk) => this.#more(chunk))
    this.socket.on('error', () => {})
    const closed = deferred()
    this.closed = closed.promise
    this.socket.on('close', () => {
      this.#ended = true
      this.#wake.resolve()
      closed.resolve()
    })
    cleanup(() => {
      this.socket.destroy()
      return this.closed
    })
  }

  #more (chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    this.#wake.resolve()
    this.#wake = deferred()
  }

  write (data) {
    return new Promise((resolve) => this.socket.write(data, () => resolve()))
  }

  /** Exactly n bytes; null when the socket ends before. */
  async read (n) {
    while (this.#bytes.length < n) {
      if (this.#ended) return null
      await this.#wake.promise
    }
    const out = this.#bytes.subarray(0, n)
    this.#bytes = this.#bytes.subarray(n)
    return out
  }

  /** Up to and with the marker; what there is when the socket ends before. */
  async readUntil (marker) {
    for (;;) {
      const at = this.#bytes.indexOf(marker)
      if (at >= 0) return (await this.read(at + marker.length)).toString('latin1')
      if (this.#ended) return this.#bytes.toString('latin1')
      await this.#wake.promise
    }
  }

  /** The head of the response. */
  async response () {
    const head = await this.readUntil('\r\n\r\n')
    return { status: Number(head.split(' ')[1]), head }
  }

  /** One frame from the server: opcode and payload; null when the socket ends. */
  async frame () {
    const start = await this.read(2)
    if (start === null) return null
    let size = start[1] & 0x7f
    if (size === 126) size = (await this.read(2)).readUInt16BE()
    else if (size === 127) size = Number((await this.read(8)).readBigUInt64BE())
    return { opcode: start[0] & 15, payload: await this.read(size) }
  }

  /** The code of the close frame, past what else arrives; null if the socket ends without one. */
  async closeCode () {
    for (let got = await this.frame(); got !== null; got = await this.frame()) {
      if (got.opcode === 8) return got.payload.length >= 2 ? got.payload.readUInt16BE() : 1005
    }
    return null
  }
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** The text of a handshake; `fields` are put in place of the usual ones, undefined leaves one out. */
function handshake (path = '/', fields = {}, { method = 'GET', version = 'HTTP/1.1' } = {}) {
  const all = {
    Host: 'localhost', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': KEY, ...fields
  }
  const lines = Object.entries(all).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} ${version}\r\n${lines.join('')}\r\n`
}

/** A raw client behind its handshake. */
async function rawConnect (to, path, fields) {
  const client = new RawClient(to)
  await client.write(handshake(path, fields))
  const { status, head } = await client.response()
  if (status !== 101) throw new Error(`no handshake: ${head}`)
  return client
}

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/** A client's frame (RFC 6455 section 5.2), masked unless told otherwise. */
function frame (opcode, payload = '', { fin = true, rsv = 0, masked = true, size } = {}) {
  const data = Buffer.from(payload)
  const length = size ?? BigInt(data.length)
  const head = [(fin ? 0x80 : 0) | rsv << 4 | opcode]
  const maskBit = masked ? 0x80 : 0
  if (length <= 125n) head.push(maskBit | Number(length))
  else if (length <= 0xffffn) head.push(maskBit | 126, Number(length >> 8n), Number(length & 0xffn))
  else {
    const wide = Buffer.alloc(8)
    wide.writeBigUInt64BE(length)
    head.push(maskBit | 127, ...wide)
  }
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78])
  if (!masked) return Buffer.concat([Buffer.from(head), data])
  return Buffer.concat([Buffer.from(head), mask, data.map((byte, i) => byte ^ mask[i & 3])])
}

/** Resolves once `holds()` does, looked at in every turn of the loop; gives up with the test. */
async function until (holds) {
  const test = testsEnded
  while (!holds()) {
    if (test !== testsEnded) throw new Error('the test has ended')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

module.exports = {
  BINARY, CLOSE, PING, PONG, TEXT, Client, Inbox, RawClient, cleanup, connect, deferred, frame, handshake, makeServer, rawConnect, refusal, serve, until
}
