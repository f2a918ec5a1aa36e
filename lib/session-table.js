'use strict'
// SessionTable: finds the lane of a session by what the engine calls it, and by its public id.
// A slot is used again, a generation is not: both must match.

const { randomUUID } = require('node:crypto')
const { Lane } = require('./lane.js')
const { pathOf } = require('./pattern.js')

const SLOT_BITS = 24
const INDEX_MASK = 0xffffff

class SessionTable {
  /** By reactor, then by slot. @type {(Lane | undefined)[][]} */ #lanes = []
  /** @type {Map<string, Lane>} */ #byId = new Map()
  #link

  /** @param {import('./link.js').Link} link */
  constructor (link) {
    this.#link = link
  }

  /** The lanes of one reactor, for the drain loop. @param {number} reactor */
  of (reactor) {
    while (this.#lanes.length <= reactor) this.#lanes.push([])
    return this.#lanes[reactor]
  }

  /** @param {number} slot @param {number} generation */
  find (slot, generation) {
    const lane = this.of(slot >>> SLOT_BITS)[slot & INDEX_MASK]
    return lane !== undefined && lane.generation === generation ? lane : undefined
  }

  /** @param {number} slot @param {number} generation @param {import('./route.js').Route} route */
  make (slot, generation, route) {
    const lanes = this.of(slot >>> SLOT_BITS)
    const index = slot & INDEX_MASK
    const before = lanes[index]
    if (before !== undefined) this.forget(before)
    return (lanes[index] = new Lane(this.#link, route, slot, generation))
  }

  /** The lane of a session that the engine named; undefined if it is gone by now. @param {number} slot @param {number} generation */
  lookup (slot, generation) {
    const known = this.find(slot, generation)
    if (known !== undefined) return known
    const info = this.#link.engine.info(slot, generation)
    if (info === undefined) return undefined
    const route = this.#link.routes[info.endpoint ?? -1] ?? this.#routeOf(info.head)
    if (route === undefined) return undefined
    const lane = this.make(slot, generation, route)
    lane.info = info
    return lane
  }

  /** Every session of a list as the engine gives it. @param {Uint32Array} ids */
  * each (ids) {
    for (let i = 0; i < ids.length; i += 2) {
      const lane = this.lookup(ids[i], ids[i + 1])
      if (lane !== undefined && !lane.closed) yield lane.session
    }
  }

  /** @param {Lane} lane */
  idOf (lane) {
    if (lane.id === undefined) {
      lane.id = randomUUID()
      if (!lane.closed) this.#byId.set(lane.id, lane)
    }
    return lane.id
  }

  /** @param {string} id */
  byId (id) {
    return this.#byId.get(id)
  }

  /** The session is over, or its slot belongs to another one. @param {Lane} lane */
  forget (lane) {
    lane.closed = true
    if (lane.id !== undefined) this.#byId.delete(lane.id)
    const lanes = this.of(lane.slot >>> SLOT_BITS)
    const index = lane.slot & INDEX_MASK
    if (lanes[index] === lane) lanes[index] = undefined
  }

  /** @param {string} head */
  #routeOf (head) {
    const path = pathOf(head.split(' ', 2)[1] ?? '')
    return this.#link.routes.find((route) => route.match(path) !== undefined)
  }
}

module.exports = { SessionTable, INDEX_MASK }
