// Options, addressing and events.
import http from 'node:http'
import { createServer, errors, Reject, version, type CloseDetails, type Door, type Session } from 'fanwire'
import fanwire from 'fanwire'

const server = createServer({
  threads: 'auto',
  logger: console,
  handshakeTimeoutMs: 1,
  handlerTimeoutMs: 1,
  messageTimeoutMs: 1,
  maxHeaderBytes: 256,
  maxConnections: 1,
  maxIncompleteBytes: 65_536,
  maxRoomsPerSession: 1
})
createServer({ threads: 2 })
// @ts-expect-error 'auto' or a number
createServer({ threads: 'many' })
// @ts-expect-error no such option
createServer({ thread: 2 })

server.ws('/live/:room', { publishTo: 'live/:room' })
server.ws('/others/:room', { publishTo: { room: 'live/:room', except: 'sender' } })
// @ts-expect-error only the sender can be left out
server.ws('/all/:room', { publishTo: { room: 'live/:room', except: 'all' } })
// @ts-expect-error no such option
server.ws('/x', { massage () {} })
// @ts-expect-error one of four words
server.ws('/x', { limits: { overflow: 'drop' } })
// @ts-expect-error no such limit
server.ws('/x', { limits: { maxMessageSize: 1 } })

server.ws('/chat/:room', {
  limits: { maxMessageBytes: 65_536, overflow: 'keep-latest' },
  async open (session) {
    const room: string | undefined = session.params.room
    const joined: boolean = session.join(room ?? 'lobby')
    const rooms: string[] = session.rooms
    const state: 0 | 1 | 2 | 3 = session.readyState
    const user: string | null = session.user
    const header: string | undefined = session.request.headers.cookie
    const raw: http.IncomingMessage | undefined = session.request.raw
    // @ts-expect-error read only
    session.id = 'x'
    return [joined, rooms, state, user, header, raw]
  },
  drain (session) { session.send('go on') },
  error (session, error) { const code: string = error.code; return code },
  close (session, { code, reason, cause, wasClean }) {
    const details: CloseDetails = { code, reason, cause, wasClean }
    // @ts-expect-error no such cause
    if (cause === 'boredom') return
    return details
  }
})

const door: Door = await server.listen({ port: 0, host: '127.0.0.1', backlog: 16 })
const port: number | undefined = door.port
await server.listen({ path: '/run/chat.sock' })
// @ts-expect-error TLS is not an option yet
await server.listen({ port: 0, tls: {} })
server.attach(http.createServer()).attach(http.createServer())
// @ts-expect-error a number is no server
server.attach(80)

declare const session: Session
const taken: boolean = session.send({ type: 'notice' }, { key: 'EURUSD', binary: false, volatile: true })
session.send(Buffer.alloc(1))
session.send(new Float64Array(1))
session.send(new ArrayBuffer(1))
// @ts-expect-error a number is no message
session.send(1)
// @ts-expect-error null is no message
session.send(null)
// @ts-expect-error a session leaves nobody out
session.send('x', { except: session })
// @ts-expect-error a reason is a string
session.close(1000, Buffer.alloc(1))

const sent: boolean = server.room('lobby').except(session).send('hello', { except: [session] })
const size: number = server.room('lobby').size
for (const member of server.room('lobby')) member.leave('lobby')
for (const member of server.user('alice').sessions()) member.identify(null)
server.user('alice').except(session).close(4403, 'kicked')
server.session('id').close(4403, 'kicked')
const found: Session | undefined = server.session('id').session
server.broadcast('x', { where: (one) => one.data.role === 'editor', except: session })
// @ts-expect-error a room has no where
server.room('lobby').send('x', { where: () => true })

server.on('error', (error, from) => { const one: Session | undefined = from; return [error, one] })
server.once('drain', () => {})
// @ts-expect-error no such event
server.on('connection', () => {})

const meaning: string = errors.ERR_FANWIRE_CLOSED
// @ts-expect-error no such code
errors.ERR_FANWIRE_NOTHING
const reject: Error = new Reject(403, 'not a member', { 'x-why': 'rooms', 'set-cookie': ['a=1', 'b=2'] })
const text: string = version
const same: typeof createServer = fanwire.createServer
const stats: number | undefined = server.stats().sessions
const perThread: number | undefined = server.stats().reactors?.[0]?.messagesOut
await server.close({ drainMs: 10_000 })
{
  await using disposable = createServer()
  void disposable
}
void [port, taken, sent, size, found, meaning, reject, text, same, stats, perThread]
