'use strict'
// run: measures Fanwire beside its peers and beside what the kernel asks anyway. See README.md.
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { setTimeout: sleep } = require('node:timers/promises')
const { runLoad } = require('./load-client.js')
const { prepare, NotReady } = require('./prepare.js')
const { scenarios } = require('./scenarios.js')
const { ServerUnderTest, TITLES } = require('./server-under-test.js')
const { costTable, wallTable, number } = require('./table.js')

const ALL_SERVERS = ['limit', 'uws', 'fanwire', 'ws']
const SERVER_CORE = 0
const CLIENT_CORE = 1
const QUICK = { rounds: 3, warmMs: 250, measureMs: 700 }
const FULL = { rounds: 5, warmMs: 500, measureMs: 2000 }

const USAGE = `usage: node bench/run.js [--quick] [--only ${scenarios.map(scenario => scenario.name).join(',')}]
                         [--servers ${ALL_SERVERS.join(',')}] [--rounds N] [--write bench/results.md]`

function fail (message) {
  console.error(message)
  process.exit(1)
}

function readArguments () {
  let values
  try {
    ({ values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        servers: { type: 'string' },
        rounds: { type: 'string' },
        write: { type: 'string' },
        help: { type: 'boolean', default: false }
      }
    }))
  } catch (error) {
    fail(`bench: ${error.message}\n${USAGE}`)
  }
  if (values.help) fail(USAGE)
  const choose = (text, known) => {
    const chosen = text === undefined ? known : text.split(',')
    const unknown = chosen.find(name => !known.includes(name))
    if (unknown !== undefined) fail(`bench: there is no '${unknown}'\n${USAGE}`)
    return known.filter(name => chosen.includes(name))
  }
  const names = choose(values.only, scenarios.map(scenario => scenario.name))
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0 && rounds <= 100)) fail(`bench: --rounds is 1 to 100\n${USAGE}`)
  return {
    quick: values.quick,
    pace: values.quick ? QUICK : FULL,
    rounds,
    servers: choose(values.servers, ALL_SERVERS),
    chosen: scenarios.filter(scenario => names.includes(scenario.name) && !(scenario.fullOnly && values.quick && !values.only)),
    write: values.write
  }
}

function loadArguments (scenario, server, { quick, pace }) {
  const more = (quick ? scenario.quick : scenario.full) ?? ''
  return [
    ...scenario.load.split(' '), ...more.split(' ').filter(Boolean),
    '--port', String(server.port), '--server-pid', String(server.pid),
    '--warm-ms', String(pace.warmMs), '--measure-ms', String(pace.measureMs)
  ]
}

async function measure (scenario, server, program, options) {
  const load = loadArguments(scenario, server, options)
  if (!scenario.publish) return await runLoad(program, CLIENT_CORE, load)
  const count = scenario.publish[options.quick ? 'quick' : 'full']
  let published
  const watched = runLoad(program, CLIENT_CORE, [...load, '--count', String(count)], {
    onOpen: () => { published = sleep(200).then(() => server.publish({ ...scenario.publish, count })) }
  })
  return { ...await watched, ...await published }
}

function median (values) {
  const sorted = values.filter(value => value !== undefined).sort((a, b) => a - b)
  return sorted.length === 0 ? undefined : (sorted[sorted.length - 1 >> 1] + sorted[sorted.length >> 1]) / 2
}

function summary (scenario, reports) {
  return {
    figure: median(reports.map(scenario.figure)),
    perSecond: median(reports.map(report => report.perSecond)),
    p50Us: median(reports.map(report => report.p50Us)),
    p99Us: median(reports.map(report => report.p99Us))
  }
}

