// The realtime protocol spoken by hand, for what no well-behaved client does.
import { once } from "node:events"
import msgpack from "@ably/msgpack-js"
import WebSocket from "ws"
import { within } from "../lib/wait.mjs"

const WAIT_MS = 30_000

export const ACTION = {
  heartbeat: 0,
  ack: 1,
  nack: 2,
  connected: 4,
  disconnected: 6,
  close: 7,
  closed: 8,
  error: 9,
  attach: 10,
  attached: 11,
  detach: 12,
  detached: 13,
  presence: 14,
  message: 15,
  sync: 16,
  auth: 17,
  object: 19,
  objectSync: 20,
  annotation: 21,
}

export const RESUMED = 1 << 2

const NAMES = Object.fromEntries(Object.entries(ACTION).map(([name, action]) => [action, name]))

export class WireConnection {
  /** All that came, oldest first. */
  received = []
  #socket
  #closed
  #taken = 0
  #change
  #changed

  /** Opens a WebSocket with these parameters; resolves when it is open, before anything is said. `options`: of `ws`. */
  static async open(url, params, options) {
    const connection = new WireConnection()
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/?${new URLSearchParams({ v: "6", format: "json", ...params })}`, options)
    connection.#socket = socket
    connection.#closed = once(socket, "close")
    socket.on("error", () => {}) // told by "close" as well
    socket.on("message", (data, binary) => {
      connection.received.push(binary ? msgpack.decode(data) : JSON.parse(data))
      connection.#tell()
    })
    socket.on("close", () => connection.#tell())
    connection.#tell()
    await within(WAIT_MS, once(socket, "open"), "the WebSocket to open")
    return connection
  }

  #tell() {
    this.#changed?.()
    this.#change = new Promise(resolve => (this.#changed = resolve))
  }

  /** Opens a connection and waits until it is CONNECTED. */
  static async connect(url, params, options) {
    const connection = await WireConnection.open(url, params, options)
    connection.details = await connection.next("connected")
    return connection
  }

  /** Sends a protocol message as JSON, or a string or bytes as they are. */
  send(message) {
    const raw = typeof message === "string" || Buffer.isBuffer(message)
    this.#socket.send(raw ? message : JSON.stringify(message))
  }

  /** The next message of one of these kinds that was not taken yet; what came before it is passed over. */
  async next(...kinds) {
    let found
    await this.until(() => {
      while (!found && this.#taken < this.received.length) {
        const message = this.received[this.#taken++]
        if (kinds.includes(NAMES[message.action])) found = message
      }
      return found || !this.open
    }, kinds)
    if (!found) throw new Error(`ended without ${kinds}; the last was ${JSON.stringify(this.received.at(-1))}`)
    return found
  }

  /** Waits until `condition` holds, which is asked whenever a message has come or the connection has ended. */
  until(condition, what) {
    const holds = async () => {
      while (!condition()) await this.#change
    }
    return within(WAIT_MS, holds(), `${what}`)
  }

  /** Takes everything that was received. */
  drain() {
    this.#taken = 0
    return this.received.splice(0)
  }

  /** Sends a protocol message and gives the next answer of one of these kinds. */
  ask(message, ...kinds) {
    this.send(message)
    return this.next(...kinds)
  }

  get open() {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Resolves when the server has closed the connection. */
  closed() {
    return within(WAIT_MS, this.#closed, "the server to close the connection")
  }

  /** The WebSocket itself, for what is no message. */
  get socket() {
    return this.#socket
  }

  /** Ends the connection without a word, as a broken network would. */
  cut() {
    this.#socket.terminate()
  }
}
