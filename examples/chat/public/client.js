import { Connection } from './connection.js'
import { $, Drawer, avatar, element, paintAvatar } from './dom.js'
import { Log } from './log.js'

const DEFAULT_ROOM = 'lobby'
const TYPING_REPEAT_MS = 3_000 // how often we say that we are still typing
const TYPING_LASTS_MS = 5_000 // how long we believe it of others
const MAX_UNSENT = 20

const connection = new Connection(new URL('chat', location.href.replace(/^http/, 'ws').replace(/[?#].*$/, '')))
const log = new Log()
const roomsDrawer = new Drawer($('rooms-panel'), $('open-rooms'), '(max-width: 759px)')
const peopleDrawer = new Drawer($('people-panel'), $('open-people'), '(max-width: 1079px)')
const hasMouse = matchMedia('(hover: hover) and (pointer: fine)')

let room // the room we want to be in
let joinedRoom // the room the server last put us in
let me = { id: '', name: '' }
let people = []
let unsent = [] // { room, ref, text }: said, but not heard back from the server yet
let unreadCount = 0
const typing = new Map() // person id -> { name, timer }

// ---- storage: the name for the next visit, the rest for this tab ------------------------------

function stored (storage, key) {
  try { return storage.getItem(`fanwire-chat.${key}`) } catch { return null }
}

function store (storage, key, value) {
  try { storage.setItem(`fanwire-chat.${key}`, value) } catch { /* a private window: then not */ }
}

function randomText () {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const key = stored(sessionStorage, 'key') ?? randomText()
store(sessionStorage, 'key', key)

// ---- rooms ---------------------------------------------------------------------------------

function roomIn (hash) {
  let name = hash.replace(/^#/, '')
  try { name = decodeURIComponent(name) } catch { /* then as it stands */ }
  return slug(name) || DEFAULT_ROOM
}

function slug (text) {
  return text.normalize('NFC').toLowerCase().replace(/[^\p{L}\p{M}\p{N}_]+/gu, '-').replace(/[-_]{2,}/g, '-')
    .slice(0, 32).replace(/^[-_]+|[-_]+$/g, '')
}

function goTo (name) {
  if (name === room) return
  room = name
  $('room-title').textContent = name
  $('entry-room').textContent = name
  $('text').placeholder = `Message #${name}`
  clearTyping()
  log.clear()
  for (const message of unsentHere()) log.addWaiting({ ...message, from: me })
  showPeople([])
  showUnread(0)
  hideProblem()
  join()
  if (hasMouse.matches && me.name) focusText()
}

function showRooms (rooms) {
  const names = rooms.some(({ name }) => name === room) ? rooms : [...rooms, { name: room, size: people.length }]
  $('room-list').replaceChildren(...names.map(({ name, size }) => {
    const link = element('a', { href: `#${encodeURIComponent(name)}`, 'aria-current': name === room && 'page' },
      element('span', { className: 'hash', 'aria-hidden': 'true' }, '#'),
      element('bdi', {}, name),
      element('span', { className: 'count', 'aria-hidden': 'true' }, size > 0 ? String(size) : ''),
      element('span', { className: 'visually-hidden' }, size === 1 ? ', 1 person' : `, ${size} people`))
    link.addEventListener('click', () => roomsDrawer.close())
    return element('li', {}, link)
  }))
}

addEventListener('hashchange', () => goTo(roomIn(location.hash)))

$('new-room').addEventListener('submit', (event) => {
  event.preventDefault()
  const name = slug($('new-room-name').value)
  if (!name) return
  $('new-room-name').value = ''
  roomsDrawer.close()
  location.hash = encodeURIComponent(name)
})

$('share').addEventListener('click', async () => {
  const link = new URL(`#${encodeURIComponent(room)}`, location.href).href
  try {
    if (navigator.share && !hasMouse.matches) await navigator.share({ title: `#${room}`, url: link })
    else {
      await navigator.clipboard.writeText(link)
      tell('Link copied.')
    }
  } catch (error) {
    if (error.name !== 'AbortError') tell(`The link is ${link}`)
  }
})

// ---- what the server says --------------------------------------------------------------------

const handlers = {
  welcome (message) {
    const isSameRoom = joinedRoom === message.room
    joinedRoom = message.room
    me = message.you
    showMe()
    log.addHistory(message.history, me.id)
    for (const { ref } of message.history) forget(ref)
    for (const { ref, text } of unsentHere()) connection.send({ type: 'say', ref, text })
    showPeople(message.people)
    showRooms(message.rooms)
    clearTyping()
    if (!isSameRoom) lastTypingMs = 0
  },

  message ({ message }) {
    forget(message.ref)
    stopTyping(message.from.id)
    const isNew = log.add(message, me.id)
    if (isNew && message.from.id !== me.id && document.hidden) showUnread(unreadCount + 1)
  },

  people ({ change, person }) {
    const before = people.find(({ id }) => id === person.id)
    const others = people.filter(({ id }) => id !== person.id)
    showPeople(change === 'left' ? others : [...others, person])
    if (change !== 'joined') stopTyping(person.id)
    if (person.id === me.id) return
    if (change === 'joined') log.note(`${person.name} joined`)
    else if (change === 'left') log.note(`${person.name} left`)
    else log.note(`${before?.name ?? 'Somebody'} is now ${person.name}`)
  },

  typing ({ on, person }) {
    stopTyping(person.id)
    if (!on || person.id === me.id) return
    typing.set(person.id, { name: person.name, timer: setTimeout(() => stopTyping(person.id), TYPING_LASTS_MS) })
    showTyping()
  },

  rooms ({ rooms }) {
    showRooms(rooms)
  },

  error ({ code, text, ref }) {
    const message = unsent.find((candidate) => candidate.ref === ref)
    if (message) {
      forget(ref)
      log.fail(ref)
      if ($('text').value === '') setText(message.text)
    }
    if (code === 'bad-name') askName(text)
    else showProblem(text)
  }
}

connection.addEventListener('message', ({ detail: message }) => {
  const isElsewhere = message.room !== undefined && message.room !== room // a late word from the room before
  if (!isElsewhere) handlers[message.type]?.(message)
})

// ---- the connection's state --------------------------------------------------------------------

const STATE_TEXT = { connecting: 'Connecting', online: 'Online', reconnecting: 'Reconnecting', offline: 'Offline' }
let countdownTimer

connection.addEventListener('state', () => {
  const { state } = connection
  $('connection').dataset.state = document.body.dataset.state = state
  if ($('connection-text').textContent !== STATE_TEXT[state]) $('connection-text').textContent = STATE_TEXT[state]
  $('retry').hidden = state === 'connecting' || state === 'online'
  $('retry-text').textContent = state === 'offline' ? 'You are offline.' : 'Connection lost.'
  clearInterval(countdownTimer)
  countdownTimer = undefined
  if (!$('retry').hidden) {
    showCountdown()
    countdownTimer = setInterval(showCountdown, 250)
  }
  if (state === 'online') join()
  else clearTyping()
})

function showCountdown () {
  const isWaiting = connection.retryAtMs !== undefined
  const seconds = isWaiting ? Math.max(1, Math.ceil((connection.retryAtMs - Date.now()) / 1_000)) : 0
  $('countdown').textContent = isWaiting ? `Next try in ${seconds} s` : 'Trying …'
  $('retry-now').disabled = !isWaiting
}

$('retry-now').addEventListener('click', () => connection.retryNow())

function join () {
  if (me.name) connection.send({ type: 'join', room, name: me.name, key })
}

// ---- saying something --------------------------------------------------------------------------

const text = $('text')
let lastTypingMs = 0

$('composer').addEventListener('submit', (event) => {
  event.preventDefault()
  const body = text.value.trim()
  if (body === '') return
  if (unsent.length >= MAX_UNSENT) return showProblem('Wait for the connection: too much is waiting to be sent.')
  const message = { room, ref: randomText(), text: body }
  unsent.push(message)
  log.addWaiting({ ...message, from: me })
  if (joinedRoom === room) connection.send({ type: 'say', ref: message.ref, text: body })
  setText('')
  lastTypingMs = 0
  hideProblem()
  focusText()
})

text.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault()
    $('composer').requestSubmit()
  }
})

text.addEventListener('input', () => {
  fitText()
  if (text.value === '') {
    if (lastTypingMs !== 0) connection.send({ type: 'typing', on: false })
    lastTypingMs = 0
  } else if (Date.now() - lastTypingMs > TYPING_REPEAT_MS && joinedRoom === room) {
    if (connection.send({ type: 'typing', on: true })) lastTypingMs = Date.now()
  }
})

function setText (value) {
  text.value = value
  fitText()
}

// With the caret too: a field that gets the focus back from a closed dialog may have none.
function focusText () {
  text.focus()
  text.setSelectionRange(text.value.length, text.value.length)
}

function fitText () {
  text.style.height = 'auto'
  text.style.height = `${text.scrollHeight}px`
  const left = text.maxLength - text.value.length
  $('left-over').hidden = left > 200
  $('left-over').textContent = `${left} left`
}

function unsentHere () {
  return unsent.filter((message) => message.room === room)
}

function forget (ref) {
  unsent = unsent.filter((message) => message.ref !== ref)
}

$('skip').addEventListener('click', (event) => {
  event.preventDefault()
  focusText()
})

// ---- who is here, who is typing --------------------------------------------------------------

function showPeople (list) {
  people = list.toSorted((a, b) => (b.id === me.id) - (a.id === me.id) || a.name.localeCompare(b.name))
  $('people-list').replaceChildren(...people.map((person) => element('li', { className: typing.has(person.id) ? 'is-typing' : '' },
    avatar(person),
    element('bdi', {}, person.name),
    person.id === me.id ? element('span', { className: 'tag' }, 'you') : '')))
  $('people-count').textContent = String(people.length)
  $('people-count-short').textContent = String(people.length)
}

function showMe () {
  $('my-name').textContent = me.name
  paintAvatar($('my-avatar'), me)
}

function stopTyping (id) {
  clearTimeout(typing.get(id)?.timer)
  if (typing.delete(id)) showTyping()
}

function clearTyping () {
  for (const { timer } of typing.values()) clearTimeout(timer)
  typing.clear()
  showTyping()
}

function showTyping () {
  const names = Array.from(typing.values(), ({ name }) => name)
  $('typing').classList.toggle('on', names.length > 0)
  if (names.length === 1) $('typing-text').textContent = `${names[0]} is typing`
  else if (names.length === 2) $('typing-text').textContent = `${names[0]} and ${names[1]} are typing`
  else $('typing-text').textContent = names.length > 2 ? `${names.length} people are typing` : ''
}

// ---- unread messages in the title ------------------------------------------------------------

function showUnread (count) {
  unreadCount = count
  document.title = `${count > 0 ? `(${count}) ` : ''}#${room} · Fanwire chat`
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) showUnread(0) })

// ---- short notices ----------------------------------------------------------------------------

let tellTimer

function showProblem (message) {
  $('problem').classList.add('problem')
  $('problem').textContent = message
  $('problem').hidden = false
  clearTimeout(tellTimer)
}

function tell (message) {
  showProblem(message)
  $('problem').classList.remove('problem')
  tellTimer = setTimeout(hideProblem, 4_000)
}

function hideProblem () {
  $('problem').hidden = true
}

// ---- coming in ---------------------------------------------------------------------------------

function askName (problem = '') {
  $('name').value = me.name || stored(localStorage, 'name') || ''
  $('name-problem').textContent = problem
  $('name').setAttribute('aria-invalid', String(problem !== ''))
  $('enter').textContent = me.name ? 'Save' : 'Enter the chat'
  if (!$('entry').open) $('entry').showModal()
  $('name').select()
}

$('entry-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const name = $('name').value.trim()
  if (name === '') return askName('Please type a name.')
  store(localStorage, 'name', name)
  store(sessionStorage, 'name', name)
  me = { ...me, name }
  $('entry').close()
  showMe()
  join()
})

$('entry').addEventListener('close', () => { if (hasMouse.matches) focusText() })

$('entry').addEventListener('cancel', (event) => { if (!me.name) event.preventDefault() })

$('rename').addEventListener('click', () => {
  roomsDrawer.close()
  askName()
})

$('people-list').addEventListener('click', () => peopleDrawer.close())

me.name = stored(sessionStorage, 'name') ?? ''
goTo(roomIn(location.hash))
showRooms([])
if (me.name) showMe()
else askName()
connection.open()
