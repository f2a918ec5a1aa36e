'use strict'
// ExampleProcess: one of the examples, started by its one command and stopped by a signal.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const readline = require('node:readline')

const EXAMPLES = path.join(__dirname, '../../examples')

class ExampleProcess {
  #child
  #address
  #stderr = ''

  // Resolves when the example has printed its address.
  static async start (name, { port = 0 } = {}) {
    const example = new ExampleProcess()
    const child = example.#child = spawn(process.execPath, [path.join(EXAMPLES, name, 'server.js')], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    child.stderr.on('data', (data) => { example.#stderr += data })
    const lines = readline.createInterface({ input: child.stdout })
    const address = await new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        const found = /\b(?:http|ws):\/\/[^\s/]+/.exec(line)
        if (found) resolve(new URL(found[0]))
      })
      child.once('exit', (code, signal) => reject(new Error(`examples/${name} ended (${code ?? signal}) without an address:\n${example.#stderr}`)))
    })
    example.#address = address
    return example
  }

  get port () { return Number(this.#address.port) }
  get httpUrl () { return `http://localhost:${this.port}` }
  get wsUrl () { return `ws://localhost:${this.port}` }
  get stderr () { return this.#stderr }

  // Answers the exit code, or the name of the signal that ended it.
  async stop (signal = 'SIGTERM') {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode ?? this.#child.signalCode
    const exit = once(this.#child, 'exit')
    this.#child.kill(signal)
    const [code, endedBy] = await exit
    return code ?? endedBy
  }
}

module.exports = { ExampleProcess }
