// What binding/ gives to lib/: the native engine. Not part of the public API.

export type Bytes = ArrayBuffer | ArrayBufferView

export interface EngineConfig {
  threads: number
  handshakeTimeoutMs: number
  messageTimeoutMs: number
  maxHeaderBytes: number
  maxConnections: number
  maxIncompleteBytes: number
  maxRoomsPerSession: number
}

export interface EndpointConfig {
  pattern: string
  deliver: boolean
  open: boolean
  close: boolean
  authenticate: boolean
  observe: boolean
  publishTo: string | null
  exceptSender: boolean
  maxMessageBytes: number
  highWaterMarkBytes: number
  maxBufferedBytes: number
  sendTimeoutMs: number
  pingIntervalMs: number
  pongTimeoutMs: number
  closeTimeoutMs: number
  overflow: number
}

export interface SessionInfo {
  head: string
  remoteAddress: string
  remotePort: number
  user: string | null
  endpoint?: number
}

export interface ListenAddress {
  id: number
  address?: string
  family?: string
  port?: number
  path?: string
}

/** A session is two numbers: slot and generation. Lists of sessions hold both in turn. */
export interface NativeEngine {
  addEndpoint (config: EndpointConfig): number
  listen (options: { host: string, port: number, path: string, backlog: number }): ListenAddress
  unlisten (id: number): void
  /** A token above 0, which the events of the session repeat; 0 if it failed. */
  adopt (fd: number, head: Uint8Array, endpoint: number): number
  accept (slot: number, generation: number, headerLines: string, user: string | null): boolean
  refuse (slot: number, generation: number, status: number, headerLines: string, body: string): boolean
  /** 0 gone, 1 queued, 2 queued above the high-water mark, 3 refused. */
  send (slot: number, generation: number, data: string | Bytes, flags: number, key: string): number
  publish (kind: number, name: string, data: string | Bytes, flags: number, key: string, except: Uint32Array | null): number
  broadcast (data: string | Bytes, flags: number, key: string, except: Uint32Array | null): number
  sendMany (ids: Uint32Array, data: string | Bytes, flags: number, key: string): number
  /** 0 gone, 1 joined, 2 was in already, 3 too many rooms. */
  join (slot: number, generation: number, room: string): number
  leave (slot: number, generation: number, room: string): boolean
  rooms (slot: number, generation: number): string[]
  channelSize (kind: number, name: string): number
  members (kind: number, name: string): Uint32Array
  identify (slot: number, generation: number, user: string | null): boolean
  close (slot: number, generation: number, code: number, reason: string): boolean
  terminate (slot: number, generation: number): boolean
  state (slot: number, generation: number): number
  bufferedBytes (slot: number, generation: number): number
  info (slot: number, generation: number): SessionInfo | undefined
  settle (slot: number, generation: number, bytes: number): void
  sessions (endpoint: number): Uint32Array
  flush (): void
  /** Sockets in the engine's care. */
  connections (): number
  stats (): Record<string, unknown>
  shutdown (code: number, reason: string, graceMs: number): void
  joinThreads (): void
  /** Ends the threads at once, whatever is open. */
  stop (): void
  ref (): void
  unref (): void
  slab (id: number): ArrayBuffer
  setCaptureLog (level: number): void
}

export type EventSink = (reactor: number, slab: number, from: number, to: number, retired: boolean) => void
