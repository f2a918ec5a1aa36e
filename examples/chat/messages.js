'use strict'

// What a client may say. Everything that comes in passes parseMessage() before anything else sees it.
//   { type: 'join', room, name, key }    sit down in a room; the key is a secret of this browser tab
//   { type: 'say', text, ref }           ref: the client's own mark, so that a repeated send is known
//   { type: 'typing', on }

const { createHash } = require('node:crypto')

const LIMITS = Object.freeze({
  messageBytes: 16_384, // of JSON: 2,000 characters, each escaped, fit in
  textLength: 2_000,
  nameLength: 24,
  roomLength: 32
})

class BadMessage extends Error {
  constructor (code, text, ref) {
    super(text)
    this.code = code
    this.ref = ref
  }
}

function parseMessage (data, isBinary) {
  if (isBinary) throw new BadMessage('bad-message', 'Messages are JSON text.')
  let message
  try {
    message = JSON.parse(data)
  } catch {
    throw new BadMessage('bad-message', 'Messages are JSON text.')
  }
  switch (message?.type) {
    case 'join': return {
      type: 'join',
      room: parseRoom(message.room),
      person: { id: personId(message.key), name: parseName(message.name) }
    }
    case 'say': {
      const ref = parseRef(message.ref)
      return { type: 'say', text: parseText(message.text, ref), ref }
    }
    case 'typing': return { type: 'typing', on: message.on === true }
    default: throw new BadMessage('bad-message', 'There is no message of this type.')
  }
}

function parseRoom (room) {
  const name = typeof room === 'string' ? room.normalize('NFC').toLowerCase() : ''
  if (name.length > LIMITS.roomLength || !/^[\p{L}\p{M}\p{N}]+(?:[-_][\p{L}\p{M}\p{N}]+)*$/u.test(name)) {
    throw new BadMessage('bad-room', `A room's name has 1 to ${LIMITS.roomLength} letters, digits and single dashes.`)
  }
  return name
}

function parseName (name) {
  const trimmed = typeof name === 'string' ? name.normalize('NFC').trim().replace(/\s+/g, ' ') : ''
  // Letters, marks, digits, punctuation, symbols, blanks: nothing invisible that could pass for another name.
  if (trimmed.length > LIMITS.nameLength || !/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(trimmed)) {
    throw new BadMessage('bad-name', `A name has 1 to ${LIMITS.nameLength} visible characters.`)
  }
  return trimmed
}

function parseText (text, ref) {
  const trimmed = typeof text === 'string' ? text.trim() : ''
  if (trimmed === '') throw new BadMessage('bad-text', 'A message needs some text.', ref)
  if (trimmed.length > LIMITS.textLength) {
    throw new BadMessage('bad-text', `A message has at most ${LIMITS.textLength} characters.`, ref)
  }
  return trimmed
}

function parseRef (ref) {
  if (typeof ref !== 'string' || !/^[\w-]{1,40}$/.test(ref)) throw new BadMessage('bad-message', 'A message needs a ref.')
  return ref
}

// The others see only the digest of the key: who comes back with the key is the same person,
// and nobody else can be.
function personId (key) {
  if (typeof key !== 'string' || key.length < 16 || key.length > 64) {
    throw new BadMessage('bad-message', 'A key has 16 to 64 characters.')
  }
  return createHash('sha256').update(key).digest('base64url').slice(0, 16)
}

module.exports = { BadMessage, LIMITS, parseMessage }
