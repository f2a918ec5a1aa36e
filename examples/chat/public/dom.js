// Small pieces of the page. Whatever people typed goes in as text, never as markup.

export const $ = (id) => document.getElementById(id)

export function element (tag, properties = {}, ...children) {
  const node = document.createElement(tag)
  const { className, ...attributes } = properties
  if (className) node.className = className
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value)
  }
  node.append(...children)
  return node
}

export function paintAvatar (node, person) {
  const words = person.name.split(/[\s._-]+/).filter(Boolean)
  const letters = words.length > 1 ? [words[0], words.at(-1)].map((word) => [...word][0]) : [...person.name].slice(0, 2)
  node.textContent = letters.join('').toUpperCase()
  let hue = 0
  for (const character of person.id) hue = (hue * 31 + character.codePointAt(0)) % 360
  node.style.setProperty('--hue', hue)
  return node
}

export function avatar (person) {
  return paintAvatar(element('span', { className: 'avatar', 'aria-hidden': 'true' }), person)
}

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })

export function timeOf (atMs) {
  const date = new Date(atMs)
  return element('time', { datetime: date.toISOString(), title: date.toLocaleString() }, timeFormat.format(date))
}

export function dayOf (atMs) {
  const day = new Date(atMs).toDateString()
  if (day === new Date().toDateString()) return 'Today'
  if (day === new Date(Date.now() - 86_400_000).toDateString()) return 'Yesterday'
  return dayFormat.format(new Date(atMs))
}

// A side panel that becomes a drawer on a narrow window: out of reach while shut, and it keeps
// the focus while open.
export class Drawer {
  #panel
  #opener
  #media
  #isOpen = false

  constructor (panel, opener, mediaQuery) {
    this.#panel = panel
    this.#opener = opener
    this.#media = matchMedia(mediaQuery)
    this.#media.addEventListener('change', () => this.close())
    opener.addEventListener('click', () => this.#set(true))
    panel.querySelector('.close-panel').addEventListener('click', () => this.close())
    $('shade').addEventListener('click', () => this.close())
    addEventListener('keydown', ({ key }) => { if (key === 'Escape') this.close() })
    this.#set(false)
  }

  close () {
    const hadFocus = this.#panel.contains(document.activeElement)
    const wasOpen = this.#isOpen
    this.#set(false)
    if (wasOpen && hadFocus) this.#opener.focus()
  }

  #set (isOpen) {
    const changes = isOpen !== this.#isOpen
    this.#isOpen = isOpen
    this.#panel.classList.toggle('open', isOpen)
    this.#panel.inert = this.#media.matches && !isOpen
    this.#opener.setAttribute('aria-expanded', String(isOpen))
    if (!changes) return
    $('shade').hidden = !isOpen
    $('conversation').inert = isOpen
    if (isOpen) this.#panel.querySelector('.close-panel').focus()
  }
}
