'use strict'
// Verdict: runs an endpoint's `authenticate` for one handshake and gives the engine its answer, once.
// Path: slab -> events -> [authenticate] -> engine.accept or engine.refuse, before the 101

const { fanwireError, headerLinesOf, Reject, wrongType } = require('./errors.js')
const { isThenable } = require('./lane.js')
const { nameOf } = require('./options.js')

/** What authenticate gets beside the request; the signal is made when it is asked for. */
class Context {
  /** @type {AbortController | undefined} */ #controller

  get signal () {
    return (this.#controller ??= new AbortController()).signal
  }

  /** @param {unknown} reason */
  abort (reason) {
    this.#controller?.abort(reason)
  }
}

class Verdict {
  deadlineMs = 0
  #context = new Context()
  #done = false
  #lane

  /** @param {import('./lane.js').Lane} lane */
  constructor (lane) {
    this.#lane = lane
  }

  start () {
    const { request, route: { handlers }, link } = this.#lane
    try {
      const result = handlers.authenticate?.call(handlers.self, request, this.#context)
      if (!isThenable(result)) return this.#accept(result)
      link.deadlines.add(this)
      Promise.resolve(result).then((value) => this.#settle(value), (error) => this.#refuse(error))
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** The client has left, or the server closes. */
  abort () {
    if (!this.#finish()) return
    this.#context.abort(new DOMException('The client has left', 'AbortError'))
  }

  timeOut () {
    const { timeoutMs } = this.#lane.link.deadlines
    const error = fanwireError('ERR_FANWIRE_HANDLER_TIMEOUT', `authenticate has not settled after ${timeoutMs} ms`)
    this.#refuse(error, 503)
    this.#context.abort(error)
  }

  /** @param {unknown} value */
  #settle (value) {
    try {
      this.#accept(value)
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** @param {unknown} value */
  #accept (value) {
    const { user, data } = identityOf(value)
    if (!this.#finish()) return
    const lane = this.#lane
    lane.user = user
    lane.data = data
    lane.link.engine.accept(lane.slot, lane.generation, '', user)
  }

  /** @param {unknown} error @param {number} [status]  for what is not a Reject */
  #refuse (error, status = 500) {
    if (!this.#finish()) return
    const { link, slot, generation } = this.#lane
    link.sessions.forget(this.#lane)
    if (error instanceof Reject) {
      link.engine.refuse(slot, generation, error.status, headerLinesOf(error), error.message)
      return
    }
    link.engine.refuse(slot, generation, status, '', status === 503 ? 'Service Unavailable' : 'Internal Server Error')
    link.report(error)
  }

  /** Answers whether this is the first end of it. */
  #finish () {
    if (this.#done) return false
    this.#done = true
    this.#lane.verdict = undefined
    this.#lane.link.deadlines.delete(this)
    return true
  }
}

/** @param {unknown} value @returns {{ user: string | null, data: unknown }} */
function identityOf (value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fanwireError('ERR_FANWIRE_AUTHENTICATE_RESULT', 'authenticate must answer an object { user, data } or throw a Reject')
  }
  const { user = null, data } = /** @type {{ user?: unknown, data?: unknown }} */ (value)
  if (user !== null && typeof user !== 'string') throw wrongType('authenticate: user', 'a string', user)
  return { user: user === null ? null : nameOf('authenticate: user', user), data }
}

module.exports = { Verdict }
