'use strict'
// Fanwire: a real-time server with a native engine. index.d.ts is the reference.

const { errors, Reject } = require('./errors.js')
const { Server } = require('./server.js')
const { version } = require('../package.json')

/** @param {unknown} [options] */
const createServer = (options) => new Server(options)

module.exports = { createServer, Reject, errors, version }
