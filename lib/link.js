'use strict'
// Link: what the parts of one server share: the engine, its sessions, and the end of the turn.

const { Deadlines } = require('./deadlines.js')
const { SessionTable } = require('./session-table.js')
const { Warnings } = require('./warnings.js')

/** @typedef {import('./engine-types').NativeEngine} NativeEngine */

const settled = Promise.resolve()

/** Stands for the engine before the first door and after close(). */
const noEngine = /** @type {NativeEngine} */ (/** @type {unknown} */ ({
  unlisten: () => {},
  adopt: () => 0,
  send: () => 0,
  publish: () => 1,
  broadcast: () => 1,
  sendMany: () => 0,
  join: () => 0,
  leave: () => false,
  rooms: () => [],
  channelSize: () => 0,
  members: () => new Uint32Array(0),
  identify: () => false,
  accept: () => false,
  refuse: () => false,
  close: () => false,
  terminate: () => false,
  state: () => 3,
  bufferedBytes: () => 0,
  info: () => undefined,
  settle: () => {},
  sessions: () => new Uint32Array(0),
  flush: () => {},
  connections: () => 0,
  stats: () => ({}),
  ref: () => {},
  unref: () => {}
}))

class Link {
  /** @type {NativeEngine} */ engine = noEngine
  /** In the engine's order. @type {import('./route.js').Route[]} */ routes = []
  /** True while events are drained: the engine flushes by itself afterwards. */
  draining = false
  sessions = new SessionTable(this)
  #flushing = false
  #warnings = new Warnings()
  #emitter
  #keepers = { doors: 0, connections: false, closing: false }

  /**
   * @param {import('node:events').EventEmitter} emitter  the server
   * @param {number} handlerTimeoutMs
   */
  constructor (emitter, handlerTimeoutMs) {
    this.#emitter = emitter
    this.deadlines = new Deadlines(handlerTimeoutMs)
  }

  /** Wakes the reactors once per turn, however much was sent in it. */
  flushSoon () {
    if (this.draining || this.#flushing) return
    this.#flushing = true
    settled.then(this.#flush)
  }

  #flush = () => {
    this.#flushing = false
    this.engine.flush()
  }

  /**
   * Tells the application of an error that has no caller: 'error' on the server, or a warning.
   * @param {unknown} error
   * @param {unknown} [session]
   */
  report (error, session) {
    if (this.#emitter.listenerCount('error') === 0) return this.#warnings.warn(error)
    try {
      this.#emitter.emit('error', error, session)
    } catch (thrown) {
      this.#warnings.warn(thrown)
    }
  }

  /**
   * What keeps the process alive: doors that listen, connections, a close() under way.
   * @param {Partial<{ doors: number, connections: boolean, closing: boolean }>} change
   */
  keep (change) {
    const { doors, connections, closing } = Object.assign(this.#keepers, change)
    if (doors > 0 || connections || closing) this.engine.ref()
    else this.engine.unref()
  }

  get doors () {
    return this.#keepers.doors
  }

  /** After close(): every later call finds nobody. */
  detach () {
    this.engine = noEngine
  }
}

module.exports = { Link }
