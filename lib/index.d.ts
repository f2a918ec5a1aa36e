// Fanwire: the API reference. Every public name, with its units, defaults, errors, and where its rule comes from.
//
// Units stand in names: …Ms is milliseconds, …Bytes is bytes. Every error that Fanwire makes has a `code` out of
// `errors`. Wrong arguments throw at once (TypeError, RangeError); a session that is gone answers `false`.
/// <reference types="node" />

import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server as HttpServer } from 'node:http'

/**
 * Makes a server. Its engine (threads, memory) starts with the first door: `attach()` or `listen()`.
 * @throws TypeError ERR_FANWIRE_UNKNOWN_OPTION, ERR_FANWIRE_INVALID_ARG_TYPE; RangeError ERR_FANWIRE_OUT_OF_RANGE
 */
export declare function createServer (options?: ServerOptions): Server

/** This package's version. */
export declare const version: string

/** Every error code and what it means. */
export declare const errors: Readonly<Record<ErrorCode, string>>

/** The `code` of an error that Fanwire makes. */
export type ErrorCode =
  | 'ERR_FANWIRE_UNKNOWN_OPTION'
  | 'ERR_FANWIRE_INVALID_ARG_TYPE'
  | 'ERR_FANWIRE_OUT_OF_RANGE'
  | 'ERR_FANWIRE_PATTERN'
  | 'ERR_FANWIRE_UNKNOWN_PARAM'
  | 'ERR_FANWIRE_NAME'
  | 'ERR_FANWIRE_TOO_MANY_ROOMS'
  | 'ERR_FANWIRE_CLOSE_CODE'
  | 'ERR_FANWIRE_CLOSE_REASON'
  | 'ERR_FANWIRE_INVALID_UTF8'
  | 'ERR_FANWIRE_AUTHENTICATE_RESULT'
  | 'ERR_FANWIRE_HANDLER_TIMEOUT'
  | 'ERR_FANWIRE_ATTACH_TLS'
  | 'ERR_FANWIRE_PROTOCOL'
  | 'ERR_FANWIRE_PLATFORM'
  | 'ERR_FANWIRE_CLOSED'

/** The default of `session.data`: a plain object to write to. */
export type AnyData = Record<string, any>

export interface ServerOptions {
  /** Threads of the engine, 1–64. Default 'auto': the processor's cores less one, at least 1. */
  threads?: number | 'auto'
  /** Takes the engine's log lines, one string a call. Methods that are missing are not called. Default: no log. */
  logger?: Logger
  /** For the head of a handshake to arrive; then the connection is closed. 1–3,600,000; default 10,000. */
  handshakeTimeoutMs?: number
  /**
   * For a handler's promise to settle; then the session is closed with 1011, cause 'handler-timeout'. A handshake whose
   * `authenticate` takes longer is refused with 503. 1–86,400,000; default 30,000.
   */
  handlerTimeoutMs?: number
  /** For an incomplete message to become whole; then 1008, cause 'message-timeout'. 1–86,400,000; default 30,000. */
  messageTimeoutMs?: number
  /** The head of a handshake; beyond it 431. An attached server has Node's limit as well. 256–1,048,576; default 16,384. */
  maxHeaderBytes?: number
  /** Connections at once; beyond it 503. 1–16,777,215; default: no limit. */
  maxConnections?: number
  /** Incomplete messages of all sessions together; the biggest goes first. 65,536–4,294,967,295; default 256 MiB. */
  maxIncompleteBytes?: number
  /** 1–65,535; default 1,024. Beyond it `join()` throws ERR_FANWIRE_TOO_MANY_ROOMS. */
  maxRoomsPerSession?: number
}

export interface Logger {
  error?(line: string): void
  warn?(line: string): void
  info?(line: string): void
  debug?(line: string): void
}

