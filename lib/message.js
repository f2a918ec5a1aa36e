'use strict'
// message: what the application hands over to be sent, made into what the engine takes.
// Path: application -> [message] -> engine.send, publish, broadcast

const { isUtf8 } = require('node:buffer')
const { types } = require('node:util')
const { fanwireError, wrongType } = require('./errors.js')
const { boolean, nameOf } = require('./options.js')

const FLAG_BINARY = 1
const FLAG_VOLATILE = 4

/**
 * What send() of each kind accepts beside the data.
 * @typedef {{ binary?: boolean, key?: string, volatile?: boolean, except?: unknown, where?: Function }} MessageOptions
 */

const SESSION_OPTIONS = ['binary', 'key', 'volatile']
const CHANNEL_OPTIONS = [...SESSION_OPTIONS, 'except']
const BROADCAST_OPTIONS = [...CHANNEL_OPTIONS, 'where']

/**
 * Text stays a string, bytes stay what they are, any other object becomes JSON text.
 * @param {unknown} data
 * @returns {string | ArrayBuffer | ArrayBufferView}
 */
function payloadOf (data) {
  if (typeof data === 'string') return data
  if (typeof data === 'object' && data !== null) {
    if (ArrayBuffer.isView(data)) return data
    if (types.isArrayBuffer(data)) return /** @type {ArrayBuffer} */ (data)
    if (data instanceof Blob || types.isSharedArrayBuffer(data) || types.isPromise(data)) throw wrongData(data)
    const json = JSON.stringify(data)
    if (json !== undefined) return json
  }
  throw wrongData(data)
}

/** @param {unknown} data */
function wrongData (data) {
  return wrongType('send(): data', 'a string, a Buffer, an ArrayBuffer or view of one, or an object for JSON', data)
}

/**
 * The same, when there are options that say how it goes out.
 * @param {unknown} data
 * @param {MessageOptions} options  already checked
 */
function payloadWith (data, options) {
  const payload = payloadOf(data)
  if (options.binary !== false || typeof payload === 'string') return payload
  const bytes = ArrayBuffer.isView(payload)
    ? Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    : Buffer.from(payload)
  if (!isUtf8(bytes)) throw fanwireError('ERR_FANWIRE_INVALID_UTF8', 'send(): data with { binary: false } must be UTF-8')
  return bytes.toString('utf8')
}

/**
 * Checks the options of one message and answers its flags.
 * @param {unknown} given
 * @param {string[]} known
 */
function flagsOf (given, known) {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrongType('send(): options', 'an object', given)
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      throw fanwireError('ERR_FANWIRE_UNKNOWN_OPTION', `send(): there is no option ${JSON.stringify(name)}`)
    }
  }
  const options = /** @type {Record<string, unknown>} */ (given)
  return (boolean('send(): binary', options.binary) ? FLAG_BINARY : 0) |
    (boolean('send(): volatile', options.volatile) ? FLAG_VOLATILE : 0)
}

/** The conflation key, '' for none. @param {MessageOptions} options */
function keyOf ({ key }) {
  return key === undefined ? '' : nameOf('send(): key', key)
}

module.exports = { payloadOf, payloadWith, flagsOf, keyOf, SESSION_OPTIONS, CHANNEL_OPTIONS, BROADCAST_OPTIONS }
