'use strict'
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { createServer, errors, version } = require('../../lib/index.js')
const { makeServer } = require('./support.js')

const TYPE = 'ERR_FANWIRE_INVALID_ARG_TYPE'
const RANGE = 'ERR_FANWIRE_OUT_OF_RANGE'
const UNKNOWN = 'ERR_FANWIRE_UNKNOWN_OPTION'
const NAMES = { [TYPE]: 'TypeError', [RANGE]: 'RangeError', [UNKNOWN]: 'TypeError', ERR_FANWIRE_PATTERN: 'RangeError', ERR_FANWIRE_UNKNOWN_PARAM: 'RangeError', ERR_FANWIRE_NAME: 'RangeError' }
const typed = (code, text) => expect.objectContaining({ code, name: NAMES[code], message: expect.stringContaining(text) })

const integers = {
  threads: [1, 64],
  handshakeTimeoutMs: [1, 3_600_000],
  handlerTimeoutMs: [1, 86_400_000],
  messageTimeoutMs: [1, 86_400_000],
  maxHeaderBytes: [256, 1_048_576],
  maxConnections: [1, 16_777_215],
  maxIncompleteBytes: [65_536, 4_294_967_295],
  maxRoomsPerSession: [1, 65_535]
}
const limits = {
  maxMessageBytes: [1, 268_435_456],
  highWaterMarkBytes: [1, 2_097_152],
  maxBufferedBytes: [2_097_152, 536_870_912],
  sendTimeoutMs: [1, 86_400_000],
  pingIntervalMs: [0, 86_400_000],
  pongTimeoutMs: [1, 86_400_000],
  closeTimeoutMs: [1, 3_600_000]
}

describe('options of createServer', () => {
  test.each(Object.entries(integers))('%s is a whole number in its range', (name, [min, max]) => {
    for (const good of [min, max, undefined]) expect(() => createServer({ [name]: good })).not.toThrow()
    for (const bad of [min - 1, max + 1, min + 0.5, NaN, Infinity, -1]) {
      expect(() => createServer({ [name]: bad })).toThrow(typed(RANGE, name))
    }
    for (const bad of ['1', null, true, {}, 1n]) expect(() => createServer({ [name]: bad })).toThrow(typed(TYPE, name))
  })

  test('logger is an object with methods', () => {
    for (const good of [console, { error () {} }, undefined]) expect(() => createServer({ logger: good })).not.toThrow()
    for (const bad of [null, 1, 'x', () => {}, {}, { error: 1 }]) expect(() => createServer({ logger: bad })).toThrow(typed(TYPE, 'logger'))
  })

  test('an unknown one is named', () => {
    expect(() => createServer({ thread: 1 })).toThrow(typed(UNKNOWN, '"thread"'))
    expect(() => createServer({ tls: {} })).toThrow(typed(UNKNOWN, '"tls"'))
    expect(() => createServer(JSON.parse('{"__proto__": 1}'))).toThrow(typed(UNKNOWN, '"__proto__"'))
    expect(() => createServer({ toString: 1 })).toThrow(typed(UNKNOWN, '"toString"'))
    for (const bad of [null, 1, 'x', [], () => {}]) expect(() => createServer(bad)).toThrow(typed(TYPE, 'options'))
  })
})

