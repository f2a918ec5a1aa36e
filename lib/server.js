'use strict'
// Server: what createServer() returns; owns one engine, which starts with the first door.

const dns = require('node:dns/promises')
const { EventEmitter } = require('node:events')
const { isIP } = require('node:net')
const { Adoptions } = require('./adoptions.js')
const { Room, SessionAddress, User, idsOf } = require('./channel.js')
const { Door } = require('./door.js')
const { Endpoint } = require('./endpoint.js')
const { fanwireError, wrongType } = require('./errors.js')
const { Events } = require('./events.js')
const { hasStopped, stopAtExit } = require('./exit.js')
const { Link } = require('./link.js')
const { BROADCAST_OPTIONS, flagsOf, keyOf, payloadOf, payloadWith } = require('./message.js')
const { LEVELS, closeOptions, listenOptions, nameOf, serverOptions } = require('./options.js')
const { Route } = require('./route.js')
const { Attachment } = require('./upgrade.js')
const { laneOf } = require('./session.js')

const QUEUED = 1
const GOING_AWAY = 1001

class Server extends EventEmitter {
  #options
  #link
  #adoptions
  /** By http server. @type {Map<unknown, Attachment>} */ #attachments = new Map()
  #started = false
  /** @type {Promise<void> | undefined} */ #closing
  /** @type {() => void} */ #onStopped = () => {}

  /** @param {unknown} [options] */
  constructor (options) {
    super()
    this.#options = serverOptions(options)
    const { handlerTimeoutMs, handshakeTimeoutMs } = this.#options
    this.#link = new Link(this, handlerTimeoutMs)
    this.#adoptions = new Adoptions(handshakeTimeoutMs + handlerTimeoutMs)
  }

  /** @param {string} pattern @param {unknown} [options] */
  ws (pattern, options = {}) {
    this.#mustBeOpen('ws()')
    const { routes, engine } = this.#link
    const route = new Route(routes.length, pattern, options)
    if (routes.some((other) => other.pattern === route.pattern)) {
      throw fanwireError('ERR_FANWIRE_PATTERN', `ws(): there is an endpoint ${JSON.stringify(pattern)} already`)
    }
    if (this.#started) engine.addEndpoint(route.config)
    routes.push(route)
    return new Endpoint(this.#link, route)
  }

  /** @param {import('node:http').Server} httpServer */
  attach (httpServer) {
    this.#mustBeOpen('attach()')
    if (this.#attachments.has(httpServer)) return this
    const attachment = new Attachment(this.#link, this.#adoptions, httpServer)
    this.#attachments.set(httpServer, attachment)
    try {
      this.#start()
    } catch (error) {
      this.#attachments.delete(httpServer)
      attachment.detach()
      throw error
    }
    return this
  }

  /** @param {unknown} [options] */
  async listen (options) {
    const { host, port, path, backlog } = listenOptions(options)
    this.#mustBeOpen('listen()')
    const address = host === '' || isIP(host) !== 0 ? host : (await dns.lookup(host)).address
    this.#mustBeOpen('listen()')
    this.#start()
    return new Door(this.#link, this.#link.engine.listen({ host: address, port, path, backlog }))
  }

  /** @param {string} name */
  room (name) {
    return new Room(this.#link, nameOf('room(): name', name))
  }

  /** @param {string} name */
  user (name) {
    return new User(this.#link, nameOf('user(): name', name))
  }

  /** @param {string} id */
  session (id) {
    if (typeof id !== 'string') throw wrongType('session(): id', 'a string', id)
    return new SessionAddress(this.#link, id)
  }

  /** @param {unknown} data @param {import('./message.js').MessageOptions} [options] */
  broadcast (data, options) {
    const link = this.#link
    if (options === undefined) {
      const status = link.engine.broadcast(payloadOf(data), 0, '', null)
      link.flushSoon()
      return status === QUEUED
    }
    const flags = flagsOf(options, BROADCAST_OPTIONS)
    const key = keyOf(options)
    const payload = payloadWith(data, options)
    const except = idsOf(link, options.except)
    const { where } = options
    if (where !== undefined && typeof where !== 'function') throw wrongType('broadcast(): where', 'a function', where)
    const taken = where === undefined
      ? link.engine.broadcast(payload, flags, key, except) === QUEUED
      : this.#sendWhere(where, payload, flags, key, except)
    link.flushSoon()
    return taken
  }

  /**
   * @param {Function} where @param {string | import('./engine-types').Bytes} payload @param {number} flags
   * @param {string} key @param {Uint32Array | null} except
   */
  #sendWhere (where, payload, flags, key, except) {
    const link = this.#link
    const leftOut = new Set(except === null ? [] : link.sessions.each(except))
    const ids = []
    for (const session of link.sessions.each(link.engine.sessions(-1))) {
      if (leftOut.has(session) || !where(session)) continue
      const { slot, generation } = laneOf(session)
      ids.push(slot, generation)
    }
    return ids.length === 0 || link.engine.sendMany(Uint32Array.from(ids), payload, flags, key) > 0
  }

  stats () {
    return this.#link.engine.stats()
  }

  /** @param {unknown} [options] */
  close (options) {
    const { drainMs } = closeOptions(options)
    return (this.#closing ??= this.#close(drainMs))
  }

  [Symbol.asyncDispose] () {
    return this.close()
  }

  /** @param {number} drainMs */
  async #close (drainMs) {
    for (const attachment of this.#attachments.values()) attachment.detach()
    this.#attachments.clear()
    if (!this.#started) return
    const link = this.#link
    const { engine } = link
    const startMs = performance.now()
    const stopped = new Promise((resolve) => { this.#onStopped = () => resolve(undefined) })
    link.keep({ closing: true, doors: 0 })
    engine.shutdown(GOING_AWAY, 'server closing', drainMs)
    await stopped
    // Handlers that are still under way have what is left of the time; then every session gets its close.
    await link.deadlines.idle(drainMs - (performance.now() - startMs))
    link.deadlines.expire()
    await new Promise((resolve) => setImmediate(resolve)) // out of the engine's own call
    engine.joinThreads()
    hasStopped(engine)
    link.keep({ closing: false, connections: false })
    link.detach()
    this.#adoptions.clear()
  }

  /** The engine, with the endpoints there are. */
  #start () {
    if (this.#started) return
    const link = this.#link
    const { logger, ...config } = this.#options
    const { Engine } = /** @type {any} */ (require('./native.js'))
    const events = new Events(link, {
      logger,
      adoptions: this.#adoptions,
      onWritable: () => this.#emitDrain(),
      onStopped: () => this.#onStopped()
    })
    const engine = /** @type {import('./engine-types').NativeEngine} */ (new Engine(config, events.drain))
    engine.setCaptureLog(LEVELS.findLastIndex((level) => logger?.[level] !== undefined))
    for (const route of link.routes) engine.addEndpoint(route.config)
    link.engine = engine
    stopAtExit(engine)
    this.#started = true
  }

  #emitDrain () {
    try {
      this.emit('drain')
    } catch (error) {
      this.#link.report(error)
    }
  }

  /** @param {string} call */
  #mustBeOpen (call) {
    if (this.#closing !== undefined) throw fanwireError('ERR_FANWIRE_CLOSED', `${call}: the server is closed`)
  }
}

module.exports = { Server }
