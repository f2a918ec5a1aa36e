'use strict'
// ReceivePool: Buffers for received messages, cut from larger blocks: a block costs one allocation, a Buffer of its own for each
// message several times the copy. A message that is kept keeps its block: at most 32 times its own size.

const BLOCK_BYTES = 128 * 1024
const MIN_BYTES = 4 * 1024 // below, Buffer's own pool serves
const MAX_BYTES = 32 * 1024 // above, a message has its own

class ReceivePool {
  #block = Buffer.alloc(0)
  #used = 0

  /** A copy of bytes [start, start + size) that is the caller's. @param {Buffer} bytes @param {number} start @param {number} size */
  copy (bytes, start, size) {
    const copy = size < MIN_BYTES || size > MAX_BYTES ? Buffer.allocUnsafe(size) : this.#cut(size)
    bytes.copy(copy, 0, start, start + size)
    return copy
  }

  /** @param {number} size */
  #cut (size) {
    if (this.#used + size > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
      this.#used = 0
    }
    const start = this.#used
    this.#used += (size + 7) & ~7
    return this.#block.subarray(start, start + size)
  }
}

module.exports = { ReceivePool }
