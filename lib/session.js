'use strict'
// Session: one client, as handlers see it. Late calls answer false or nothing; wrong arguments throw.

const { fanwireError } = require('./errors.js')
const { SESSION_OPTIONS, flagsOf, keyOf, payloadOf, payloadWith } = require('./message.js')
const { closeCode, closeReason, nameOf } = require('./options.js')
const { pathOf } = require('./pattern.js')

const QUEUED = 1
const JOIN_GONE = 0
const JOIN_TOO_MANY = 3

/** @typedef {import('./lane.js').Lane} Lane */

/** What is behind a session. @type {(session: Session) => Lane} */
let laneOf

/** Whether a value is a session. @type {(value: unknown) => value is Session} */
let isSession

class Session {
  #lane
  /** @type {Record<string, string> | undefined} */ #params

  /** @param {Lane} lane */
  constructor (lane) {
    this.#lane = lane
  }

  get id () {
    return this.#lane.link.sessions.idOf(this.#lane)
  }

  get user () {
    return this.#lane.user
  }

  get data () {
    return (this.#lane.data ??= {})
  }

  set data (value) {
    this.#lane.data = value
  }

  get params () {
    return (this.#params ??= this.#lane.route.match(pathOf(this.#lane.request.url)) ?? Object.create(null))
  }

  get request () {
    return this.#lane.request
  }

  get subprotocol () {
    return ''
  }

  get rooms () {
    const { link, slot, generation, closed } = this.#lane
    return closed ? [] : link.engine.rooms(slot, generation)
  }

  get bufferedBytes () {
    const { link, slot, generation, closed } = this.#lane
    return closed ? 0 : link.engine.bufferedBytes(slot, generation)
  }

  get readyState () {
    const { link, slot, generation, closed } = this.#lane
    return closed ? 3 : link.engine.state(slot, generation)
  }

  /** @param {unknown} data @param {import('./message.js').MessageOptions} [options] */
  send (data, options) {
    const lane = this.#lane
    const { link } = lane
    let payload = data
    let flags = 0
    let key = ''
    if (options !== undefined) {
      flags = flagsOf(options, SESSION_OPTIONS)
      key = keyOf(options)
      payload = payloadWith(data, options)
    } else if (typeof data !== 'string') {
      payload = payloadOf(data)
    }
    if (lane.closed) return false
    const status = link.engine.send(lane.slot, lane.generation, /** @type {string} */ (payload), flags, key)
    link.flushSoon()
    return status === QUEUED
  }

  /** @param {string} room */
  join (room) {
    const { link, slot, generation, closed, stopped } = this.#lane
    nameOf('join(): room', room)
    if (closed || stopped) return false
    const result = link.engine.join(slot, generation, room)
    link.flushSoon()
    if (result === JOIN_TOO_MANY) {
      throw fanwireError('ERR_FANWIRE_TOO_MANY_ROOMS', 'join(): the session is in as many rooms as maxRoomsPerSession allows')
    }
    return result !== JOIN_GONE
  }

  /** @param {string} room */
  leave (room) {
    const { link, slot, generation, closed } = this.#lane
    nameOf('leave(): room', room)
    if (closed) return false
    const left = link.engine.leave(slot, generation, room)
    link.flushSoon()
    return left
  }

  /** @param {string | null} user */
  identify (user) {
    const lane = this.#lane
    if (user !== null) nameOf('identify(): user', user)
    if (lane.closed || lane.stopped || !lane.link.engine.identify(lane.slot, lane.generation, user)) return false
    lane.user = user
    lane.link.flushSoon()
    return true
  }

  /** @param {number} [code] @param {string} [reason] */
  close (code, reason) {
    return this.#lane.askClose(closeCode(code), closeReason(reason))
  }

  terminate () {
    return this.#lane.terminate()
  }

  static {
    laneOf = (session) => session.#lane
    isSession = (value) => typeof value === 'object' && value !== null && #lane in value
  }
}

// @ts-ignore: the class body has set laneOf and isSession
module.exports = { Session, laneOf, isSession }
