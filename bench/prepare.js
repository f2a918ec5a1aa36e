'use strict'
// prepare: makes sure that all a bench needs is there: the peers, the native programs, Fanwire's addon.
// Quick when it is. What is missing and cannot be made ends in one sentence that says what to do.
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')
const BUILD = path.join(ROOT, 'build', 'bench')

class NotReady extends Error {}

function run (command, args, sentence) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  if (status === 0) return
  const said = [error?.message, stdout, stderr].filter(Boolean).join('\n').trim().split('\n').slice(-15).join('\n')
  throw new NotReady(`${said}\n${sentence}`)
}

// Compiler, libraries and the headers of Node-API; quick when they are there.
function prepareTools () {
  run(path.join(ROOT, 'scripts', 'setup'), [], 'bench: the set-up failed; what it said stands above.')
}

function preparePeers () {
  if (fs.existsSync(path.join(__dirname, 'node_modules', '.package-lock.json'))) return
  console.error('bench: installing the peers')
  run('npm', ['ci', '--prefix', __dirname, '--no-audit', '--no-fund', '--ignore-scripts'],
    'bench: the peers could not be installed: run `npm ci --prefix bench` where a registry can be reached.')
}

// The bench has a build folder of its own: it needs neither libwebsockets nor the addon's options.
function preparePrograms () {
  for (const tool of ['cmake', 'ninja', 'g++', 'taskset']) {
    if (spawnSync(tool, ['--version']).error) throw new NotReady(`bench: ${tool} is missing: run scripts/setup, or install it.`)
  }
  const sentence = `bench: the load client could not be built; all of it is in ${path.relative(ROOT, BUILD)}.`
  if (!fs.existsSync(path.join(BUILD, 'build.ninja'))) {
    console.error('bench: building the load client')
    run('cmake', ['-S', ROOT, '-B', BUILD, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DFANWIRE_BUILD_BENCH=ON',
      '-DFANWIRE_BUILD_ADDON=OFF', '-DFANWIRE_BUILD_TESTS=OFF'], sentence)
  }
  run('cmake', ['--build', BUILD, '--target', 'fanwire-load', 'fanwire-limit'], sentence)
  return { load: path.join(BUILD, 'bin', 'fanwire-load'), limit: path.join(BUILD, 'bin', 'fanwire-limit'), threadCpu: prepareThreadCpu() }
}

function prepareThreadCpu () {
  const source = path.join(__dirname, 'peers', 'thread_cpu.cc')
  const built = path.join(BUILD, 'thread-cpu.node')
  if (fs.existsSync(built) && fs.statSync(built).mtimeMs > fs.statSync(source).mtimeMs) return built
  const headers = path.join(ROOT, 'node_modules', 'node-api-headers', 'include')
  run('g++', ['-std=c++20', '-O2', '-shared', '-fPIC', '-I', headers, source, '-o', built],
    'bench: the clock for the JavaScript thread could not be built: run `npm ci` first.')
  return built
}

// Always asked for, so that what is measured is what the sources say.
function prepareAddon () {
  if (process.env.FANWIRE_ADDON) return
  console.error('bench: building Fanwire, if anything changed')
  run(path.join(ROOT, 'scripts', 'build'), ['release'],
    'bench: Fanwire could not be built: run scripts/setup, then scripts/build; or leave it out with --servers limit,uws,ws.')
}

/** Returns the paths of the native parts. Throws NotReady. */
function prepare (servers) {
  if (os.availableParallelism() < 2) {
    throw new NotReady('bench: two cores are needed, one for the server and one for the load client.')
  }
  prepareTools()
  if (servers.includes('uws') || servers.includes('ws')) preparePeers()
  const programs = preparePrograms()
  if (servers.includes('fanwire')) prepareAddon()
  return programs
}

module.exports = { prepare, NotReady }
