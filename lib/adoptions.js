'use strict'
// Adoptions: Node's request of each socket that was handed to the engine, until its session claims it.
// The engine names an adoption by a token; a handshake that it refuses is never heard of again, so tokens age.

class Adoptions {
  /** Oldest first. @type {Map<number, { request: import('node:http').IncomingMessage, untilMs: number }>} */
  #pending = new Map()
  #lifetimeMs

  /** @param {number} lifetimeMs  longer than any handshake takes */
  constructor (lifetimeMs) {
    this.#lifetimeMs = lifetimeMs
  }

  get size () {
    return this.#pending.size
  }

  /** @param {number} token @param {import('node:http').IncomingMessage} request */
  add (token, request) {
    const now = performance.now()
    for (const [old, { untilMs }] of this.#pending) {
      if (untilMs > now) break
      this.#pending.delete(old)
    }
    this.#pending.set(token, { request, untilMs: now + this.#lifetimeMs })
  }

  /** @param {number} token  0: it came through a door of the engine */
  claim (token) {
    const request = this.#pending.get(token)?.request
    if (request !== undefined) this.#pending.delete(token)
    return request
  }

  clear () {
    this.#pending.clear()
  }
}

module.exports = { Adoptions }
