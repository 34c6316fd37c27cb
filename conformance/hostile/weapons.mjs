// What attackers fight with: many sockets, and HTTP/1.1, HTTP/2 and WebSocket by hand on them, as no library would do it.
// Frames of WebSockets are masked with zeros, which is allowed and leaves the payload as it is.
import { once } from "node:events"
import http2 from "node:http2"
import net from "node:net"
import tls from "node:tls"
import { setTimeout as sleep } from "node:timers/promises"
import { basic } from "../lib/tokens.mjs"

const CONNECT_TIMEOUT_MS = 10_000
/** Sockets that are being opened at once. */
const OPENING = 200
/** Ports of one source address are not endless; every address of 127.0.0.0/8 is this machine. */
const SOCKETS_PER_ADDRESS = 2_000
/** A peer that has taken nothing for so long does not want more; nor does anybody pour for longer than that in all. */
const STALLED_MS = 5_000
const POURING_MS = 30_000
/** How long a connection that was closed stays away. */
export const AGAIN_MS = 3_000

export class Weapons {
  /** Connections that were opened, that could not be, and that the server has closed as far as anybody noticed. */
  #opened = 0
  #refused = 0
  #closed = 0
  /** What was sent, and the answers that anybody has looked at, by status. */
  #sent = 0
  #answers = {}
  #open = new Set()
  #dropped = false

  constructor(target, transport, number) {
    this.target = target
    this.transport = transport
    this.number = number
    const { hostname, port } = new URL(target.url)
    this.where = { host: hostname, port: Number(port) }
  }

  /** Opens a connection from which nothing is read yet; undefined if that is refused. */
  async connect({ alpn = "http/1.1" } = {}) {
    const from = this.#nextAddress()
    const socket = this.target.ca
      ? tls.connect({ ...this.where, ...from, ca: this.target.ca, servername: "localhost", ALPNProtocols: [alpn] })
      : this.#silent(from)
    return this.#established(socket, this.target.ca ? "secureConnect" : "connect")
  }

  /** Opens a TCP connection, whatever the server speaks on it. */
  connectPlain() {
    return this.#established(this.#silent(this.#nextAddress()), "connect")
  }

