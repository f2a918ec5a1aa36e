'use strict'
// Exit: process.exit() and an uncaught error end the process without the hooks that a natural end runs: engines
// are told here, so that their threads are gone before the process takes itself apart, and Unix sockets are unlinked.

/** @type {Set<import('./engine-types').NativeEngine>} */
const engines = new Set()

function stopAll () {
  for (const engine of engines) engine.stop()
}

/** @param {import('./engine-types').NativeEngine} engine */
function stopAtExit (engine) {
  if (engines.size === 0) process.on('exit', stopAll)
  engines.add(engine)
}

/** @param {import('./engine-types').NativeEngine} engine */
function hasStopped (engine) {
  engines.delete(engine)
  if (engines.size === 0) process.off('exit', stopAll)
}

module.exports = { stopAtExit, hasStopped }