/** Errors that have no caller, such as what a handler threw, and room in a queue that was full. */
export interface ServerEvents {
  /**
   * A handler threw, rejected or did not settle (its session is closed with 1011), or `authenticate` failed with something
   * that is no `Reject` (the handshake is refused with 500). Without a listener: a process warning, at most one a second,
   * never the end of the process. What a listener throws is a warning, too.
   */
  error: [error: unknown, session?: Session<any>]
  /** The queue that refused a `send()` of a room, a user or `broadcast()` has room again. */
  drain: []
}

/** Owns one engine, its doors and its endpoints. Several may live in one process, and in Workers. */
export interface Server extends EventEmitter {
  /**
   * Adds an endpoint, at any time. Of endpoints that match a path, the one added first takes it.
   *
   * Patterns: `/chat/:room` (one segment, not empty; arrives percent-decoded in `session.params`), `*` (one segment),
   * `**` (the rest, also none; at the end only). Other segments are compared as they were sent. A trailing slash counts.
   *
   * `Data` is the type of `session.data`: inferred from what `authenticate` returns. TypeScript reads an object from front
   * to back: put `authenticate` before the handlers, or annotate its parameter, or write `ws<Data>(…)`.
   *
   * Messages go to the handlers of their session one after another, in order, a returned promise awaited; other sessions
   * go on meanwhile. Nothing is delivered before `open` has settled. A session with 16 messages or 64 KiB unsettled is
   * not read from until some have settled.
   * @throws ERR_FANWIRE_PATTERN (also: the pattern exists already), ERR_FANWIRE_UNKNOWN_PARAM, ERR_FANWIRE_UNKNOWN_OPTION,
   * ERR_FANWIRE_INVALID_ARG_TYPE, ERR_FANWIRE_OUT_OF_RANGE, ERR_FANWIRE_CLOSED
   */
  ws<Data = AnyData> (pattern: string, options?: { authenticate?: undefined } & EndpointOptions<Data>): Endpoint<Data>
  ws<Data> (pattern: string, options: { authenticate: Authenticate<Data> } & EndpointOptions<Data>): Endpoint<Data>

  /**
   * Shares the port of an http.Server (Express and the like): WebSocket handshakes on the paths of our endpoints are taken
   * over, socket and all; everything else stays Node's. A path that is nobody's gets 404 when no other 'upgrade' listener
   * is there. Attaching twice is attaching once. `httpServer.close()` leaves our sessions alone; `close()` here ends them.
   * @throws ERR_FANWIRE_INVALID_ARG_TYPE; ERR_FANWIRE_ATTACH_TLS for an https.Server; ERR_FANWIRE_CLOSED
   */
  attach (httpServer: HttpServer): this

  /**
   * Opens a door of the engine's own. Rejects with the system's error (`code` 'EADDRINUSE', 'EACCES', 'ENOTFOUND', …), or with
   * TypeError, RangeError or ERR_FANWIRE_CLOSED.
   */
  listen (options?: ListenOptions): Promise<Door>

  /** All sessions that joined that name. Costs nothing until used. @throws ERR_FANWIRE_NAME: 1–512 bytes of UTF-8 */
  room (name: string): Room
  /** All sessions of a user. @throws ERR_FANWIRE_NAME: 1–512 bytes of UTF-8 */
  user (name: string): User
  /** A session by its `id`; one that is gone answers false. */
  session (id: string): SessionAddress

  /**
   * Sends to every session of every endpoint, or to those that `where` holds for. Encoded once.
   * @returns false when the engine's queue is full and nothing was sent ('drain' follows), or none of those that `where` holds
   * for took it
   */
  broadcast (data: MessageData, options?: BroadcastOptions): boolean

  /** Counters of the engine, a new plain object; empty before the first door and after `close()`. */
  stats (): Partial<Stats>

  /**
   * Ends it: no new connections, every session is closed with 1001 (RFC 6455 section 7.4.1), then the threads stop. Resolves when
   * every `close` handler has run. Calling it again answers the same promise, which never rejects.
   * @throws ERR_FANWIRE_OUT_OF_RANGE, ERR_FANWIRE_INVALID_ARG_TYPE, ERR_FANWIRE_UNKNOWN_OPTION
   */
  close (options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose] (): Promise<void>

