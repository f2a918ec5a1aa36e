// CommonJS.
import fanwire = require('fanwire')

const server: fanwire.Server = fanwire.createServer({ threads: 1 })
const endpoint: fanwire.Endpoint = server.ws('/echo', { message (session, data) { session.send(data) } })
const size: number = endpoint.size
// @ts-expect-error no such export
fanwire.createClient()
void [size, new fanwire.Reject(401), fanwire.errors, fanwire.version]
