'use strict'
// pattern: the paths of endpoints, by the rules of the engine's own router.
//
//   /chat/:room   a parameter is one segment that is not empty; it arrives percent-decoded
//   /files/*      any one segment that is not empty
//   /live/**      the rest of the path, also none; last only
// Segments are compared percent-decoded; one that decodes to a slash or a NUL, or does not decode, matches
// nothing. A trailing slash counts. Of endpoints that match, the first one takes it.

const { fanwireError, wrongType } = require('./errors.js')

const PARAM = /^:[A-Za-z0-9_]+$/
const LITERAL = /^[^\0-\x20\x7f]*$/
const SPECIAL = /[?#*:]/
const MAX_PATTERN_BYTES = 512

class Pattern {
  /** @type {string[]} */ #segments
  /** By segment: what it stands for itself, decoded; undefined for the others. @type {(string | undefined)[]} */ #literals = []
  /** @type {readonly string[]} */ names

  /** @param {unknown} source */
  constructor (source) {
    if (typeof source !== 'string') throw wrongType('ws(): pattern', 'a string', source)
    const bad = (/** @type {string} */ why) => fanwireError('ERR_FANWIRE_PATTERN', `ws(): pattern ${JSON.stringify(source)} ${why}`)
    if (!source.startsWith('/')) throw bad('must begin with "/"')
    if (source.length > MAX_PATTERN_BYTES) throw bad(`must not be longer than ${MAX_PATTERN_BYTES} bytes`)
    this.source = source
    this.#segments = source.slice(1).split('/')
    /** @type {string[]} */
    const names = []
    for (const [i, segment] of this.#segments.entries()) {
      if (segment === '**') {
        if (i !== this.#segments.length - 1) throw bad('has "**" before its end')
      } else if (segment.startsWith(':')) {
        if (!PARAM.test(segment)) throw bad(`has a malformed parameter ${JSON.stringify(segment)}`)
        if (names.includes(segment.slice(1))) throw bad(`has the parameter ${JSON.stringify(segment)} twice`)
        names.push(segment.slice(1))
      } else if (segment !== '*') {
        const literal = LITERAL.test(segment) && !SPECIAL.test(segment) ? decode(segment) : undefined
        if (literal === undefined) throw bad(`has a malformed segment ${JSON.stringify(segment)}`)
        this.#literals[i] = literal
      }
    }
    this.names = names
  }

  /**
   * The parameters of a path that matches, else undefined. The object has no prototype.
   * @param {string} path
   * @returns {Record<string, string> | undefined}
   */
  match (path) {
    if (!path.startsWith('/')) return undefined
    const parts = path.slice(1).split('/')
    const segments = this.#segments
    const params = Object.create(null)
    for (const [i, segment] of segments.entries()) {
      if (segment === '**') return params
      if (i >= parts.length) return undefined
      const value = decode(parts[i])
      const literal = this.#literals[i]
      if (literal !== undefined) {
        if (value !== literal) return undefined
        continue
      }
      if (value === undefined || value === '') return undefined
      if (segment !== '*') params[segment.slice(1)] = value
    }
    return parts.length === segments.length ? params : undefined
  }
}

/**
 * A segment without its percent-encoding; undefined if that is broken, or hides a slash or a NUL.
 * @param {string} part
 * @returns {string | undefined}
 */
function decode (part) {
  if (!part.includes('%')) return part
  try {
    const decoded = decodeURIComponent(part)
    return /[\0/]/.test(decoded) ? undefined : decoded
  } catch {
    return undefined
  }
}

/**
 * The path of a request target: without the query, and of "http://host/path" only "/path".
 * @param {string} target
 */
function pathOf (target) {
  let from = 0
  if (!target.startsWith('/')) {
    const scheme = target.indexOf('://')
    if (scheme < 0) return ''
    from = target.indexOf('/', scheme + 3)
    if (from < 0) return '/'
  }
  const end = target.indexOf('?', from)
  return end < 0 ? target.slice(from) : target.slice(from, end)
}

module.exports = { Pattern, pathOf }
