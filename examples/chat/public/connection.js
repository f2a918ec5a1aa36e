// Connection: one WebSocket that comes back by itself.
//
//   connecting ──► online ──► reconnecting ──► online …       (offline: the browser has no network)
//
// Events: 'state' (look at .state and .retryAtMs) and 'message' (.detail is the parsed message).

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 15_000
const CONNECT_TIMEOUT_MS = 10_000

export class Connection extends EventTarget {
  #url
  #socket
  #state = 'connecting'
  #failures = 0
  #timer
  #retryAtMs

  constructor (url) {
    super()
    this.#url = url
    addEventListener('online', () => this.retryNow())
    addEventListener('offline', () => this.#lost())
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.retryNow() })
  }

  get state () { return this.#state }

  // When the next attempt starts; undefined while one is under way or none is needed.
  get retryAtMs () { return this.#retryAtMs }

  open () {
    clearTimeout(this.#timer)
    this.#retryAtMs = undefined
    const socket = this.#socket = new WebSocket(this.#url)
    this.#timer = setTimeout(() => this.#lost(), CONNECT_TIMEOUT_MS)
    socket.onopen = () => {
      clearTimeout(this.#timer)
      this.#become('online')
    }
    socket.onmessage = ({ data }) => {
      this.#failures = 0 // only a server that also answers counts as back
      this.dispatchEvent(new CustomEvent('message', { detail: JSON.parse(data) }))
    }
    socket.onclose = () => this.#lost()
    this.dispatchEvent(new Event('state'))
  }

  // true: handed to the browser. Whether it arrived, only an answer tells.
  send (message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(JSON.stringify(message))
    return true
  }

  retryNow () {
    if (this.#retryAtMs !== undefined) this.open()
  }

  // Waits twice as long after each failure, and never all clients the same time: after a restart
  // of the server they do not come back in one wave.
  #lost () {
    const socket = this.#socket
    if (!socket) return
    this.#socket = undefined
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
    clearTimeout(this.#timer)
    const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures++) * (0.5 + Math.random() / 2)
    this.#retryAtMs = Date.now() + delayMs
    this.#timer = setTimeout(() => this.open(), delayMs)
    this.#become(navigator.onLine ? 'reconnecting' : 'offline')
  }

  #become (state) {
    this.#state = state
    this.dispatchEvent(new Event('state'))
  }
}
