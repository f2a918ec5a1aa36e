'use strict'
// table: the results as text: figures beside ratios and targets, then rates and latencies.
const { TITLES } = require('./server-under-test.js')

function number (value) {
  if (value === undefined) return '–'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en')
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}

const ratio = (a, b) => a === undefined || b === undefined || b <= 0 ? undefined : a / b

/** Each target of a scenario as { text, met }; `met` is undefined where it cannot be told. */
function judge (scenario, figures) {
  return scenario.targets.map(({ against, atMost }) => {
    const reached = against ? ratio(figures.fanwire, figures[against]) : figures.fanwire
    const text = against ? `≤ ${atMost} × ${TITLES[against]}` : `≤ ${atMost} ${scenario.unit.split(' ').find(word => /^(µs|ms|KiB)$/.test(word))}`
    return { text, met: reached > 0 ? reached <= atMost : undefined }
  })
}

const verdict = met => met === undefined ? '–' : met ? 'yes' : '**no**'

function markdown (head, rows) {
  const line = cells => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => i === 0 ? '---' : '---:')), ...rows.map(line)].join('\n')
}

/** `results`: [{ scenario, cells: { server: { figure, perSecond, p50Us, p99Us } } }]. */
function costTable (results, servers) {
  const rows = results.map(({ scenario, cells }) => {
    const figures = Object.fromEntries(Object.entries(cells).map(([server, cell]) => [server, cell.figure]))
    const judged = judge(scenario, figures)
    return [
      `${scenario.title} (${scenario.unit})`,
      ...servers.map(server => number(figures[server])),
      number(ratio(figures.fanwire, figures.uws)),
      number(ratio(figures.fanwire, figures.limit)),
      judged.map(({ text }) => text).join('; ') || '–',
      judged.map(({ met }) => verdict(met)).join('; ') || '–'
    ]
  })
  return markdown(['scenario', ...servers.map(server => TITLES[server]), '× uWS.js', '× limit', 'target', 'met'], rows)
}

function wallTable (results, servers) {
  const rows = results.filter(({ cells }) => Object.values(cells).some(cell => cell.perSecond)).map(({ scenario, cells }) => [
    scenario.name,
    ...servers.map(server => {
      const cell = cells[server]
      return cell?.perSecond ? `${number(cell.perSecond)}/s, ${number(cell.p50Us / 1e3)} / ${number(cell.p99Us / 1e3)}` : '–'
    })
  ])
  return markdown(['rate, p50 / p99 ms', ...servers.map(server => TITLES[server])], rows)
}

module.exports = { costTable, wallTable, judge, number }
