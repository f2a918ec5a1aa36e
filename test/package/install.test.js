'use strict'
// The package as a user gets it: packed, installed from the tarball in an empty folder without network or
// compiler, and run under every supported Node.
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
const NODES = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'fanwire', 'node')
const OWN_MAJOR = process.versions.node.split('.')[0]

/** npm's own program: the one that runs this test, or the first on the PATH. */
function npmProgram () {
  if (process.env.npm_execpath) return process.env.npm_execpath
  const folder = process.env.PATH.split(path.delimiter).find((entry) => fs.existsSync(path.join(entry, 'npm')))
  return fs.realpathSync(path.join(folder, 'npm'))
}

function npm (args, options = {}) {
  return execFileSync(process.execPath, [npmProgram(), ...args, '--no-audit', '--no-fund', '--loglevel=error'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options })
}

/** The program of that Node version: this one, or npm's node-linux-<arch>, kept in the cache folder. */
function nodeProgram (major) {
  if (major === OWN_MAJOR) return process.execPath
  const name = `node-linux-${process.arch}`
  const folder = path.join(NODES, major)
  const program = path.join(folder, 'node_modules', name, 'bin', 'node')
  if (!fs.existsSync(program)) {
    fs.mkdirSync(folder, { recursive: true })
    try {
      npm(['install', '--prefix', folder, '--no-save', `${name}@${major}`])
    } catch (error) {
      throw new Error(`Node ${major} could not be fetched as ${name}@${major}: is the npm registry within reach?\n${error.stderr}`, { cause: error })
    }
  }
  return program
}

let folder
let packed

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fanwire-package-'))
  const answer = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], { cwd: ROOT }))
  packed = Array.isArray(answer) ? answer[0] : Object.values(answer)[0]

  const app = path.join(folder, 'app')
  fs.mkdirSync(app)
  fs.mkdirSync(path.join(folder, 'bin'))
  fs.symlinkSync(process.execPath, path.join(folder, 'bin', 'node'))
  fs.writeFileSync(path.join(app, 'package.json'), '{ "private": true }')
  npm(['install', '--offline', path.join(folder, packed.filename)],
    { cwd: app, env: { HOME: folder, PATH: path.join(folder, 'bin') } })
  fs.copyFileSync(path.join(__dirname, 'echo-once.cjs'), path.join(app, 'echo-once.cjs'))
}, 120_000)

afterAll(() => { fs.rmSync(folder, { recursive: true, force: true }) })

test('the tarball holds the library, the built addon and its licences, and nothing else', () => {
  const files = packed.files.map((file) => file.path)
  expect(files).toEqual(expect.arrayContaining([
    'LICENSE', 'README.md', 'CHANGELOG.md', 'package.json',
    'lib/index.js', 'lib/index.mjs', 'lib/index.d.ts',
    `prebuilds/linux-${process.arch}/fanwire.node`, `prebuilds/linux-${process.arch}/info.json`,
    `prebuilds/linux-${process.arch}/licenses/libwebsockets.txt`, `prebuilds/linux-${process.arch}/licenses/openssl.txt`
  ]))
  expect(files.filter((file) => !/^(lib\/|prebuilds\/|(LICENSE|README\.md|CHANGELOG\.md|package\.json)$)/.test(file))).toEqual([])
})

test('it has no install script and no dependency', () => {
  const manifest = require('../../package.json')
  expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([])
  expect(manifest.dependencies).toBeUndefined()
  expect(fs.readdirSync(path.join(folder, 'app', 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['fanwire'])
})

test.each(['20', '22', '24', '26'])('it echoes a message under Node %s, with no compiler on the PATH', (major) => {
  const output = execFileSync(nodeProgram(major), ['echo-once.cjs'],
    { cwd: path.join(folder, 'app'), env: { PATH: path.join(folder, 'bin') }, encoding: 'utf8', timeout: 20_000 })
  expect(JSON.parse(output)).toEqual({
    node: expect.stringMatching(`^${major}\\.`),
    echoed: 'grüß dich',
    sameFunctionWhenImported: true,
    digest: 'e3b0c442'
  })
}, 180_000)
