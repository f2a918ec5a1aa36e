// Sends ticks through two endpoints and draws how long each takes to come back.

const TICK_MS = 40
const BLOCK_MS = 2_000
const WINDOW_MS = 15_000
const LOWEST_MS = 0.1
const HIGHEST_MS = 10_000

const $ = (id) => document.getElementById(id)
const room = crypto.getRandomValues(new Uint32Array(2)).join('')
const blocks = [] // { fromMs, toMs }: when JavaScript was blocked

class Lane {
  ticks = [] // { sentMs, backMs }, oldest first
  count = 0

  constructor (name) {
    this.name = name
    this.socket = new WebSocket(new URL(`${name}/${room}`, location.href.replace(/^http/, 'ws')))
    this.socket.onopen = () => { if (lanes.every((lane) => lane.isOpen)) $('status').textContent = 'Ready.' }
    this.socket.onclose = () => { $('status').textContent = 'The server is gone. Reload the page when it is back.' }
    this.socket.onmessage = ({ data }) => {
      const tick = this.ticks.find(({ sentMs }) => sentMs === Number(data))
      if (tick) tick.backMs = performance.now()
      this.count++
    }
  }

  get isOpen () { return this.socket.readyState === WebSocket.OPEN }

  send (nowMs) {
    if (!this.isOpen) return
    this.ticks.push({ sentMs: nowMs, backMs: undefined })
    this.socket.send(String(nowMs))
  }

  forget (nowMs) {
    while (this.ticks.length > 0 && this.ticks[0].sentMs < nowMs - WINDOW_MS) this.ticks.shift()
  }

  // A tick that is not back yet counts with the time it has been waiting.
  trips (nowMs) {
    return this.ticks
      .filter(({ sentMs, backMs }) => backMs !== undefined || nowMs - sentMs > TICK_MS)
      .map(({ sentMs, backMs }) => ({ sentMs, tripMs: Math.max(LOWEST_MS, (backMs ?? nowMs) - sentMs), isBack: backMs !== undefined }))
  }
}

const lanes = [new Lane('native'), new Lane('js')]

setInterval(() => {
  const nowMs = performance.now()
  for (const lane of lanes) {
    lane.send(nowMs)
    lane.forget(nowMs)
  }
}, TICK_MS)

$('block').addEventListener('click', async () => {
  $('block').disabled = true
  $('status').textContent = 'JavaScript is blocked …'
  try {
    const response = await fetch(`block?ms=${BLOCK_MS}`, { method: 'POST' }) // settles as the block begins
    const block = { fromMs: performance.now(), toMs: Infinity }
    blocks.push(block)
    await response.text() // settles when it is over
    block.toMs = performance.now()
    // Without the last tenth: what comes right after the block must not be counted.
    const [native, js] = lanes.map(({ ticks }) =>
      ticks.filter(({ backMs }) => backMs > block.fromMs && backMs < block.fromMs + 0.9 * BLOCK_MS).length)
    $('status').textContent = `While JavaScript was blocked: ${native} ticks came back natively, ${js} through JavaScript.`
  } catch {
    $('status').textContent = 'The server did not answer.'
  }
  $('block').disabled = false
})

// ---- drawing -----------------------------------------------------------------------------------

const canvas = $('chart')
const context = canvas.getContext('2d')
const LEFT = 56
const BOTTOM = 6

function draw () {
  const nowMs = performance.now()
  const { clientWidth: width, clientHeight: height } = canvas
  const scale = devicePixelRatio
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
  }
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)

  const style = getComputedStyle(document.documentElement)
  const color = (name) => style.getPropertyValue(`--${name}`)
  const x = (ms) => LEFT + (width - LEFT) * (1 - (nowMs - ms) / WINDOW_MS)
  const y = (ms) => {
    const part = Math.log10(ms / LOWEST_MS) / Math.log10(HIGHEST_MS / LOWEST_MS)
    return height - BOTTOM - (height - BOTTOM - 10) * Math.min(1, Math.max(0, part))
  }

  context.fillStyle = color('blocked')
  for (const { fromMs, toMs } of blocks) {
    const fromX = Math.max(LEFT, x(fromMs))
    const toX = x(Math.min(toMs, nowMs))
    if (toX > LEFT) context.fillRect(fromX, 0, toX - fromX, height)
  }

  context.font = '12px system-ui, sans-serif'
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  context.lineWidth = 1
  for (let ms = LOWEST_MS; ms <= HIGHEST_MS; ms *= 10) {
    context.fillStyle = color('ink-soft')
    context.fillText(Number(ms.toPrecision(1)).toLocaleString(), LEFT - 8, y(ms))
    context.strokeStyle = color('line')
    context.beginPath()
    context.moveTo(LEFT, y(ms))
    context.lineTo(width, y(ms))
    context.stroke()
  }

  context.save()
  context.beginPath()
  context.rect(LEFT, 0, width - LEFT, height)
  context.clip()
  for (const lane of lanes.toReversed()) {
    const trips = lane.trips(nowMs)
    context.strokeStyle = color(lane.name)
    context.lineWidth = 2
    context.lineJoin = 'round'
    context.beginPath()
    for (const { sentMs, tripMs } of trips) context.lineTo(x(sentMs), y(tripMs))
    context.stroke()
    showFigures(lane, trips)
  }
  context.restore()
  requestAnimationFrame(draw)
}

function showFigures ({ name, count }, trips) {
  if (trips.length === 0) return
  // The oldest tick that is still out says more than the last one that came back.
  const latest = trips.find(({ isBack }) => !isBack) ?? trips.at(-1)
  $(`${name}-latest`).textContent = format(latest.tripMs)
  $(`${name}-worst`).textContent = format(Math.max(...trips.map(({ tripMs }) => tripMs)))
  $(`${name}-count`).textContent = count.toLocaleString()
}

function format (ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString()} ms`
}

draw()