  on<Name extends keyof ServerEvents> (name: Name, listener: (...args: ServerEvents[Name]) => void): this
  once<Name extends keyof ServerEvents> (name: Name, listener: (...args: ServerEvents[Name]) => void): this
  off<Name extends keyof ServerEvents> (name: Name, listener: (...args: ServerEvents[Name]) => void): this
}

/** All since the first door, but for those that say now. */
export interface Counters {
  /** Sockets now, handshakes included. */
  connections: number
  /** Open sessions now. */
  sessions: number
  /** Sockets taken. */
  accepted: number
  /** Sessions opened. */
  opened: number
  /** Handshakes refused. */
  refused: number
  messagesIn: number
  bytesIn: number
  /** One for each receiver. */
  messagesOut: number
  bytesOut: number
  /** Messages dropped by `overflow` or as volatile. */
  dropped: number
  /** Messages refused because a queue of the engine was full. */
  refusedSends: number
  /** Bytes that wait for slow clients now. */
  outboxBytes: number
  /** Further ones, of use to those who work on the engine. */
  [name: string]: unknown
}

export interface Stats extends Counters {
  /** The same for each thread. */
  reactors: Counters[]
}

export interface CloseOptions {
  /** For clients to answer the close and for handlers to settle; what is left then is cut. 0–3,600,000; default 5,000. */
  drainMs?: number
}

/** Either a port or a path. */
export interface ListenOptions {
  /** 0–65,535; default 0: any free one, which the answer names. */
  port?: number
  /** A name or an address; default: every address of the machine. */
  host?: string
  /** A Unix socket, 1–107 bytes. */
  path?: string
  /** Connections that wait to be accepted, 1–65,535; default 511. */
  backlog?: number
}

/** Where the engine listens. */
export interface Door {
  /** The port; undefined for a Unix socket. */
  readonly port: number | undefined
  /** The address, such as '127.0.0.1'; undefined for a Unix socket. */
  readonly address: string | undefined
  /** 'IPv4' or 'IPv6'; undefined for a Unix socket. */
  readonly family: string | undefined
  /** The Unix socket; undefined otherwise. */
  readonly path: string | undefined
  /** Accepts no more; connections that are there stay. */
  close (): void
}

/**
 * Decides on a handshake before the 101, on every door. Its object becomes `session.user` and `session.data`.
 * Throwing a `Reject` refuses with its status; anything else that is thrown, or an answer that is no object, refuses with 500
 * and is an 'error' of the server. `signal` aborts when the client leaves, the server closes, or the time is up.
 */
export type Authenticate<Data> =
  (request: Request, context: { readonly signal: AbortSignal }) => Identity<Data> | PromiseLike<Identity<Data>>

export interface Identity<Data> {
  /** 1–512 bytes of UTF-8. Its sessions are `server.user(name)` from the start. */
  user?: string | null
  data?: Data
}

/** What `authenticate` throws to refuse a handshake: an HTTP response instead of the 101. */
export declare class Reject extends Error {
  /**
   * @param status 300–599
   * @param message the body, as text/plain unless a Content-Type is given; default: the status's phrase
   * @param headers further header fields
   * @throws ERR_FANWIRE_INVALID_ARG_TYPE, ERR_FANWIRE_OUT_OF_RANGE; Node's ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR
   */
  constructor (status: number, message?: string, headers?: Record<string, string | string[]>)
  readonly status: number
}

