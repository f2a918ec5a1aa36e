'use strict'
// peer: what every server under test does beside serving, so that all are asked in the same way.
//   PORT                     where to listen, on 127.0.0.1; 0 (the default) is any free port
//   BLOCK_MS, BLOCK_EVERY    keeps the JavaScript thread busy for so many ms of every so many
//   stdout "ready <port>"    when it listens
//   stdin "publish <count> <bytes> <everyMs>"
//                            publishes that many messages to the room itself, one every so many ms, and
//                            answers {"jsCpuUsPerPublish": …} on stdout
const fs = require('node:fs')
const readline = require('node:readline')
const { setTimeout: sleep, setImmediate: immediate } = require('node:timers/promises')
const { messageWriter } = require('./message.js')

const port = Number(process.env.PORT ?? 0)

function block () {
  const ms = Number(process.env.BLOCK_MS ?? 0)
  if (!ms) return
  setInterval(() => {
    const end = performance.now() + ms
    while (performance.now() < end);
  }, Number(process.env.BLOCK_EVERY ?? 100))
}

const cpuFile = fs.openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
const cpuText = Buffer.alloc(64)
const never = new Int32Array(new SharedArrayBuffer(4))

// CPU time of the JavaScript thread alone (its id is the process's), in ns. The kernel brings that figure up
// to date when the thread goes to sleep, hence the nap.
function jsThreadCpuNs () {
  Atomics.wait(never, 0, 0, 0.05)
  const length = fs.readSync(cpuFile, cpuText, 0, cpuText.length, 0)
  return Number(cpuText.latin1Slice(0, length).split(' ', 1)[0])
}

// What `action` costs the thread, with all that it leaves for the end of this turn of the loop and the next.
async function cpuNsOf (action) {
  const before = jsThreadCpuNs()
  action()
  await immediate()
  await immediate()
  return jsThreadCpuNs() - before
}

const median = values => values.sort((a, b) => a - b)[values.length >> 1]

// The median publish, less the median of the same steps without one.
async function measurePublish (publish, count, bytes, everyMs) {
  const write = messageWriter(bytes)
  const messages = Array.from({ length: count }, (_, sequence) => write(0, sequence))
  const busy = []
  const idle = []
  for (const [i, message] of messages.entries()) {
    await sleep(everyMs / 2)
    const nothing = await cpuNsOf(() => {})
    await sleep(everyMs / 2)
    const something = await cpuNsOf(() => publish(message))
    if (i < 20) continue // until the code is warm
    idle.push(nothing)
    busy.push(something)
  }
  return { jsCpuUsPerPublish: (median(busy) - median(idle)) / 1e3, withoutUs: median(idle) / 1e3 }
}

/** Call when the server listens. `publish(buffer)` sends a binary message to all members of the room. */
function ready (listeningPort, publish) {
  block()
  readline.createInterface({ input: process.stdin }).on('line', async line => {
    const [command, count, bytes, everyMs] = line.split(' ')
    if (command !== 'publish') return
    console.log(JSON.stringify(await measurePublish(publish, Number(count), Number(bytes), Number(everyMs))))
  })
  console.log(`ready ${listeningPort}`)
}

module.exports = { port, ready }
