'use strict'
// Request: the handshake as the application sees it, parsed from its head when first looked at.

/** Node's rule for fields that come twice: these keep the first, cookies join with '; ', all others with ', '. */
const SINGLE = new Set([
  'age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host', 'if-modified-since',
  'if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'proxy-authorization', 'referer', 'retry-after',
  'server', 'user-agent'
])

class Request {
  /** @type {Record<string, string> | undefined} */ #headers
  #fields

  /**
   * @param {string} head  request line and fields, latin1
   * @param {{ remoteAddress: string, remotePort: number }} peer
   * @param {import('node:http').IncomingMessage} [raw]
   */
  constructor (head, { remoteAddress, remotePort }, raw) {
    const [line, ...fields] = head.split('\r\n')
    const [method = '', url = ''] = line.split(' ', 2)
    this.method = method
    this.url = url
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.raw = raw
    this.#fields = fields
  }

  /** Names in lower case; an object without prototype. */
  get headers () {
    return (this.#headers ??= toHeaders(this.#fields))
  }
}

/** @param {string[]} fields */
function toHeaders (fields) {
  const headers = Object.create(null)
  for (const field of fields) {
    const colon = field.indexOf(':')
    if (colon < 1) continue
    const name = field.slice(0, colon).toLowerCase()
    const value = field.slice(colon + 1).trim()
    if (!(name in headers)) headers[name] = value
    else if (!SINGLE.has(name)) headers[name] += (name === 'cookie' ? '; ' : ', ') + value
  }
  return headers
}

/**
 * @param {import('./engine-types').SessionInfo | undefined} info  undefined: the engine knows nothing any more
 * @param {import('node:http').IncomingMessage} [raw]
 */
function parseHead (info, raw) {
  return new Request(info?.head ?? '', info ?? { remoteAddress: '', remotePort: 0 }, raw)
}

module.exports = { Request, parseHead }
