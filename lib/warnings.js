'use strict'
// Warnings: errors that nobody listens for, as process warnings, at most one a second.

const INTERVAL_MS = 1000

class Warnings {
  #nextAtMs = 0
  #suppressed = 0

  /** @param {unknown} error */
  warn (error) {
    const now = performance.now()
    if (now < this.#nextAtMs) {
      this.#suppressed++
      return
    }
    const more = this.#suppressed > 0 ? ` (and ${this.#suppressed} more since the last warning)` : ''
    this.#nextAtMs = now + INTERVAL_MS
    this.#suppressed = 0
    process.emitWarning(`Unhandled error${more}: ${describe(error)}`, {
      type: 'FanwireWarning',
      detail: "server.on('error', (error, session) => {}) receives these errors."
    })
  }
}

/** @param {unknown} error */
function describe (error) {
  try {
    return error instanceof Error ? error.stack ?? error.message : String(error)
  } catch {
    return 'an error that can not be shown'
  }
}

module.exports = { Warnings }
