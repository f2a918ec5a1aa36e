'use strict'
// Events: drains the slabs of the reactors and hands each record to the lane of its session.
// Path: slab -> [events] -> lane -> handler
// A slab is the engine's memory: what is told further is copied out of it first.

const { Verdict } = require('./authenticate.js')
const { ReceivePool } = require('./receive-pool.js')
const { INDEX_MASK } = require('./session-table.js')
const { LEVELS } = require('./options.js')

// The layout and the numbers of native/include/fanwire/event.h.
const OPEN = 1
const MESSAGE = 2
const CLOSE = 3
const DRAIN = 4
const AUTHENTICATE = 5
const ABORT = 6
const LOG = 7
const BUSY = 8
const STOPPED = 9
const ERROR = 10
const WRITABLE = 11
const TEXT = 1
const UNSETTLED = 0x8000
const HEADER_BYTES = 16

// The numbers of native/include/fanwire/close_code.h.
const CAUSES = [
  'peer', 'application', 'protocol-error', 'message-too-big', 'invalid-utf8', 'pong-timeout', 'slow-client',
  'send-timeout', 'shutdown', 'transport-lost', 'handler-failed', 'handler-timeout', 'handshake', 'message-timeout',
  'incomplete-limit'
]

/** @typedef {{ words: Uint32Array, bytes: Buffer & { utf8Slice (from: number, to: number): string } }} View */

class Events {
  /** @type {Map<number, View>} */ #views = new Map()
  #pool = new ReceivePool()
  #link
  #logger
  #adoptions
  #onWritable
  #onStopped

  /**
   * @param {import('./link.js').Link} link
   * @param {{ logger: Record<string, Function> | undefined, adoptions: import('./adoptions.js').Adoptions,
   *           onWritable: () => void, onStopped: () => void }} sinks
   */
  constructor (link, { logger, adoptions, onWritable, onStopped }) {
    this.#link = link
    this.#logger = logger
    this.#adoptions = adoptions
    this.#onWritable = onWritable
    this.#onStopped = onStopped
  }

  /**
   * What the engine calls with each stretch of records.
   * @type {import('./engine-types').EventSink}
   */
  drain = (reactor, slab, from, to, retired) => {
    this.#link.draining = true
    try {
      this.#walk(reactor, this.#view(slab), from, to)
    } finally {
      this.#link.draining = false
      if (retired) this.#views.delete(slab)
    }
  }

  /** @param {number} reactor @param {View} view @param {number} from @param {number} to */
  #walk (reactor, { words, bytes }, from, to) {
    const { sessions, routes } = this.#link
    const lanes = sessions.of(reactor)
    const pool = this.#pool
    for (let at = from; at < to;) {
      const word = at >>> 2
      const slot = words[word]
      const generation = words[word + 1]
      const meta = words[word + 2]
      const size = words[word + 3]
      const start = at + HEADER_BYTES
      at = start + ((size + 7) & ~7)
      try {
        if ((meta & 0xff) === MESSAGE) {
          let lane = lanes[slot & INDEX_MASK]
          if (lane === undefined || lane.generation !== generation) {
            lane = sessions.make(slot, generation, routes[meta >>> 16])
          }
          if (lane.stopped) continue
          const isText = (meta >>> 8 & 0x7f) === TEXT
          const data = isText ? bytes.utf8Slice(start, start + size) : pool.copy(bytes, start, size)
          if (lane.message(data, !isText, size)) words[word + 2] = meta | UNSETTLED
        } else if (this.#control(slot, generation, meta, bytes, start, size)) {
          words[word + 2] = meta | UNSETTLED
        }
      } catch (error) {
        this.#link.report(error)
      }
    }
  }

  /**
   * Every record but a message. Answers whether it has not settled yet.
   * @param {number} slot
   * @param {number} generation
   * @param {number} meta
   * @param {Buffer} bytes
   * @param {number} start
   * @param {number} size
   */
  #control (slot, generation, meta, bytes, start, size) {
    const { sessions, routes } = this.#link
    switch (meta & 0xff) {
      case OPEN: {
        const lane = sessions.find(slot, generation) ?? sessions.make(slot, generation, routes[meta >>> 16])
        this.#claim(lane, bytes, start, size)
        return lane.open()
      }
      case CLOSE: {
        const route = routes[meta >>> 16]
        const known = sessions.find(slot, generation)
        if (known === undefined && route.handlers.close === undefined) return false
        const lane = known ?? sessions.make(slot, generation, route)
        lane.close(closeDetails(bytes, start, size))
        sessions.forget(lane)
        return false
      }
      case DRAIN:
        (sessions.find(slot, generation) ?? sessions.make(slot, generation, routes[meta >>> 16])).drain()
        return false
      case AUTHENTICATE: {
        const lane = sessions.make(slot, generation, routes[meta >>> 16])
        this.#claim(lane, bytes, start, size)
        lane.verdict = new Verdict(lane)
        lane.verdict.start()
        return false
      }
      case ABORT: {
        const lane = sessions.find(slot, generation)
        if (lane === undefined) return false
        sessions.forget(lane)
        lane.verdict?.abort()
        return false
      }
      case ERROR:
        (sessions.find(slot, generation) ?? sessions.make(slot, generation, routes[meta >>> 16]))
          .error(errorOf(bytes.toString('utf8', start, start + size)))
        return false
      case LOG:
        this.#log(slot, bytes.toString('utf8', start, start + size))
        return false
      case BUSY:
        // Asked anew: the reactors' words come in an order of their own.
        this.#link.keep({ connections: this.#link.engine.connections() !== 0 })
        return false
      case WRITABLE:
        this.#onWritable()
        return false
      case STOPPED:
        this.#onStopped()
        return false
      default:
        return false
    }
  }

  /** @param {import('./lane.js').Lane} lane @param {Buffer} bytes @param {number} start @param {number} size */
  #claim (lane, bytes, start, size) {
    if (size >= 4) lane.raw ??= this.#adoptions.claim(bytes.readUInt32LE(start))
  }

  /** @param {number} level @param {string} line */
  #log (level, line) {
    this.#logger?.[LEVELS[level]]?.(line)
  }

  /** @param {number} slab @returns {View} */
  #view (slab) {
    let view = this.#views.get(slab)
    if (view === undefined) {
      const memory = this.#link.engine.slab(slab)
      view = { words: new Uint32Array(memory), bytes: /** @type {View['bytes']} */ (Buffer.from(memory)) }
      this.#views.set(slab, view)
    }
    return view
  }
}

/** @param {Buffer} bytes @param {number} start @param {number} size @returns {import('./lane.js').CloseDetails} */
function closeDetails (bytes, start, size) {
  return {
    code: bytes.readUInt16LE(start),
    reason: bytes.toString('utf8', start + 4, start + size),
    cause: CAUSES[bytes[start + 2]] ?? 'unknown',
    wasClean: bytes[start + 3] !== 0
  }
}

/** @param {string} text  'CODE message' */
function errorOf (text) {
  const space = text.indexOf(' ')
  return Object.assign(new Error(text.slice(space + 1)), { code: space < 0 ? text : text.slice(0, space) })
}

module.exports = { Events }
