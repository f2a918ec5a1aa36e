'use strict'
// platform: whether a built addon can run on this machine, and if not, the one error that says what to do.

/**
 * @typedef {object} Machine
 * @property {string} platform as process.platform
 * @property {string} arch as process.arch
 * @property {string | undefined} glibc the C library's version, undefined where it is another one (musl)
 *
 * @typedef {object} Needs
 * @property {string} glibc the oldest version that the addon runs on
 */

const HOW_TO_BUILD =
  'Build it from a source checkout with "npm run build" (needs a C++20 compiler, CMake, Ninja, libssl and zlib) ' +
  'and name the result, build/release/fanwire.node, in the environment variable FANWIRE_ADDON.'

/**
 * @param {string} reason
 * @param {unknown} [cause]
 * @returns {Error & { code: 'ERR_FANWIRE_PLATFORM' }}
 */
function platformError (reason, cause) {
  const error = new Error(`fanwire: ${reason} ${HOW_TO_BUILD}`, cause === undefined ? undefined : { cause })
  return Object.assign(error, { code: /** @type {const} */ ('ERR_FANWIRE_PLATFORM') })
}

/**
 * Compares dotted versions number by number.
 * @param {string} version
 * @param {string} other
 */
function isOlder (version, other) {
  const [left, right] = [version, other].map((text) => text.split('.').map(Number))
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/**
 * Why the packaged addon cannot run on the machine, or undefined when it can.
 * @param {Machine} machine
 * @param {Needs | undefined} needs undefined: the package has no addon for this platform and processor
 */
function platformProblem (machine, needs) {
  if (machine.platform !== 'linux') return platformError(`it runs on Linux only, and this is ${machine.platform}.`)
  if (needs === undefined) return platformError(`this package has no binary for ${machine.platform}-${machine.arch}.`)
  if (machine.glibc === undefined) {
    return platformError('its binary needs glibc, and this machine has another C library (musl, as on Alpine).')
  }
  if (isOlder(machine.glibc, needs.glibc)) {
    return platformError(`its binary needs glibc ${needs.glibc} or later, and this machine has ${machine.glibc}.`)
  }
  return undefined
}

/** @returns {Machine} */
function thisMachine () {
  const report = /** @type {any} */ (process.report)
  const excludedBefore = report.excludeNetwork
  report.excludeNetwork = true // else each open socket is looked up
  try {
    const { header } = /** @type {any} */ (report.getReport())
    return { platform: process.platform, arch: process.arch, glibc: header.glibcVersionRuntime }
  } finally {
    report.excludeNetwork = excludedBefore
  }
}

module.exports = { platformError, platformProblem, thisMachine }
