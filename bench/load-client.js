'use strict'
// load-client: one run of fanwire-load, pinned to a core.
const { spawn } = require('node:child_process')

/**
 * Resolves with the parsed report. Rejects with what fanwire-load said when anything came back that should
 * not have, or did not come back that should have. `onOpen` is called when a watch is open.
 */
function runLoad (program, core, load, { onOpen } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['-c', String(core), program, ...load], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let errors = ''
    child.stdout.on('data', bytes => { out += bytes })
    child.stderr.on('data', bytes => {
      errors += bytes
      if (onOpen && errors.startsWith('open\n')) {
        onOpen()
        errors = ''
      }
    })
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) resolve(JSON.parse(out))
      else reject(new Error(errors.trim() || `fanwire-load ended with ${code}`))
    })
  })
}

module.exports = { runLoad }
