// The same as index.js, for import.
import fanwire from './index.js'

export const { createServer, Reject, errors, version } = fanwire
export default fanwire
