'use strict'
// errors: every code Fanwire gives to an error, in one table, and Reject, with which `authenticate` refuses.

const { STATUS_CODES, validateHeaderName, validateHeaderValue } = require('node:http')

/** @typedef {keyof typeof table} ErrorCode */

/** Each code, the class of its errors, and what it says. */
const table = /** @type {const} */ ({
  ERR_FANWIRE_UNKNOWN_OPTION: ['TypeError', 'an option has a name that does not exist'],
  ERR_FANWIRE_INVALID_ARG_TYPE: ['TypeError', 'an argument or option is of the wrong type'],
  ERR_FANWIRE_OUT_OF_RANGE: ['RangeError', 'a number or choice is outside its range'],
  ERR_FANWIRE_PATTERN: ['RangeError', 'a path pattern is malformed or taken'],
  ERR_FANWIRE_UNKNOWN_PARAM: ['RangeError', 'a publishTo template names a parameter that the path pattern does not have'],
  ERR_FANWIRE_NAME: ['RangeError', 'a room, user or key name is empty or longer than 512 bytes'],
  ERR_FANWIRE_TOO_MANY_ROOMS: ['RangeError', 'a session would be in more rooms than maxRoomsPerSession'],
  ERR_FANWIRE_CLOSE_CODE: ['RangeError', 'a close code may not be sent (RFC 6455 section 7.4)'],
  ERR_FANWIRE_CLOSE_REASON: ['RangeError', 'a close reason is longer than 123 bytes (RFC 6455 section 5.5)'],
  ERR_FANWIRE_INVALID_UTF8: ['TypeError', 'bytes to be sent as text are not UTF-8'],
  ERR_FANWIRE_AUTHENTICATE_RESULT: ['TypeError', 'authenticate answered something else than { user, data }'],
  ERR_FANWIRE_HANDLER_TIMEOUT: ['Error', 'a handler did not settle within handlerTimeoutMs'],
  ERR_FANWIRE_ATTACH_TLS: ['Error', 'an https.Server can not be attached'],
  ERR_FANWIRE_PROTOCOL: ['Error', 'the client broke a rule or a limit; told to the error handler'],
  ERR_FANWIRE_PLATFORM: ['Error', 'the addon can not run on this machine'],
  ERR_FANWIRE_CLOSED: ['Error', 'the server is closed']
})

const classes = { Error, TypeError, RangeError }

/** What users see: code → meaning. @type {Readonly<Record<string, string>>} */
const errors = Object.freeze(Object.fromEntries(Object.entries(table).map(([code, [, meaning]]) => [code, meaning])))

/**
 * An error of the table, its stack starting at the caller of `above`.
 * @param {ErrorCode} code
 * @param {string} message
 * @param {Function} [above]
 * @returns {Error & { code: string }}
 */
function fanwireError (code, message, above = fanwireError) {
  const error = new classes[table[code][0]](message)
  Error.captureStackTrace(error, above)
  return Object.assign(error, { code })
}

/**
 * A value for an error message: short, and never the contents of an object.
 * @param {unknown} value
 */
function show (value) {
  if (typeof value === 'string') return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return `an instance of ${value.constructor?.name ?? 'Object'}`
  return typeof value === 'function' ? 'a function' : String(value)
}

/**
 * @param {string} what  the argument, as the user knows it
 * @param {string} wanted
 * @param {unknown} value
 */
function wrongType (what, wanted, value) {
  return fanwireError('ERR_FANWIRE_INVALID_ARG_TYPE', `${what} must be ${wanted}, not ${show(value)}`, wrongType)
}

/** The response headers of a refusal, for the engine. @type {(reject: Reject) => string} */
let headerLinesOf

/** Thrown by `authenticate`: refuses the handshake with an HTTP status. */
class Reject extends Error {
  #headerLines

  /**
   * @param {number} status  300–599
   * @param {string} [message]  the body of the response; the status's phrase if not given
   * @param {Record<string, string | string[]>} [headers]
   */
  constructor (status, message, headers) {
    if (!Number.isInteger(status)) throw wrongType('Reject: status', 'a whole number', status)
    if (status < 300 || status > 599) {
      throw fanwireError('ERR_FANWIRE_OUT_OF_RANGE', `Reject: status must be from 300 to 599, not ${status}`)
    }
    if (message !== undefined && typeof message !== 'string') throw wrongType('Reject: message', 'a string', message)
    super(message ?? STATUS_CODES[status] ?? 'Refused')
    this.name = 'Reject'
    this.status = status
    this.#headerLines = toHeaderLines(headers)
  }

  static { headerLinesOf = (reject) => reject.#headerLines }
}

/**
 * @param {Record<string, string | string[]>} [headers]
 * @returns {string}  'Name: value\r\n' for each
 */
function toHeaderLines (headers) {
  if (headers === undefined) return ''
  if (typeof headers !== 'object' || headers === null) throw wrongType('Reject: headers', 'an object', headers)
  let lines = ''
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name)
    for (const one of Array.isArray(value) ? value : [value]) {
      validateHeaderValue(name, one)
      lines += `${name}: ${one}\r\n`
    }
  }
  return lines
}

// @ts-ignore: the class body above has set headerLinesOf
module.exports = { errors, fanwireError, wrongType, Reject, headerLinesOf }
