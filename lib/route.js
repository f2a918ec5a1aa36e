'use strict'
// Route: what is behind an endpoint: its path, its handlers, and its policy as the engine takes it.

const { endpointOptions, publishTarget } = require('./options.js')
const { Pattern } = require('./pattern.js')

const OVERFLOW = ['close', 'drop-oldest', 'drop-newest', 'keep-latest']

/**
 * The functions of an endpoint, and the object they were given in: their `this`.
 * @typedef {{ self: unknown, authenticate?: Function, open?: Function, message?: Function, drain?: Function,
 *             error?: Function, close?: Function }} Handlers
 */

class Route {
  /** @type {Handlers} */ handlers
  /** @type {import('./engine-types').EndpointConfig} */ config
  #pattern

  /**
   * @param {number} index  its number in the engine
   * @param {unknown} pattern
   * @param {unknown} given
   */
  constructor (index, pattern, given) {
    this.#pattern = new Pattern(pattern)
    const { limits, publishTo, ...handlers } = endpointOptions(given)
    const { template, exceptSender } = publishTarget(publishTo, this.#pattern.names)
    this.index = index
    this.handlers = { self: given, .../** @type {Record<string, Function | undefined>} */ (handlers) }
    this.config = {
      ...limits,
      overflow: OVERFLOW.indexOf(limits.overflow),
      pattern: this.#pattern.source,
      publishTo: template,
      exceptSender,
      deliver: handlers.message !== undefined,
      open: handlers.open !== undefined,
      close: handlers.close !== undefined,
      authenticate: handlers.authenticate !== undefined,
      observe: handlers.error !== undefined || handlers.drain !== undefined
    }
  }

  get pattern () {
    return this.#pattern.source
  }

  /** Whether JavaScript hears of its sessions at all. */
  get hasHandlers () {
    return Object.values(this.handlers).some((value) => typeof value === 'function')
  }

  /** The parameters of a path that is this endpoint's, else undefined. @param {string} path */
  match (path) {
    return this.#pattern.match(path)
  }
}

module.exports = { Route }