  #silent(from) {
    // Paused before it is open: so not even its buffer takes anything.
    return net.connect({ ...this.where, ...from, noDelay: true }).pause()
  }

  #nextAddress() {
    if (process.platform !== "linux") return {}
    const host = Math.floor((this.#opened + this.#refused) / SOCKETS_PER_ADDRESS) + 1
    return { localAddress: `127.${this.number + 1}.0.${host}` }
  }

  async #established(socket, event) {
    try {
      await once(socket, event, { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) })
    } catch {
      socket.destroy()
      this.#refused++
      return undefined
    }
    this.#opened++
    this.#open.add(socket)
    socket.on("error", () => {}) // told by "close" as well
    socket.on("close", () => {
      this.#open.delete(socket)
      if (!this.#dropped) this.#closed++
    })
    return socket
  }

  /** Opens `count` connections and does `use` to each; one that is refused or closed is not missed. */
  async connectAll(count, use = () => {}, connect = () => this.connect()) {
    let left = count
    const worker = async () => {
      while (left-- > 0) {
        const began = performance.now()
        const socket = await connect()
        if (socket) await use(socket)
        // Who has waited in vain until now would do so again.
        else if (performance.now() - began >= CONNECT_TIMEOUT_MS) return
      }
    }
    await Promise.all(Array.from({ length: Math.min(count, OPENING) }, worker))
  }

  /** The same, and whoever is closed comes again after a while. `use` must read, or nobody would notice. */
  async keepUp(count, use) {
    await this.connectAll(count, socket => {
      socket.once("close", () => {
        if (!this.#dropped) setTimeout(() => !this.#dropped && this.keepUp(1, use), AGAIN_MS)
      })
      return use(socket)
    })
  }

  /** An HTTP/2 client of Node's; undefined if it is refused. */
  async connectHttp2(settings) {
    const session = http2.connect(this.target.url, { ca: this.target.ca, servername: "localhost", settings })
    session.on("error", () => {})
    try {
      await once(session, "connect", { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) })
    } catch {
      this.#refused++
      return undefined
    }
    this.#opened++
    this.#open.add(session)
    session.on("close", () => {
      this.#open.delete(session)
      if (!this.#dropped) this.#closed++
    })
    return session
  }

  /** Opens a WebSocket with these parameters and reads no more than the answer to that; undefined if it is refused. */
  async connectWebSocket(params = {}) {
    const socket = await this.connect()
    if (!socket) return undefined
    const query = new URLSearchParams({ v: "6", format: "json", heartbeats: "false", ...params })
    socket.write(
      `GET /?${query} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    )
    const status = await this.#status(socket)
    return status === 101 ? socket : undefined
  }

  /** The status of the answer that comes next; from then on nothing is read. */
  async #status(socket) {
    socket.resume()
    const [part] = await Promise.race([once(socket, "data"), once(socket, "close")]).catch(() => [])
    socket.pause()
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(part?.toString("latin1") ?? "")?.[1])
    this.count(status || "none")
    return status
  }

  /** Reads the status of the answer on this socket, whenever it comes. */
  async readAnswer(socket) {
    await this.#status(socket)
  }

  count(answer) {
    this.#answers[answer] = (this.#answers[answer] ?? 0) + 1
  }

  /** Sends `chunk` again and again until these are `bytes`, or the server takes no more; gives what was sent. */
  async pour(socket, chunk, bytes) {
    const deadline = performance.now() + POURING_MS
    let sent = 0
    while (sent < bytes && !socket.destroyed && performance.now() < deadline) {
      const room = socket.write(chunk)
      sent += chunk.length
      this.#sent += chunk.length
      if (!room && !(await takesMore(socket))) break
    }
    return sent
  }

  /** An HTTP/1.1 request by hand. `body` may be less than `length` says. */
  request(method, path, { headers = {}, body = "", length } = {}) {
    const key = this.target.key
    const fields = {
      Host: "localhost",
      ...(key && { Authorization: basic(key) }),
      ...(length !== undefined && { "Content-Length": length }),
      ...headers,
    }
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join("")
    return Buffer.from(`${method} ${path} HTTP/1.1\r\n${head}\r\n${body}`, "latin1")
  }

  /** A request that is sent and answered in the usual way; yields the status. */
  async fetch(method, path, { headers = {}, body, key = this.target.key } = {}) {
    const socket = await this.connect()
    if (!socket) return undefined
    const auth = key ? { Authorization: basic(key) } : {}
    socket.write(this.request(method, path, { headers: { Connection: "close", ...headers, ...auth }, body, length: body?.length ?? 0 }))
    const status = await this.#status(socket)
    socket.destroy()
    return status
  }

  drop() {
    this.#dropped = true
    this.#open.forEach(socket => socket.destroy())
  }

  report() {
    return {
      opened: this.#opened,
      refused: this.#refused,
      closed: this.#closed,
      mebibytes: this.#sent >> 20,
      ...this.#answers,
    }
  }
}

/** Whether a full socket has room again before its patience ends. */
async function takesMore(socket) {
  const answered = new AbortController()
  const { signal } = answered
  const closed = () => false
  try {
    return await Promise.race([
      once(socket, "drain", { signal }).then(() => true, closed),
      once(socket, "close", { signal }).then(closed, closed),
      sleep(STALLED_MS, false, { signal }),
    ])
  } finally {
    answered.abort()
  }
}

// ---- HTTP/2 by hand -------------------------------------------------------------------------------

const FRAME = { headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8, continuation: 9 }
const END_STREAM = 1
const END_HEADERS = 4
const INITIAL_WINDOW_SIZE = 4
const CANCEL = 8

function frame(type, flags, stream, payload) {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = FRAME[type]
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const uint32 = value => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A header in HPACK: never indexed, no Huffman code. */
function literal(name, value) {
  const text = string => [prefixed(string.length, 0x7f, 0), Buffer.from(string, "latin1")]
  return Buffer.concat([Buffer.of(0x10), ...text(name), ...text(value)])
}

/** An integer of HPACK behind the bits of `first`. */
function prefixed(value, max, first) {
  if (value < max) return Buffer.of(first | value)
  const bytes = [first | max]
  for (value -= max; value >= 128; value >>= 7) bytes.push((value & 127) | 128)
  return Buffer.of(...bytes, value)
}

export const h2 = {
  /** What a client says first; `window`: how much of each answer it wants. */
  preface: window =>
    Buffer.concat([
      Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      frame("settings", 0, 0, Buffer.concat([Buffer.of(0, INITIAL_WINDOW_SIZE), uint32(window)])),
    ]),
  request(stream, method, path, headers = {}) {
    const fields = { ":method": method, ":scheme": "http", ":path": path, ":authority": "localhost", ...headers }
    const block = Buffer.concat(Object.entries(fields).map(([name, value]) => literal(name, value)))
    return frame("headers", END_STREAM | END_HEADERS, stream, block)
  },
  reset: stream => frame("reset", 0, stream, uint32(CANCEL)),
  ping: () => frame("ping", 0, 0, Buffer.alloc(8)),
  settings: () => frame("settings", 0, 0, Buffer.alloc(0)),
  /** The beginning of headers of which more is said to follow. */
  halfHeaders: (stream, bytes) => frame("headers", END_STREAM, stream, literal("x-slow", "x".repeat(bytes))),
}

// ---- WebSocket by hand ----------------------------------------------------------------------------

const FIN = 0x80
const MASKED = 0x80
const LENGTH_16 = 126
const LENGTH_64 = 127

/** A frame of a client. `length`: what its head says, if that is more than there is. */
function webSocketFrame(first, payload, length = payload.length) {
  const extended = length < LENGTH_16 ? 0 : length < 1 << 16 ? 2 : 8
  const head = Buffer.alloc(2 + extended + 4)
  head[0] = first
  head[1] = MASKED | (extended === 0 ? length : extended === 2 ? LENGTH_16 : LENGTH_64)
  if (extended === 2) head.writeUInt16BE(length, 2)
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

export const ws = {
  text: message => webSocketFrame(FIN | 1, Buffer.from(JSON.stringify(message))),
  ping: bytes => webSocketFrame(FIN | 9, Buffer.alloc(bytes)),
  /** A text message that is not whole: `bytes` of `length`. */
  half: (bytes, length) => webSocketFrame(FIN | 1, Buffer.alloc(bytes, "x"), length),
  /** The first frame of a text message, whole in itself, after which others are to come. */
  first: bytes => webSocketFrame(1, Buffer.alloc(bytes, "x")),
}

/** `part` as often as it takes to make about `bytes`. */
export const repeated = (part, bytes) => Buffer.concat(Array(Math.ceil(bytes / part.length)).fill(part))
