'use strict'
// message: the messages of the load client (bench/load/message_book.h), for a server that publishes by itself.
// A message is a 12-byte stamp (4 of publisher, 8 of sequence, 6 bits a byte) and a piece of a fixed pattern
// that the stamp chooses; all bytes are '0' … 'o'.
const STAMP_BYTES = 12
const PIECES = 1024

/** Makes a function (publisher, sequence) → Buffer of `bytes` bytes. */
function messageWriter (bytes) {
  const pattern = Buffer.alloc(bytes + 4 * PIECES)
  let state = 1
  for (let i = 0; i < pattern.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    pattern[i] = 48 + (state >>> 26)
  }
  return (publisher, sequence) => {
    const message = Buffer.alloc(bytes)
    for (let i = 0; i < 4; i++) message[i] = 48 + (publisher >>> (6 * i) & 63)
    for (let i = 0; i < 8; i++) message[4 + i] = 48 + Math.floor(sequence / 64 ** i) % 64
    const offset = (publisher * 7 + sequence) % PIECES * 4
    pattern.copy(message, STAMP_BYTES, offset, offset + bytes - STAMP_BYTES)
    return message
  }
}

module.exports = { messageWriter }
