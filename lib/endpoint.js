'use strict'
// Endpoint: what server.ws() returns.

class Endpoint {
  #link
  #route

  /**
   * @param {import('./link.js').Link} link
   * @param {import('./route.js').Route} route
   */
  constructor (link, route) {
    this.#link = link
    this.#route = route
  }

  get pattern () {
    return this.#route.pattern
  }

  /** How many sessions are open on it. */
  get size () {
    return this.#ids().length / 2
  }

  /** Its open sessions, as of now. */
  sessions () {
    return this.#link.sessions.each(this.#ids())
  }

  #ids () {
    return this.#link.engine.sessions(this.#route.index)
  }
}

module.exports = { Endpoint }
