'use strict'
// attach: takes WebSocket handshakes over from Node's http server, socket and all.
// Path: http.Server 'upgrade' -> [upgrade] -> engine.adopt -> connection
// Here only the path is looked at; every check of the handshake is the engine's, as on its own door.

const { Server: TlsServer } = require('node:tls')
const { fanwireError, wrongType } = require('./errors.js')
const { pathOf } = require('./pattern.js')

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').Server} HttpServer */
/** @typedef {import('node:net').Socket & { _handle?: { fd: number, readStop (): void }, _httpMessage?: import('node:http').ServerResponse | null }} Socket */

/**
 * All attachments to one http server stand behind one 'upgrade' listener, in the order they came.
 * @type {WeakMap<HttpServer, Set<Attachment>>}
 */
const attached = new WeakMap()

class Attachment {
  #link
  #adoptions
  #httpServer
  /** Sockets that wait for an earlier response. @type {Set<Socket>} */ #waiting = new Set()

  /**
   * @param {import('./link.js').Link} link
   * @param {import('./adoptions.js').Adoptions} adoptions
   * @param {unknown} httpServer
   */
  constructor (link, adoptions, httpServer) {
    this.#link = link
    this.#adoptions = adoptions
    this.#httpServer = checkServer(httpServer)
    const others = attached.get(this.#httpServer)
    if (others !== undefined) {
      others.add(this)
    } else {
      attached.set(this.#httpServer, new Set([this]))
      this.#httpServer.on('upgrade', onUpgrade)
    }
  }

  detach () {
    const all = attached.get(this.#httpServer)
    all?.delete(this)
    if (all?.size === 0) {
      attached.delete(this.#httpServer)
      this.#httpServer.off('upgrade', onUpgrade)
    }
    for (const socket of this.#waiting) socket.destroy()
    this.#waiting.clear()
  }

  /**
   * Takes the socket if the path is one of ours.
   * @param {IncomingMessage} request
   * @param {Socket} socket
   * @param {Buffer} head  bytes that came behind the request
   */
  take (request, socket, head) {
    const path = pathOf(request.url ?? '')
    const route = this.#link.routes.find((one) => one.match(path) !== undefined)
    if (route === undefined) return false
    // From here on Node must not read: what it swallows now would be missing from the session.
    socket.on('error', ignore)
    socket.pause()
    socket._handle?.readStop()
    this.#waiting.add(socket)
    this.#handOver(request, socket, head, route)
    return true
  }

  /** Once earlier, pipelined requests of the socket have their responses. @type {(request: IncomingMessage, socket: Socket, head: Buffer, route: import('./route.js').Route) => void} */
  #handOver (request, socket, head, route) {
    const again = () => this.#handOver(request, socket, head, route)
    if (socket.destroyed || !this.#waiting.has(socket)) {
      this.#waiting.delete(socket)
    } else if (socket._httpMessage) {
      // Behind 'finish', on which Node gives the socket to the next response, if there is one.
      socket._httpMessage.once('close', () => setImmediate(again))
    } else if (socket.writableLength > 0) {
      socket.once('drain', again)
    } else {
      this.#waiting.delete(socket)
      this.#adopt(request, socket, head, route)
    }
  }

  /** @param {IncomingMessage} request @param {Socket} socket @param {Buffer} head @param {import('./route.js').Route} route */
  #adopt (request, socket, head, route) {
    const fd = socket._handle?.fd ?? -1
    if (fd < 0) {
      refuse(socket, '501 Not Implemented')
      this.#link.report(fanwireError('ERR_FANWIRE_ATTACH_TLS', 'attach(): a socket has no file descriptor of its own (TLS?)'))
      return
    }
    const parts = [headOf(request), head]
    const rest = socket.read()
    if (rest !== null) parts.push(rest)
    socket._handle?.readStop() // read() has started it again
    const token = this.#link.engine.adopt(fd, Buffer.concat(parts), route.index)
    if (token === 0) return refuse(socket, '503 Service Unavailable')
    this.#link.keep({ connections: true })
    if (route.hasHandlers) this.#adoptions.add(token, request)
    socket.destroy() // closes Node's descriptor; the engine's own keeps the connection
  }
}

/**
 * @this {HttpServer}
 * @param {IncomingMessage} request
 * @param {import('node:stream').Duplex} duplex
 * @param {Buffer} head
 */
function onUpgrade (request, duplex, head) {
  const socket = /** @type {Socket} */ (duplex)
  for (const attachment of attached.get(this) ?? []) {
    if (attachment.take(request, socket, head)) return
  }
  if (this.listenerCount('upgrade') > 1) return // somebody else's path, perhaps
  socket.on('error', ignore)
  refuse(socket, '404 Not Found')
}

/** @param {Socket} socket @param {string} status */
function refuse (socket, status) {
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/** The request's head as it came. @param {IncomingMessage} request */
function headOf ({ method, url, httpVersion, rawHeaders }) {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  return Buffer.from(head + '\r\n', 'latin1')
}

/** @param {unknown} server @returns {HttpServer} */
function checkServer (server) {
  const has = (/** @type {string} */ method) => typeof Reflect.get(Object(server), method) === 'function'
  if (!has('on') || !has('off') || !has('listenerCount')) throw wrongType('attach(): server', 'an http.Server', server)
  if (server instanceof TlsServer) {
    throw fanwireError('ERR_FANWIRE_ATTACH_TLS', 'attach() takes a plain http.Server: the sockets of an https.Server belong to Node\'s TLS')
  }
  return /** @type {HttpServer} */ (server)
}

function ignore () {}

module.exports = { Attachment }
