'use strict'
// server-under-test: one server process, pinned to its cores, from its start to its end.
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const readline = require('node:readline')

const START_LIMIT_MS = 10_000
const STOP_LIMIT_MS = 3_000

const TITLES = { limit: 'limit', uws: 'uWebSockets.js', fanwire: 'Fanwire', ws: 'ws' }

const alive = new Set()
process.once('exit', () => { for (const child of alive) child.kill('SIGKILL') })

/** Ends with this process at the latest, however that ends (but by SIGKILL). */
class ServerUnderTest {
  #child
  #lines

  constructor (child) {
    this.#child = child
    this.#lines = readline.createInterface({ input: child.stdout })
  }

  /**
   * Resolves when the server listens on `server.port`. Rejects when it ends before, or takes ten seconds.
   * `programs.limit` is the path of fanwire-limit; the others are Node programs in peers/.
   */
  static async start (name, { cores, environment = {}, programs }) {
    const command = name === 'limit' ? [programs.limit] : [process.execPath, path.join(__dirname, 'peers', `${name}.js`)]
    const child = spawn('taskset', ['-c', String(cores), ...command], {
      env: { ...process.env, ...environment, PORT: '0', THREAD_CPU: programs.threadCpu },
      stdio: ['pipe', 'pipe', 'inherit']
    })
    alive.add(child)
    child.once('exit', () => alive.delete(child))
    const server = new ServerUnderTest(child)
    const word = await server.#line(START_LIMIT_MS, `${TITLES[name]} did not start`)
    server.port = Number(word.split(' ')[1])
    return server
  }

  get pid () { return this.#child.pid }

  /** Has the server publish by itself; resolves with what it measured (peers/peer.js). */
  async publish ({ count, bytes, pauseMs }) {
    this.#child.stdin.write(`publish ${count} ${bytes} ${pauseMs}\n`)
    return JSON.parse(await this.#line(60_000, 'the server did not answer `publish`'))
  }

  /** Resolves when the process has ended; a server that does not end by itself is killed. */
  async stop () {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS)
    await exit
    clearTimeout(kill)
  }

  async #line (limitMs, complaint) {
    const waiting = new AbortController()
    const limit = setTimeout(() => waiting.abort(), limitMs)
    const ended = () => waiting.abort()
    this.#child.once('exit', ended)
    try {
      const [line] = await once(this.#lines, 'line', { signal: waiting.signal })
      return line
    } catch {
      this.#child.kill('SIGKILL')
      throw new Error(complaint)
    } finally {
      clearTimeout(limit)
      this.#child.off('exit', ended)
    }
  }
}

module.exports = { ServerUnderTest, TITLES }