/** Handlers are called with the options object as `this`. Each may return a promise. */
export interface EndpointOptions<Data> {
  /** The session is there. Nothing else is delivered before this has settled. */
  open?(session: Session<Data>): unknown
  /** A whole message: text as a string, binary as a Buffer of its own. Left out: messages do not enter JavaScript. */
  message?(session: Session<Data>, data: string | Buffer, isBinary: boolean): unknown
  /**
   * After a `send()` that answered false: the outbox is below half of `highWaterMarkBytes`. Called at once, also while a
   * message handler of the session is awaited (which may be waiting for just this).
   */
  drain?(session: Session<Data>): unknown
  /** What broke the connection; `close` follows. Its `code` is ERR_FANWIRE_PROTOCOL or the system's, such as ECONNRESET. */
  error?(session: Session<Data>, error: Error & { code: string }): unknown
  /** Exactly once for each session that opened, after its other handlers have settled or timed out. */
  close?(session: Session<Data>, details: CloseDetails): unknown
  /**
   * A room that sessions join when they open and to which each message is sent natively, without JavaScript: its name, with
   * `:name` for parameters of the path. The sender gets its messages, too, unless `except` is 'sender'.
   * @throws ERR_FANWIRE_UNKNOWN_PARAM, ERR_FANWIRE_NAME
   */
  publishTo?: string | { room: string, except?: 'sender' }
  limits?: Limits
}

/** Of each session of an endpoint. @throws RangeError ERR_FANWIRE_OUT_OF_RANGE */
export interface Limits {
  /** A message from the client, joined of its fragments; beyond it 1009. 1–268,435,456; default 1 MiB. */
  maxMessageBytes?: number
  /** Above it `send()` answers false; `drain` follows below half of it. 1–maxBufferedBytes; default 64 KiB. */
  highWaterMarkBytes?: number
  /**
   * What may wait for a client; then `overflow` decides. At least twice maxMessageBytes, to 536,870,912; default 2 MiB, or
   * twice maxMessageBytes if that is more.
   */
  maxBufferedBytes?: number
  /** Without progress to a client for that long: closed, cause 'send-timeout'. 1–86,400,000; default 10,000. */
  sendTimeoutMs?: number
  /** A ping (RFC 6455 section 5.5.2) after that long of silence; 0: never. 0–86,400,000; default 25,000. */
  pingIntervalMs?: number
  /** For the pong; then closed, cause 'pong-timeout'. 1–86,400,000; default 20,000. */
  pongTimeoutMs?: number
  /** For the client to answer a close frame; then the connection is cut. 1–3,600,000; default 5,000. */
  closeTimeoutMs?: number
  /**
   * At maxBufferedBytes: 'close' the session (1013, cause 'slow-client'), 'drop-oldest' or 'drop-newest' message, or 'keep-latest' of each
   * `key`. Default 'close'. Control frames are never dropped.
   */
  overflow?: 'close' | 'drop-oldest' | 'drop-newest' | 'keep-latest'
}

export interface CloseDetails {
  /** From the client's close frame or ours; 1005: it had none; 1006: there was no close frame (RFC 6455 section 7.4.1). */
  code: number
  reason: string
  cause: CloseCause
  /** Both sides sent a close frame. */
  wasClean: boolean
}

/** Who or what ended a session. */
export type CloseCause =
  | 'peer' | 'application' | 'protocol-error' | 'message-too-big' | 'invalid-utf8' | 'pong-timeout' | 'slow-client'
  | 'send-timeout' | 'shutdown' | 'transport-lost' | 'handler-failed' | 'handler-timeout' | 'handshake'
  | 'message-timeout' | 'incomplete-limit'

/** What `server.ws()` returns. */
export interface Endpoint<Data = AnyData> {
  readonly pattern: string
  /** Open sessions. */
  readonly size: number
  /** The open sessions, as of the call. */
  sessions (): IterableIterator<Session<Data>>
}

/** The handshake's request. */
export interface Request {
  readonly method: string
  /** The request target as sent: path and query. */
  readonly url: string
  /** Names in lower case; several fields of one name are joined as Node joins them. Has no prototype. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** '' on a Unix socket. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** Node's own, for a session that came through `attach()`. */
  readonly raw: IncomingMessage | undefined
}

/**
 * Text is sent as a text message, bytes as a binary one, any other object as JSON text.
 * Nothing else is taken: numbers, null, promises and the like throw ERR_FANWIRE_INVALID_ARG_TYPE.
 */
export type MessageData = string | ArrayBuffer | ArrayBufferView | object

