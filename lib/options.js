'use strict'
// options: what every option may be, its range and its default. Nothing starts before its options went through here.

const os = require('node:os')
const { fanwireError, wrongType } = require('./errors.js')

/**
 * A rule takes the name of an option and what was given, and answers the value that holds.
 * @template T
 * @typedef {(what: string, value: unknown) => T} Rule
 */

/** @type {(min: number, max: number, fallback: number) => Rule<number>} */
const integer = (min, max, fallback) => (what, value) => {
  if (value === undefined) return fallback
  if (typeof value !== 'number') throw wrongType(what, 'a number', value)
  if (!Number.isInteger(value) || value < min || value > max) throw outOfRange(what, `a whole number from ${min} to ${max}`, value)
  return value
}

/** @type {(fallback: string, ...choices: string[]) => Rule<string>} */
const oneOf = (fallback, ...choices) => (what, value) => {
  if (value === undefined) return fallback
  if (typeof value !== 'string') throw wrongType(what, 'a string', value)
  if (!choices.includes(value)) throw outOfRange(what, `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, JSON.stringify(value))
  return value
}

/** @type {Rule<boolean>} */
const boolean = (what, value) => {
  if (value !== undefined && typeof value !== 'boolean') throw wrongType(what, 'a boolean', value)
  return value === true
}

/** @type {Rule<string>} */
const string = (what, value) => {
  if (value !== undefined && typeof value !== 'string') throw wrongType(what, 'a string', value)
  return value ?? ''
}

/** @type {Rule<Function | undefined>} */
const handler = (what, value) => {
  if (value !== undefined && typeof value !== 'function') throw wrongType(what, 'a function', value)
  return /** @type {Function | undefined} */ (value)
}

/** @type {Rule<any>} */
const asIs = (what, value) => value

/** @type {Rule<number>} */
const threads = (what, value) => {
  if (value === undefined || value === 'auto') return Math.min(Math.max(1, os.availableParallelism() - 1), 64)
  if (typeof value !== 'number') throw wrongType(what, "a number or 'auto'", value)
  return integer(1, 64, 1)(what, value)
}

const LEVELS = /** @type {const} */ (['error', 'warn', 'info', 'debug'])

/** @type {Rule<Record<string, Function> | undefined>} */
const logger = (what, value) => {
  if (value === undefined) return undefined
  const isLogger = typeof value === 'object' && value !== null &&
    LEVELS.every((level) => ['function', 'undefined'].includes(typeof Reflect.get(value, level))) &&
    LEVELS.some((level) => level in value)
  if (!isLogger) throw wrongType(what, 'an object with methods error, warn, info, debug', value)
  return /** @type {Record<string, Function>} */ (value)
}

const KiB = 1024
const MiB = 1024 * KiB
const SECOND = 1000
const HOUR = 3600 * SECOND

const serverRules = {
  threads,
  logger,
  handshakeTimeoutMs: integer(1, HOUR, 10 * SECOND),
  handlerTimeoutMs: integer(1, 24 * HOUR, 30 * SECOND),
  messageTimeoutMs: integer(1, 24 * HOUR, 30 * SECOND),
  maxHeaderBytes: integer(256, MiB, 16 * KiB),
  maxConnections: integer(1, 0xffffff, 0),
  maxIncompleteBytes: integer(64 * KiB, 0xffffffff, 256 * MiB),
  maxRoomsPerSession: integer(1, 0xffff, 1024)
}

const limitRules = {
  maxMessageBytes: integer(1, 256 * MiB, MiB),
  highWaterMarkBytes: integer(1, 512 * MiB, 0),
  maxBufferedBytes: integer(2, 512 * MiB, 0),
  sendTimeoutMs: integer(1, 24 * HOUR, 10 * SECOND),
  pingIntervalMs: integer(0, 24 * HOUR, 25 * SECOND),
  pongTimeoutMs: integer(1, 24 * HOUR, 20 * SECOND),
  closeTimeoutMs: integer(1, HOUR, 5 * SECOND),
  overflow: oneOf('close', 'close', 'drop-oldest', 'drop-newest', 'keep-latest')
}

const endpointRules = {
  authenticate: handler,
  open: handler,
  message: handler,
  drain: handler,
  error: handler,
  close: handler,
  publishTo: asIs, // read by publishTarget()
  limits: asIs // read by limitsOf()
}

const listenRules = {
  port: integer(0, 65535, 0),
  host: string,
  path: string,
  backlog: integer(1, 65535, 511)
}

const closeRules = { drainMs: integer(0, HOUR, 5 * SECOND) }

/**
 * Reads an object of options: every name must be known, every value must hold.
 * @template {Record<string, Rule<any>>} R
 * @param {string} what  whose options, for messages
 * @param {unknown} given
 * @param {R} rules
 * @returns {{ [K in keyof R]: ReturnType<R[K]> }}
 */
function read (what, given, rules) {
  const options = toObject(what, given)
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(rules, name)) {
      throw fanwireError('ERR_FANWIRE_UNKNOWN_OPTION', `${what}: there is no option ${JSON.stringify(name)}`)
    }
  }
  const out = Object.create(null)
  for (const name of Object.keys(rules)) out[name] = rules[name](`${what}: ${name}`, options[name])
  return out
}

/** @param {string} what @param {unknown} given @returns {Record<string, unknown>} */
function toObject (what, given) {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrongType(`${what}: options`, 'an object', given)
  return /** @type {Record<string, unknown>} */ (given)
}

/** @param {unknown} given */
const serverOptions = (given) => read('createServer()', given, serverRules)

/** @param {unknown} given */
const closeOptions = (given) => read('close()', given, closeRules)

/** @param {unknown} given */
function listenOptions (given) {
  const options = read('listen()', given, listenRules)
  const { port, path } = /** @type {{ port?: unknown, path?: unknown }} */ (given ?? {})
  if (path !== undefined && port !== undefined) {
    throw fanwireError('ERR_FANWIRE_OUT_OF_RANGE', 'listen(): give either port or path, not both')
  }
  if (path !== undefined && (options.path === '' || options.path.includes('\0') || Buffer.byteLength(options.path) > 107)) {
    throw outOfRange('listen(): path', 'from 1 to 107 bytes without NUL', 'what was given')
  }
  return options
}

/** @param {unknown} given */
function limitsOf (given) {
  const limits = read('ws(): limits', given, limitRules)
  const atLeast = 2 * limits.maxMessageBytes
  if (limits.maxBufferedBytes === 0) limits.maxBufferedBytes = Math.max(2 * MiB, atLeast)
  if (limits.maxBufferedBytes < atLeast) {
    throw outOfRange('ws(): limits: maxBufferedBytes', `at least twice maxMessageBytes (${atLeast})`, limits.maxBufferedBytes)
  }
  if (limits.highWaterMarkBytes === 0) limits.highWaterMarkBytes = Math.min(64 * KiB, limits.maxBufferedBytes)
  if (limits.highWaterMarkBytes > limits.maxBufferedBytes) {
    throw outOfRange('ws(): limits: highWaterMarkBytes', `at most maxBufferedBytes (${limits.maxBufferedBytes})`, limits.highWaterMarkBytes)
  }
  return limits
}

/** @param {unknown} given */
const endpointOptions = (given) => {
  const options = read('ws()', given, endpointRules)
  return { ...options, limits: limitsOf(options.limits) }
}

const publishRules = { room: asIs, except: asIs }

/**
 * The room that an endpoint publishes to: a template such as 'live/:room'.
 * @param {unknown} given  a string, or { room, except: 'sender' }
 * @param {readonly string[]} names  the parameters of the path pattern
 */
function publishTarget (given, names) {
  if (given === undefined) return { template: null, exceptSender: false }
  const isText = typeof given === 'string'
  const { room, except } = isText ? { room: given, except: undefined } : read('ws(): publishTo', given, publishRules)
  nameOf('ws(): publishTo', room)
  oneOf('', 'sender')('ws(): publishTo: except', except)
  for (const [, name] of room.matchAll(/:([A-Za-z0-9_]+)/g)) {
    if (!names.includes(name)) {
      throw fanwireError('ERR_FANWIRE_UNKNOWN_PARAM', `ws(): publishTo: the path pattern has no parameter ":${name}"`)
    }
  }
  return { template: room, exceptSender: except === 'sender' }
}

const MAX_NAME_BYTES = 512

/**
 * A room, a user or a key: any text of 1 to 512 bytes.
 * @param {string} what
 * @param {unknown} name
 * @returns {string}
 */
function nameOf (what, name) {
  if (typeof name !== 'string') throw wrongType(what, 'a string', name)
  if (name === '' || (name.length > MAX_NAME_BYTES / 3 && Buffer.byteLength(name) > MAX_NAME_BYTES)) {
    throw fanwireError('ERR_FANWIRE_NAME', `${what} must be from 1 to ${MAX_NAME_BYTES} bytes long`)
  }
  return name
}

/**
 * A code that an endpoint may send: RFC 6455 section 7.4 and the registry it founded.
 * @param {unknown} code
 */
function closeCode (code) {
  if (code === undefined) return 1000
  if (typeof code !== 'number') throw wrongType('close(): code', 'a number', code)
  const holds = Number.isInteger(code) &&
    ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999))
  if (!holds) {
    throw fanwireError('ERR_FANWIRE_CLOSE_CODE', `close(): code must be 1000–1003, 1007–1014 or 3000–4999, not ${code}`)
  }
  return code
}

/** @param {unknown} reason */
function closeReason (reason) {
  if (reason === undefined) return ''
  if (typeof reason !== 'string') throw wrongType('close(): reason', 'a string', reason)
  if (Buffer.byteLength(reason) > 123) {
    throw fanwireError('ERR_FANWIRE_CLOSE_REASON', 'close(): reason must not be longer than 123 bytes of UTF-8')
  }
  return reason
}

/** @param {string} what @param {string} wanted @param {unknown} value */
function outOfRange (what, wanted, value) {
  return fanwireError('ERR_FANWIRE_OUT_OF_RANGE', `${what} must be ${wanted}, not ${value}`, outOfRange)
}

module.exports = {
  LEVELS, boolean, serverOptions, endpointOptions, listenOptions, closeOptions, publishTarget, nameOf, closeCode, closeReason
}
