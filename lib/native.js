'use strict'
// native: finds and loads the addon. In this order: the path in FANWIRE_ADDON, the one that the package
// carries for this platform, the one that scripts/build left in build/release.
// Throws an Error with code ERR_FANWIRE_PLATFORM where none can run; its message names how to build one.
const fs = require('node:fs')
const path = require('node:path')
const { platformError, platformProblem, thisMachine } = require('./platform.js')

const ROOT = path.join(__dirname, '..')
const PACKAGED = path.join(ROOT, 'prebuilds', `${process.platform}-${process.arch}`)

/** @param {string} file */
function load (file) {
  try {
    return require(file)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw platformError(`the addon ${file} could not be loaded (${reason}).`, error)
  }
}

function loadAddon () {
  const named = process.env.FANWIRE_ADDON
  if (named) return load(path.resolve(named))

  const packaged = path.join(PACKAGED, 'fanwire.node')
  const needs = fs.existsSync(packaged) ? require(path.join(PACKAGED, 'info.json')) : undefined
  const problem = platformProblem(thisMachine(), needs)
  if (problem === undefined) return load(packaged)

  const built = path.join(ROOT, 'build', 'release', 'fanwire.node')
  if (fs.existsSync(built)) return load(built)
  throw problem
}

module.exports = loadAddon()