/** How one message goes out. @throws ERR_FANWIRE_UNKNOWN_OPTION, ERR_FANWIRE_INVALID_ARG_TYPE, ERR_FANWIRE_NAME */
export interface MessageOptions {
  /** true: a string as a binary message; false: bytes as text, which must be UTF-8 (ERR_FANWIRE_INVALID_UTF8). */
  binary?: boolean
  /** With overflow 'keep-latest', a message that waits is replaced by the next of the same key. 1–512 bytes. */
  key?: string
  /** Not sent to a session that is above its high-water mark. */
  volatile?: boolean
}

export interface ChannelOptions extends MessageOptions {
  /** Who does not get it. */
  except?: Session<any> | Iterable<Session<any>>
}

export interface BroadcastOptions extends ChannelOptions {
  /** Called with every open session; what it throws, `broadcast()` throws. */
  where?: (session: Session<any>) => unknown
}

/** One client: its identity, its rooms, its outbox. */
export interface Session<Data = AnyData> {
  /** Unguessable, and never used again. */
  readonly id: string
  /** From `authenticate` or `identify()`; null: nobody in particular. */
  readonly user: string | null
  /** From `authenticate`, else an empty object; yours to write to. */
  data: Data
  /** Of the path, percent-decoded. Has no prototype. */
  readonly params: Readonly<Record<string, string>>
  readonly request: Request
  /** The agreed Sec-WebSocket-Protocol; '' if none. */
  readonly subprotocol: string
  /** The names of its rooms, a new array. */
  readonly rooms: string[]
  /** Bytes sent and not yet taken by the system. */
  readonly bufferedBytes: number
  /** 0 connecting, 1 open, 2 closing, 3 closed, as of the WHATWG WebSocket. */
  readonly readyState: 0 | 1 | 2 | 3
  /**
   * @returns true: go on; false: wait for `drain`, or the session is closed (`readyState` tells which). What it answered false
   * for is sent nevertheless, unless the session is closed or the engine's queue was full.
   */
  send (data: MessageData, options?: MessageOptions): boolean
  /** At once: a message sent to the room after it arrives. @returns false if the session is closed @throws ERR_FANWIRE_NAME, ERR_FANWIRE_TOO_MANY_ROOMS */
  join (room: string): boolean
  /** At once. @returns whether it was a member @throws ERR_FANWIRE_NAME */
  leave (room: string): boolean
  /** Makes it a session of that user, and no other; null: of nobody. @returns false if the session is closed @throws ERR_FANWIRE_NAME */
  identify (user: string | null): boolean
  /**
   * Sends what waits, then a close frame. Messages that still arrive are not delivered.
   * @param code 1000–1003, 1007–1014 or 3000–4999 (RFC 6455 section 7.4); default 1000
   * @param reason at most 123 bytes of UTF-8 (RFC 6455 section 5.5)
   * @returns false if it was closing or closed
   * @throws RangeError ERR_FANWIRE_CLOSE_CODE, ERR_FANWIRE_CLOSE_REASON
   */
  close (code?: number, reason?: string): boolean
  /** Cuts the connection, without a close frame. @returns false if it was closed */
  terminate (): boolean
}

/** What rooms and users have in common. Iterating gives the sessions as of now. */
export interface Channel extends Iterable<Session<any>> {
  readonly name: string
  /** Sessions on this node. */
  readonly size: number
  /** @returns false when the engine's queue is full and nothing was sent; 'drain' on the server follows */
  send (data: MessageData, options?: ChannelOptions): boolean
  /** The same without these sessions. */
  except (...sessions: Session<any>[]): this
  sessions (): IterableIterator<Session<any>>
}

export interface Room extends Channel {}

export interface User extends Channel {
  /** Closes all of the user's sessions. @returns whether there was one to close */
  close (code?: number, reason?: string): boolean
}

/** A session by its id, open or gone. */
export interface SessionAddress {
  readonly id: string
  /** The session, if it is open. */
  readonly session: Session<any> | undefined
  send (data: MessageData, options?: MessageOptions): boolean
  join (room: string): boolean
  leave (room: string): boolean
  close (code?: number, reason?: string): boolean
  terminate (): boolean
}
