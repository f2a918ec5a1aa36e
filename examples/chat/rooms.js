'use strict'

// The rooms of the chat: who is in each, and the last messages. All of it in memory, all of it bounded.

const { randomUUID } = require('node:crypto')

const MAX_ROOMS = 200
const MAX_LISTED = 50
const MAX_HISTORY = 50

class Room {
  #people = new Map() // person id -> { person, sessions }: a person may sit here in two tabs
  #history = []

  constructor (name) {
    this.name = name
  }

  get people () {
    return Array.from(this.#people.values(), ({ person }) => person)
  }

  get size () {
    return this.#people.size
  }

  get history () {
    return this.#history
  }

  // One more session of this person. Answers what the others should hear: 'joined', 'renamed' or nothing.
  enter (person) {
    const here = this.#people.get(person.id)
    if (here) {
      here.sessions++
      return this.rename(person)
    }
    this.#people.set(person.id, { person, sessions: 1 })
    return 'joined'
  }

  rename (person) {
    const here = this.#people.get(person.id)
    if (here.person.name === person.name) return undefined
    here.person = person
    return 'renamed'
  }

  // One session fewer. Answers true when it was the person's last one.
  exit (person) {
    const here = this.#people.get(person.id)
    if (--here.sessions > 0) return false
    return this.#people.delete(person.id)
  }

  say (person, text, ref) {
    const known = this.#history.find((message) => message.ref === ref && message.from.id === person.id)
    if (known) return { message: known, isNew: false }
    const message = { id: randomUUID(), ref, atMs: Date.now(), from: person, text }
    this.#history.push(message)
    if (this.#history.length > MAX_HISTORY) this.#history.shift()
    return { message, isNew: true }
  }
}

class Rooms {
  #rooms = new Map()
  #permanent

  constructor (permanent) {
    this.#permanent = new Set(permanent)
    for (const name of permanent) this.#rooms.set(name, new Room(name))
  }

  // The room of that name, made if need be; undefined when there are too many rooms with people in them.
  open (name) {
    if (!this.#rooms.has(name) && this.#rooms.size >= MAX_ROOMS && !this.#forgetAnEmptyOne()) return undefined
    if (!this.#rooms.has(name)) this.#rooms.set(name, new Room(name))
    return this.#rooms.get(name)
  }

  // The permanent rooms first, then those with the most people in them.
  list () {
    const others = [...this.#rooms.values()]
      .filter((room) => room.size > 0 && !this.#permanent.has(room.name))
      .sort((a, b) => b.size - a.size || a.name.localeCompare(b.name))
    return [...this.#permanent]
      .map((name) => this.#rooms.get(name))
      .concat(others)
      .slice(0, MAX_LISTED)
      .map(({ name, size }) => ({ name, size }))
  }

  #forgetAnEmptyOne () {
    for (const [name, room] of this.#rooms) {
      if (room.size === 0 && !this.#permanent.has(name)) return this.#rooms.delete(name)
    }
    return false
  }
}

module.exports = { Rooms }
