'use strict'
// peer: what every server under test does beside serving, so that all are asked in the same way.
//   PORT                     where to listen, on 127.0.0.1; 0 (the default) is any free port
//   BLOCK_MS, BLOCK_EVERY    keeps the JavaScript thread busy for so many ms of every so many
//   stdout "ready <port>"    when it listens
//   stdin "publish <count> <bytes> <pauseMs>"
//                            publishes so many messages to the room itself, each in a turn of the loop of
//                            its own, pauses before each, and answers {"jsCpuUsPerPublish": …} on stdout
//   THREAD_CPU               the path of the clock for that (thread_cpu.cc, built by ../prepare.js)
const readline = require('node:readline')
const { setTimeout: sleep, setImmediate: immediate } = require('node:timers/promises')
const { messageWriter } = require('./message.js')

const WARM_UP = 20 // messages that are not counted

const port = Number(process.env.PORT ?? 0)

function block () {
  const ms = Number(process.env.BLOCK_MS ?? 0)
  if (!ms) return
  setInterval(() => {
    const end = performance.now() + ms
    while (performance.now() < end);
  }, Number(process.env.BLOCK_EVERY ?? 100))
}

// What `action` costs the thread, with all that it leaves for the end of this turn of the loop and the next.
async function cpuNsOf (nowNs, action) {
  const before = nowNs()
  action()
  await immediate()
  await immediate()
  return nowNs() - before
}

// The mean without the lowest and highest tenth: a garbage collection is no part of a publish.
function trimmedMean (values) {
  const tenth = Math.floor(values.length / 10)
  const kept = values.sort((a, b) => a - b).slice(tenth, values.length - tenth)
  return kept.reduce((sum, value) => sum + value, 0) / kept.length
}

// The mean publish, less the mean of the same steps without one.
async function measurePublish (publish, count, bytes, pauseMs) {
  const { nowNs } = require(process.env.THREAD_CPU)
  const write = messageWriter(bytes)
  const messages = Array.from({ length: count }, (_, sequence) => write(0, sequence))
  const idleNs = []
  const busyNs = []
  for (const message of messages) {
    if (pauseMs > 0) await sleep(pauseMs)
    idleNs.push(await cpuNsOf(nowNs, () => {}))
    if (pauseMs > 0) await sleep(pauseMs)
    busyNs.push(await cpuNsOf(nowNs, () => publish(message)))
  }
  const meanNs = samples => trimmedMean(samples.slice(WARM_UP))
  return { jsCpuUsPerPublish: (meanNs(busyNs) - meanNs(idleNs)) / 1e3 }
}

/** Call when the server listens. `publish(buffer)` sends a binary message to all members of the room. */
function ready (listeningPort, publish) {
  block()
  readline.createInterface({ input: process.stdin }).on('line', async line => {
    const [command, count, bytes, pauseMs] = line.split(' ')
    if (command !== 'publish') return
    console.log(JSON.stringify(await measurePublish(publish, Number(count), Number(bytes), Number(pauseMs))))
  })
  console.log(`ready ${listeningPort}`)
}

module.exports = { port, ready }