// One bad run and a server has no figure in this scenario. The servers take turns; each round begins with another one, so that none always follows the same.
async function runScenario (scenario, programs, options, failures) {
  const names = options.servers.filter(name => !scenario.servers || scenario.servers.includes(name))
  const rounds = options.rounds ?? (options.quick && scenario.quickRounds) ?? options.pace.rounds
  const reports = Object.fromEntries(names.map(name => [name, []]))
  const running = new Map()
  const failed = new Set()
  const stop = async name => {
    await running.get(name)?.stop()
    running.delete(name)
  }
  try {
    for (let round = 0; round < rounds; round++) {
      for (const name of names.map((_, i) => names[(i + round) % names.length])) {
        if (failed.has(name)) continue
        try {
          if (!running.has(name)) {
            running.set(name, await ServerUnderTest.start(name, { cores: scenario.serverCores ?? SERVER_CORE, environment: scenario.environment, programs }))
          }
          reports[name].push(await measure(scenario, running.get(name), programs.load, options))
          if (scenario.fresh) await stop(name)
        } catch (error) {
          failures.push(`${scenario.name}, ${TITLES[name]}: ${error.message}`)
          failed.add(name)
          await stop(name)
        }
      }
    }
  } finally {
    for (const name of [...running.keys()]) await stop(name)
  }
  return Object.fromEntries(names.map(name => [name, failed.has(name) ? {} : summary(scenario, reports[name])]))
}

function version (name) {
  if (name === 'limit') return undefined
  if (name === 'fanwire') return require('../package.json').version
  const folder = name === 'uws' ? '@trufflesuite/uws-js-unofficial' : name
  return JSON.parse(fs.readFileSync(path.join(__dirname, 'node_modules', folder, 'package.json'), 'utf8')).version
}

// How much of all cores somebody uses before we begin, 0 to 1.
async function busyShare () {
  const times = () => os.cpus().map(({ times: t }) => ({ idle: t.idle, all: t.user + t.nice + t.sys + t.irq + t.idle }))
  const before = times()
  await sleep(1000)
  const spent = times().map((after, i) => ({ idle: after.idle - before[i].idle, all: after.all - before[i].all }))
  const total = key => spent.reduce((sum, core) => sum + core[key], 0)
  return 1 - total('idle') / Math.max(total('all'), 1)
}

function conditions ({ servers, rounds, pace }, busy) {
  const versions = servers.filter(name => name !== 'limit').map(name => `${TITLES[name]} ${version(name)}`)
  return [
    `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores; ${os.type()} ${os.release()}; Node ${process.version}; ${versions.join(', ')}.`,
    `The whole server process on core ${SERVER_CORE}, the load client on core ${CLIENT_CORE}; ${rounds ?? pace.rounds} rounds of ${pace.measureMs} ms, interleaved; medians.`,
    `The cores before the run: ${Math.round(busy * 100)} % busy${busy > 0.1 ? ' (not quiet: expect noise)' : ''}.`
  ]
}

async function main () {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  const options = readArguments()
  let programs
  try {
    programs = prepare(options.servers)
  } catch (error) {
    if (error instanceof NotReady) fail(error.message)
    throw error
  }
  const lines = conditions(options, await busyShare())
  console.log(lines.join('\n'))

  const results = []
  const failures = []
  for (const scenario of options.chosen) {
    const cells = await runScenario(scenario, programs, options, failures)
    results.push({ scenario, cells })
    console.error(`  ${scenario.name}: ${Object.entries(cells).map(([name, cell]) => `${name} ${number(cell.figure)}`).join('  ')}`)
  }

  const tables = `${costTable(results, options.servers)}\n\n${wallTable(results, options.servers)}\n`
  console.log(`\n${tables}`)
  for (const failure of failures) console.error(`failed: ${failure}`)
  if (options.write) {
    const command = ['node bench/run.js', ...process.argv.slice(2)].join(' ')
    fs.writeFileSync(options.write, `# Results\n\n${lines.join('\n')}\nCommand: \`${command}\`\n\n${tables}`)
  }
  if (failures.length > 0) process.exitCode = 1
}

main()
