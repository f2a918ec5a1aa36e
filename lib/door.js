'use strict'
// Door: what listen() answers: where the engine listens.

class Door {
  #link
  #id
  #isOpen = true

  /**
   * @param {import('./link.js').Link} link
   * @param {import('./engine-types').ListenAddress} at
   */
  constructor (link, { id, address, family, port, path }) {
    this.#link = link
    this.#id = id
    this.address = address
    this.family = family
    this.port = port
    this.path = path
    link.keep({ doors: link.doors + 1 })
  }

  /** Takes no more connections; those that are here stay. */
  close () {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#link.engine.unlisten(this.#id)
    this.#link.keep({ doors: Math.max(0, this.#link.doors - 1) })
  }
}

module.exports = { Door }
