'use strict'
// Lane: one session's events go to its handlers one after another; a promise is awaited before the next one.
// Path: slab -> events -> [lane] -> handler

const { fanwireError } = require('./errors.js')
const { Session } = require('./session.js')
const { parseHead } = require('./request.js')

const OPEN = 1
const MESSAGE = 2
const CLOSE = 3
const ERROR = 4

const CAUSE_HANDLER_FAILED = 'handler-failed'
const CAUSE_HANDLER_TIMEOUT = 'handler-timeout'

/** What engine.settle() takes for an `open`; an event that holds no credit has none. */
const OPEN_CREDIT = 0xffffffff
const NO_CREDIT = -1

/** @typedef {{ code: number, reason: string, cause: string, wasClean: boolean }} CloseDetails */

/**
 * A value with a `then`, which is awaited.
 * @param {any} value
 * @returns {value is PromiseLike<unknown>}
 */
const isThenable = (value) => value !== undefined && value !== null && typeof value.then === 'function'

class Lane {
  /** Set once a close was asked for from here: no more messages. */
  stopped = false
  /** The session is over; what it still waits for is only its own handlers. */
  closed = false
  /** Why we closed it, if it was for a handler. @type {string | undefined} */ cause
  /** @type {string | undefined} */ id
  /** @type {string | null} */ user = null
  /** @type {unknown} */ data
  /** @type {import('./engine-types').SessionInfo | undefined} */ info
  /** Node's request, for a session that came through attach(). @type {import('node:http').IncomingMessage | undefined} */ raw
  /** The verdict that is awaited. @type {import('./authenticate.js').Verdict | undefined} */ verdict
  deadlineMs = 0

  #cut = false
  #running = false
  #turn = 0
  #credit = NO_CREDIT
  /** Events behind the one that runs: kind, two arguments, credit. @type {[number, any, any, number][]} */ #waiting = []
  /** @type {import('./request.js').Request | undefined} */ #request

  /**
   * @param {import('./link.js').Link} link
   * @param {import('./route.js').Route} route
   * @param {number} slot
   * @param {number} generation
   */
  constructor (link, route, slot, generation) {
    this.link = link
    this.route = route
    this.slot = slot
    this.generation = generation
    this.session = new Session(this)
  }

  // ---- Events, in the order of the engine. Each answers whether it has not settled yet. ----

  open () {
    return this.route.handlers.open !== undefined && this.#take(OPEN, undefined, undefined, OPEN_CREDIT)
  }

  /** @param {string | Buffer} data @param {boolean} isBinary @param {number} size */
  message (data, isBinary, size) {
    if (this.#running) {
      this.#waiting.push([MESSAGE, data, isBinary, size])
      return true
    }
    return this.#start(MESSAGE, data, isBinary, size)
  }

  /** @param {Error} error */
  error (error) {
    if (this.route.handlers.error !== undefined) this.#take(ERROR, error, undefined, NO_CREDIT)
  }

  /** @param {CloseDetails} details */
  close (details) {
    if (this.info === undefined) this.load()
    if (this.cause !== undefined) details.cause = this.cause
    this.closed = true
    if (this.route.handlers.close !== undefined) this.#take(CLOSE, details, undefined, NO_CREDIT)
  }

  /** Does not wait for its turn: a handler under way may be waiting for just this. */
  drain () {
    const { handlers } = this.route
    if (this.closed || handlers.drain === undefined) return
    try {
      const result = handlers.drain.call(handlers.self, this.session)
      if (isThenable(result)) Promise.resolve(result).then(undefined, this.#fail)
    } catch (error) {
      this.#fail(error)
    }
  }

  // ---- What the session asks for ----

  /** @param {number} code @param {string} reason */
  askClose (code, reason) {
    if (this.closed) return false
    this.stopped = true
    return this.link.engine.close(this.slot, this.generation, code, reason)
  }

  terminate () {
    if (this.closed || this.#cut) return false
    this.stopped = this.#cut = true
    return this.link.engine.terminate(this.slot, this.generation)
  }

  /** Fetches what the engine knows of the handshake; it answers until the close was drained. */
  load () {
    this.info ??= this.link.engine.info(this.slot, this.generation)
    return this.info
  }

  get request () {
    return (this.#request ??= parseHead(this.load(), this.raw))
  }

  // ---- Turns ----

  /** @param {number} kind @param {any} first @param {any} second @param {number} credit */
  #take (kind, first, second, credit) {
    if (!this.#running) return this.#start(kind, first, second, credit)
    this.#waiting.push([kind, first, second, credit])
    return true
  }

  /** @param {number} kind @param {any} first @param {any} second @param {number} credit */
  #start (kind, first, second, credit) {
    const { handlers } = this.route
    let result
    try {
      if (kind === MESSAGE) result = handlers.message?.call(handlers.self, this.session, first, second)
      else if (kind === OPEN) result = handlers.open?.call(handlers.self, this.session)
      else if (kind === CLOSE) result = handlers.close?.call(handlers.self, this.session, first)
      else result = handlers.error?.call(handlers.self, this.session, first)
      if (!isThenable(result)) return false
    } catch (error) {
      this.#fail(error)
      return false
    }
    this.#await(result, credit)
    return true
  }

  /** @param {PromiseLike<unknown>} result @param {number} credit */
  #await (result, credit) {
    const turn = ++this.#turn
    this.#running = true
    this.#credit = credit
    this.link.deadlines.add(this)
    Promise.resolve(result).then(
      () => { if (turn === this.#turn) this.#settled() },
      (error) => {
        this.#fail(error)
        if (turn === this.#turn) this.#settled()
      }
    )
  }

  #settled () {
    this.link.deadlines.delete(this)
    this.#release()
  }

  /** The handler under way has had its time. */
  timeOut () {
    this.#turn++ // what it still settles to concerns nobody
    const { timeoutMs } = this.link.deadlines
    this.#fail(fanwireError('ERR_FANWIRE_HANDLER_TIMEOUT', `A handler has not settled after ${timeoutMs} ms`), CAUSE_HANDLER_TIMEOUT)
    this.#release()
  }

  #release () {
    this.#running = false
    this.#settle(this.#credit)
    while (!this.#running && this.#waiting.length > 0) {
      const [kind, first, second, credit] = /** @type {[number, any, any, number]} */ (this.#waiting.shift())
      const skipped = this.stopped && kind === MESSAGE
      if (skipped || !this.#start(kind, first, second, credit)) this.#settle(credit)
    }
  }

  /** @param {number} credit */
  #settle (credit) {
    if (credit === NO_CREDIT || this.closed) return
    this.link.engine.settle(this.slot, this.generation, credit)
    this.link.flushSoon()
  }

  /** @param {unknown} error */
  #fail = (error, cause = CAUSE_HANDLER_FAILED) => {
    if (!this.closed) {
      this.cause ??= cause
      this.askClose(1011, '')
    }
    this.link.report(error, this.session)
  }
}

module.exports = { Lane, isThenable }
