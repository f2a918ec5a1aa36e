'use strict'
// Deadlines: handlers that have not settled, oldest first, under one timer. All have the same time.

/** @typedef {{ deadlineMs: number, timeOut: () => void }} Waiting */

class Deadlines {
  /** @type {Set<Waiting>} */ #waiting = new Set()
  /** @type {NodeJS.Timeout | undefined} */ #timer
  #timeoutMs
  #onIdle = () => {}

  /** @param {number} timeoutMs */
  constructor (timeoutMs) {
    this.#timeoutMs = timeoutMs
  }

  get timeoutMs () {
    return this.#timeoutMs
  }

  get size () {
    return this.#waiting.size
  }

  /** @param {Waiting} one */
  add (one) {
    one.deadlineMs = performance.now() + this.#timeoutMs
    this.#waiting.add(one)
    if (this.#timer === undefined) this.#timer = this.#arm(this.#timeoutMs)
  }

  /** @param {Waiting} one */
  delete (one) {
    this.#waiting.delete(one)
    if (this.#waiting.size === 0) this.#onIdle()
  }

  /** Resolves when nobody waits any more, or after `ms`. @param {number} ms */
  async idle (ms) {
    const untilMs = performance.now() + ms
    for (let leftMs = ms; this.#waiting.size > 0 && leftMs > 0; leftMs = untilMs - performance.now()) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#onIdle = () => {
          clearTimeout(timer)
          resolve(undefined)
        }
      })
    }
  }

  /** The time of all of them is up now. */
  expire () {
    for (const one of [...this.#waiting]) {
      this.#waiting.delete(one)
      one.timeOut()
    }
  }

  /** @param {number} ms */
  #arm (ms) {
    return setTimeout(this.#ring, ms).unref()
  }

  // A loop that was blocked gets one turn first: what settled meanwhile shall say so.
  #ring = () => setImmediate(this.#check)

  #check = () => {
    this.#timer = undefined
    const now = performance.now()
    for (const one of this.#waiting) {
      if (one.deadlineMs > now) {
        this.#timer = this.#arm(one.deadlineMs - now)
        return
      }
      this.#waiting.delete(one)
      one.timeOut()
    }
    this.#onIdle()
  }
}

module.exports = { Deadlines }