describe('options of ws', () => {
  test.each(Object.entries(limits))('limits.%s is a whole number in its range', (name, [min, max]) => {
    const server = makeServer()
    let n = 0
    for (const good of [min, max, undefined]) server.ws(`/${n++}`, { limits: { [name]: good } })
    for (const bad of [min - 1, max + 1, min + 0.5, NaN, -1]) {
      expect(() => server.ws(`/${n++}`, { limits: { [name]: bad } })).toThrow(typed(RANGE, name))
    }
    for (const bad of ['1', null, true, {}]) expect(() => server.ws(`/${n++}`, { limits: { [name]: bad } })).toThrow(typed(TYPE, name))
  })

  test('maxBufferedBytes is at least twice maxMessageBytes and grows with it', () => {
    const server = makeServer()
    expect(() => server.ws('/a', { limits: { maxMessageBytes: 2_000_000, maxBufferedBytes: 3_999_999 } })).toThrow(typed(RANGE, 'maxBufferedBytes'))
    server.ws('/b', { limits: { maxMessageBytes: 2_000_000, maxBufferedBytes: 4_000_000 } })
    server.ws('/c', { limits: { maxMessageBytes: 200_000_000 } })
    server.ws('/d', { limits: { maxMessageBytes: 100, maxBufferedBytes: 200 } })
    expect(() => server.ws('/e', { limits: { maxMessageBytes: 100, maxBufferedBytes: 200, highWaterMarkBytes: 201 } })).toThrow(typed(RANGE, 'highWaterMarkBytes'))
  })

  test('overflow is one of four', () => {
    const server = makeServer()
    for (const good of ['close', 'drop-oldest', 'drop-newest', 'keep-latest']) server.ws(`/${good}`, { limits: { overflow: good } })
    expect(() => server.ws('/x', { limits: { overflow: 'drop' } })).toThrow(typed(RANGE, "'drop-oldest'"))
    expect(() => server.ws('/x', { limits: { overflow: 1 } })).toThrow(typed(TYPE, 'overflow'))
  })

  test('handlers are functions', () => {
    for (const name of ['authenticate', 'open', 'message', 'drain', 'error', 'close']) {
      expect(() => makeServer().ws('/', { [name]: {} })).toThrow(typed(TYPE, name))
      expect(() => makeServer().ws('/', { [name]: null })).toThrow(typed(TYPE, name))
    }
  })

  test('an unknown one is named', () => {
    const server = makeServer()
    expect(() => server.ws('/', { massage () {} })).toThrow(typed(UNKNOWN, '"massage"'))
    expect(() => server.ws('/', { limits: { maxMessageSize: 1 } })).toThrow(typed(UNKNOWN, '"maxMessageSize"'))
    expect(() => server.ws('/', { publishTo: { room: 'x', to: 1 } })).toThrow(typed(UNKNOWN, '"to"'))
    for (const bad of [null, 1, 'x', [], () => {}]) expect(() => server.ws('/', bad)).toThrow(typed(TYPE, 'options'))
    for (const bad of [null, 1, 'x', []]) expect(() => server.ws('/', { limits: bad })).toThrow(typed(TYPE, 'options'))
  })

  test('a pattern is a path', () => {
    const server = makeServer()
    for (const good of ['/', '/a', '/a/', '/:a', '/a/:b/:c', '/*', '/**', '/a/*/b/**', '/a.b-c_d~', '/:__proto__', '/:1', '/é', '/%C3%BC']) server.ws(good)
    for (const bad of ['', 'a', '/:', '/:a-b', '/:a/:a', '/**/a', '/a?b', '/a#b', '/a b', '/a*', '/%', '/%2F', '/a:b', '/' + 'a'.repeat(512)]) {
      expect(() => server.ws(bad)).toThrow(typed('ERR_FANWIRE_PATTERN', 'pattern'))
    }
    for (const bad of [undefined, null, 1, {}, /x/]) expect(() => server.ws(bad)).toThrow(typed(TYPE, 'pattern'))
    expect(() => server.ws('/a')).toThrow(typed('ERR_FANWIRE_PATTERN', 'already'))
  })

  test('publishTo names parameters that the path has', () => {
    const server = makeServer()
    server.ws('/a/:room/:x', { publishTo: 'live/:room/:x/fixed' })
    server.ws('/b/:room', { publishTo: { room: ':room', except: 'sender' } })
    expect(() => server.ws('/c/:room', { publishTo: 'live/:rooms' })).toThrow(typed('ERR_FANWIRE_UNKNOWN_PARAM', ':rooms'))
    expect(() => server.ws('/c', { publishTo: { room: ':x' } })).toThrow(typed('ERR_FANWIRE_UNKNOWN_PARAM', ':x'))
    expect(() => server.ws('/c', { publishTo: '' })).toThrow(typed('ERR_FANWIRE_NAME', 'publishTo'))
    expect(() => server.ws('/c', { publishTo: 'x'.repeat(513) })).toThrow(typed('ERR_FANWIRE_NAME', 'publishTo'))
    expect(() => server.ws('/c', { publishTo: { room: 'x', except: 'all' } })).toThrow(typed(RANGE, 'except'))
    for (const bad of [1, null, [], { }, { room: 1 }]) expect(() => server.ws('/c', { publishTo: bad })).toThrow(typed(TYPE, 'publishTo'))
  })
})

