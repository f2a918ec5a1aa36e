// Log: the messages on the page, oldest first, with our own unsent ones at the end.

import { $, avatar, dayOf, element, timeOf } from './dom.js'

const MAX_LINES = 500
const GROUP_MS = 5 * 60_000
const NEAR_BOTTOM_PX = 80

export class Log {
  #list = $('log')
  #scroll = $('log-scroll')
  #seen = new Set() // ids of the messages on the page
  #waiting = new Map() // ref -> line of a message of ours that has no answer yet
  #unreadBelow = 0

  constructor () {
    $('to-latest').addEventListener('click', () => this.toBottom())
    this.#scroll.addEventListener('scroll', () => { if (this.#isAtBottom()) this.#setUnreadBelow(0) })
    new ResizeObserver(() => { if (this.#unreadBelow === 0) this.toBottom() }).observe(this.#scroll)
  }

  clear () {
    this.#list.replaceChildren()
    this.#seen.clear()
    this.#waiting.clear()
    this.#setUnreadBelow(0)
    this.#showEmpty()
  }

  // What the server remembers of the room, without being read out line by line.
  addHistory (messages, myId) {
    this.#list.setAttribute('aria-live', 'off')
    for (const message of messages) this.add(message, myId)
    this.toBottom()
    requestAnimationFrame(() => this.#list.setAttribute('aria-live', 'polite'))
  }

  // Answers false for a message that is on the page already.
  add (message, myId) {
    if (this.#seen.has(message.id)) return false
    this.#seen.add(message.id)
    const isMine = message.from.id === myId
    if (isMine) this.#drop(message.ref)
    const day = dayOf(message.atMs)
    if (this.#lastOf('[data-day]')?.dataset.day !== day) this.#append(element('li', { className: 'day', 'data-day': day }, day))
    this.#append(this.#messageLine(message, isMine), isMine)
    return true
  }

  addWaiting ({ ref, text, from }) {
    const line = this.#messageLine({ text, from, ref }, true)
    line.classList.add('waiting')
    this.#waiting.set(ref, line)
    this.#list.append(line)
    this.#showEmpty()
    this.toBottom()
  }

  fail (ref) {
    this.#drop(ref)
    this.#showEmpty()
  }

  note (text) {
    this.#append(element('li', { className: 'note' }, element('bdi', {}, text)))
  }

  toBottom () {
    this.#scroll.scrollTop = this.#scroll.scrollHeight
    this.#setUnreadBelow(0)
  }

  #messageLine ({ text, from, atMs }, isMine) {
    const previous = this.#lastOf('li:not(.waiting)')
    const follows = previous?.dataset.from === from.id && previous.dataset.name === from.name &&
      (atMs ?? Date.now()) - Number(previous.dataset.atMs) < GROUP_MS
    const author = element('bdi', { className: 'author' }, isMine ? 'You' : from.name)
    const bubble = element('div', { className: 'bubble' },
      element('p', { className: 'text', dir: 'auto' }, text),
      atMs === undefined ? element('span', { className: 'state' }, 'Waiting') : timeOf(atMs))
    const line = element('li', { className: `message ${isMine ? 'own' : 'other'}${follows ? ' follows' : ''}` },
      avatar(from), element('div', { className: 'column' }, author, bubble))
    Object.assign(line.dataset, { from: from.id, name: from.name, atMs: atMs ?? Date.now() })
    return line
  }

  #append (line, isMine = false) {
    const wasAtBottom = this.#isAtBottom()
    this.#list.insertBefore(line, this.#waiting.values().next().value ?? null)
    while (this.#list.childElementCount > MAX_LINES) this.#list.firstElementChild.remove()
    this.#showEmpty()
    if (isMine || wasAtBottom) this.toBottom()
    else if (line.classList.contains('message')) this.#setUnreadBelow(this.#unreadBelow + 1)
  }

  #drop (ref) {
    this.#waiting.get(ref)?.remove()
    this.#waiting.delete(ref)
  }

  #lastOf (selector) {
    const found = this.#list.querySelectorAll(selector)
    return found[found.length - 1]
  }

  #isAtBottom () {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX
  }

  #setUnreadBelow (count) {
    this.#unreadBelow = count
    $('to-latest').hidden = count === 0
    $('to-latest-text').textContent = count === 1 ? '1 new message' : `${count} new messages`
  }

  #showEmpty () {
    $('empty').hidden = this.#list.querySelector('.message') !== null
  }
}
