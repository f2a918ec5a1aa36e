'use strict'
// Room, User, SessionAddress: what can be addressed by name. Cheap handles: they hold a name, not its members.
// Path: application -> [channel] -> engine.publish -> room members -> fan-out

const { wrongType } = require('./errors.js')
const { CHANNEL_OPTIONS, flagsOf, keyOf, payloadOf, payloadWith } = require('./message.js')
const { closeCode, closeReason, nameOf } = require('./options.js')
const { isSession, laneOf } = require('./session.js')

const ROOM = 0
const USER = 1
const QUEUED = 1

/** @typedef {import('./link.js').Link} Link */
/** @typedef {import('./session.js').Session} Session */

/** What rooms and users have in common: one name, many sessions. */
class Channel {
  #link
  #kind
  #name
  /** @type {Uint32Array | null} */ #except

  /**
   * @param {Link} link
   * @param {number} kind
   * @param {string} name
   * @param {Uint32Array | null} except
   */
  constructor (link, kind, name, except) {
    this.#link = link
    this.#kind = kind
    this.#name = name
    this.#except = except
  }

  get name () {
    return this.#name
  }

  /** Its sessions on this node. */
  get size () {
    return this.#link.engine.channelSize(this.#kind, this.#name)
  }

  /** @param {unknown} data @param {import('./message.js').MessageOptions} [options] */
  send (data, options) {
    const link = this.#link
    let payload
    let flags = 0
    let key = ''
    let except = this.#except
    if (options === undefined) {
      payload = payloadOf(data)
    } else {
      flags = flagsOf(options, CHANNEL_OPTIONS)
      key = keyOf(options)
      payload = payloadWith(data, options)
      except = idsOf(link, options.except, except)
    }
    const status = link.engine.publish(this.#kind, this.#name, payload, flags, key, except)
    link.flushSoon()
    return status === QUEUED
  }

  sessions () {
    return this.#link.sessions.each(this.#link.engine.members(this.#kind, this.#name))
  }

  [Symbol.iterator] () {
    return this.sessions()
  }

  /** @param {Session[]} sessions @returns {this} */
  except (...sessions) {
    const Same = /** @type {new (...args: any[]) => this} */ (this.constructor)
    return new Same(this.#link, this.#name, idsOf(this.#link, sessions, this.#except))
  }
}

class Room extends Channel {
  /** @param {Link} link @param {string} name @param {Uint32Array | null} [except] */
  constructor (link, name, except = null) {
    super(link, ROOM, name, except)
  }
}

class User extends Channel {
  /** @param {Link} link @param {string} name @param {Uint32Array | null} [except] */
  constructor (link, name, except = null) {
    super(link, USER, name, except)
  }

  /**
   * Closes all of the user's sessions. Answers whether there was one.
   * @param {number} [code] @param {string} [reason]
   */
  close (code, reason) {
    closeCode(code)
    closeReason(reason)
    let closed = false
    for (const session of this.sessions()) closed = session.close(code, reason) || closed
    return closed
  }
}

/** A session by its id, here or gone. */
class SessionAddress {
  #link
  #id

  /** @param {Link} link @param {string} id */
  constructor (link, id) {
    this.#link = link
    this.#id = id
  }

  get id () {
    return this.#id
  }

  /** The session itself, if it is open on this node. */
  get session () {
    return this.#link.sessions.byId(this.#id)?.session
  }

  /** @param {unknown} data @param {import('./message.js').MessageOptions} [options] */
  send (data, options) {
    const { session } = this
    if (session !== undefined) return session.send(data, options)
    payloadOf(data) // a wrong argument throws, gone or not
    return false
  }

  /** @param {string} room */
  join (room) {
    return this.session?.join(room) ?? (nameOf('join(): room', room), false)
  }

  /** @param {string} room */
  leave (room) {
    return this.session?.leave(room) ?? (nameOf('leave(): room', room), false)
  }

  /** @param {number} [code] @param {string} [reason] */
  close (code, reason) {
    closeCode(code)
    closeReason(reason)
    return this.session?.close(code, reason) ?? false
  }

  terminate () {
    return this.session?.terminate() ?? false
  }
}

/**
 * The sessions to leave out, as the engine takes them: two numbers each.
 * @param {Link} link
 * @param {unknown} except  a session, or several
 * @param {Uint32Array | null} [more]  ids to leave out as well
 */
function idsOf (link, except, more = null) {
  if (except === undefined) return more
  const list = isSession(except) ? [except] : except
  if (!isIterable(list)) throw wrongType('except', 'a session or several', except)
  const ids = more === null ? [] : [...more]
  for (const one of list) {
    if (!isSession(one)) throw wrongType('except', 'a session or several', one)
    const lane = laneOf(one)
    if (lane.link === link) ids.push(lane.slot, lane.generation) // another server's session is not among ours
  }
  return ids.length === 0 ? null : Uint32Array.from(ids)
}

/** @param {unknown} value @returns {value is Iterable<unknown>} */
function isIterable (value) {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

module.exports = { Room, User, SessionAddress, idsOf }