describe('options of listen and close', () => {
  test('are checked before anything starts', async () => {
    const server = makeServer()
    const cases = [
      [{ port: 65_536 }, RANGE, 'port'], [{ port: -1 }, RANGE, 'port'], [{ port: 1.5 }, RANGE, 'port'], [{ port: '80' }, TYPE, 'port'],
      [{ port: NaN }, RANGE, 'port'], [{ host: 1 }, TYPE, 'host'], [{ path: 1 }, TYPE, 'path'], [{ path: '' }, RANGE, 'path'],
      [{ path: 'x'.repeat(108) }, RANGE, 'path'], [{ path: 'a\0b' }, RANGE, 'path'], [{ path: '/x', port: 1 }, RANGE, 'not both'],
      [{ backlog: 0 }, RANGE, 'backlog'], [{ tls: {} }, UNKNOWN, '"tls"'], [null, TYPE, 'options'], [80, TYPE, 'options']
    ]
    for (const [options, code, text] of cases) await expect(server.listen(options)).rejects.toEqual(typed(code, text))
    for (const [options, code, text] of [[{ drainMs: -1 }, RANGE, 'drainMs'], [{ drain: 1 }, UNKNOWN, '"drain"'], [5, TYPE, 'options']]) {
      expect(() => server.close(options)).toThrow(typed(code, text))
    }
    expect(server.stats()).toEqual({})
  })
})

describe('names', () => {
  test('are texts of 1 to 512 bytes', async () => {
    const server = makeServer()
    for (const good of ['a', 'x'.repeat(512), 'é'.repeat(256), '__proto__', ' ', '\0']) {
      expect(server.room(good).name).toBe(good)
      expect(server.user(good).name).toBe(good)
    }
    for (const bad of ['', 'x'.repeat(513), 'é'.repeat(257)]) {
      expect(() => server.room(bad)).toThrow(typed('ERR_FANWIRE_NAME', 'room'))
      expect(() => server.user(bad)).toThrow(typed('ERR_FANWIRE_NAME', 'user'))
    }
    for (const bad of [undefined, null, 1, {}, Symbol('x')]) {
      expect(() => server.room(bad)).toThrow(typed(TYPE, 'room'))
      expect(() => server.user(bad)).toThrow(typed(TYPE, 'user'))
      expect(() => server.session(bad)).toThrow(typed(TYPE, 'session'))
    }
  })
})

describe('the module', () => {
  test('exports the same for require and import', async () => {
    const script = "import all, { createServer, Reject, errors, version } from './lib/index.mjs'; import { createRequire } from 'node:module';" +
      "const cjs = createRequire(import.meta.url)('./lib/index.js');" +
      'console.log([createServer, Reject, errors, version].every((x, i) => x === [cjs.createServer, cjs.Reject, cjs.errors, cjs.version][i]) && all === cjs)'
    const root = path.join(__dirname, '..', '..')
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' })
    expect(out.trim()).toBe('true')
    expect(version).toMatch(/^\d+\.\d+\.\d+/)
  })

  test('has a meaning for every code', () => {
    for (const [code, meaning] of Object.entries(errors)) {
      expect(code).toMatch(/^ERR_FANWIRE_[A-Z0-9_]+$/)
      expect(meaning.length).toBeGreaterThan(10)
    }
    expect(Object.isFrozen(errors)).toBe(true)
    const types = fs.readFileSync(path.join(__dirname, '..', '..', 'lib', 'index.d.ts'), 'utf8')
    expect(Object.keys(errors)).toEqual(types.match(/(?<=^ {2}\| ')ERR_FANWIRE_\w+/gm))
  })
})
