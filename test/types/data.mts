// session.data has the type of what authenticate returns.
import { createServer, Reject, type Request, type Session } from 'fanwire'

const server = createServer()

const editors = server.ws('/first', {
  authenticate: async (request, { signal }) => {
    const url: string = request.url
    signal.throwIfAborted()
    if (url === '') throw new Reject(401)
    return { user: 'alice', data: { role: 'editor', level: 3 } }
  },
  open (session) {
    const role: string = session.data.role
    const level: number = session.data.level
    // @ts-expect-error no such property in what authenticate returns
    session.data.rank
    // @ts-expect-error a number is no string
    session.data.role = level
    return role
  },
  message (session, data, isBinary) {
    const level: number = session.data.level
    const text: string | Buffer = data
    const flag: boolean = isBinary
    return [level, text, flag]
  }
})
for (const session of editors.sessions()) {
  const role: string = session.data.role
  // @ts-expect-error the endpoint's sessions have its type, too
  session.data.rank
  void role
}

// Behind the handlers, with an annotated parameter or none.
server.ws('/annotated', {
  open (session) { const role: string = session.data.role; return role },
  authenticate: async (request: Request) => ({ data: { role: request.url } })
})
server.ws('/none', {
  open (session) { const role: string = session.data.role; return role },
  authenticate: () => ({ data: { role: 'editor' } })
})

// Behind the handlers, the type named.
server.ws<{ role: string }>('/named', {
  open (session) {
    // @ts-expect-error not in the type that was named
    session.data.level
    const role: string = session.data.role
    return role
  },
  authenticate: async (request) => ({ data: { role: request.url } })
})
// @ts-expect-error authenticate answers other data than was named
server.ws<{ role: string }>('/wrong', {
  authenticate: async () => ({ data: { role: 1 } })
})

// Behind the handlers with nothing named: an error, not a silent any.
server.ws('/unknown', {
  open (session) {
    // @ts-expect-error 'session.data' is of type 'unknown'
    session.data.role
  },
  authenticate: async (request) => ({ data: { role: request.url } })
})

// Without authenticate: an object to write to, or the type that was named.
server.ws('/any', { open (session) { session.data.count = 1 } })
server.ws<{ count: number }>('/typed', {
  open (session) {
    session.data.count++
    // @ts-expect-error not in the type
    session.data.total
  }
})

// @ts-expect-error an identity has user and data, not name
server.ws('/identity', { authenticate: () => ({ name: 'alice' }) })
// @ts-expect-error a user is a string
server.ws('/user', { authenticate: () => ({ user: 1 }) })

const show = (session: Session<{ role: string }>): string => session.data.role
server.ws('/passed', { authenticate: () => ({ data: { role: 'x' } }), open: show })
