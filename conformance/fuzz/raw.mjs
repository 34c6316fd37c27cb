// HTTP by hand over a raw socket, for requests that no HTTP library would send.
import assert from "node:assert/strict"
import { once } from "node:events"
import { connect } from "node:net"
import { within } from "../lib/wait.mjs"

const ANSWER_TIMEOUT_MS = 20_000

/** One connection. Bytes go out as they are; responses come back parsed, in order. */
export class RawConnection {
  #socket
  #received = Buffer.alloc(0)
  #ended = false
  #news = () => {}

  static async open(url) {
    const { hostname, port } = new URL(url)
    const connection = new RawConnection()
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true })
    connection.#socket = socket
    socket.on("data", part => {
      connection.#received = Buffer.concat([connection.#received, part])
      connection.#news()
    })
    const ended = () => {
      connection.#ended = true
      connection.#news()
    }
    socket.on("end", ended).on("close", ended)
    await once(socket, "connect")
    // From now on a reset is an answer like any other.
    socket.on("error", ended)
    return connection
  }

  /** Sends `bytes` (a buffer, or a string of bytes); what cannot be sent any more is dropped. */
  write(bytes) {
    if (this.#socket.writable) this.#socket.write(bytes, "latin1")
  }

  /** Reads nothing more, so that the server cannot get rid of what it sends. */
  pause() {
    this.#socket.pause()
  }

  /** Reads on after {@link pause}. */
  resume() {
    this.#socket.resume()
  }

  /** Closes our half. */
  halfClose() {
    this.#socket.end()
  }

  /** Cuts the connection without a farewell. */
  reset() {
    this.#socket.resetAndDestroy()
  }

  close() {
    this.#socket.destroy()
  }

  /** The next response to a request with `method`, or undefined if the connection ends before a whole one has come. */
  async response(method = "GET") {
    const parsed = await this.#parsed(() => parse(this.#received, method, this.#ended))
    if (parsed) this.#received = this.#received.subarray(parsed.bytes)
    return parsed?.response
  }

  /** The head of the next response, which stays to be read, or undefined if the connection ends before. */
  head() {
    return this.#parsed(() => parseHead(this.#received))
  }

  async #parsed(parse) {
    for (;;) {
      const parsed = parse()
      if (parsed || this.#ended) return parsed
      await this.#more("an answer or the end of the connection")
    }
  }

  /** Resolves once `count` bytes have come, or fewer and then the end. */
  async bytes(count) {
    while (this.#received.length < count && !this.#ended) await this.#more(`${count} bytes`)
  }

  /** Resolves once the server has ended the connection. */
  async end() {
    while (!this.#ended) await this.#more("the end of the connection")
  }

  #more(what) {
    return within(ANSWER_TIMEOUT_MS, new Promise(resolve => (this.#news = resolve)), what)
  }
}

/**
 * The head at the start of `bytes`: {status, headers, end}, or undefined if it is not whole yet. Informational ones are
 * skipped.
 */
function parseHead(bytes, start = 0) {
  const end = bytes.indexOf("\r\n\r\n", start)
  if (end < 0) return undefined
  const [statusLine, ...lines] = bytes.toString("latin1", start, end).split("\r\n")
  // A request of no HTTP version is answered in its own, whatever it is.
  const status = Number(/^.+? (\d{3})( |$)/s.exec(statusLine)?.[1])
  assert.ok(status, `not an HTTP response: ${statusLine}`)
  if (status < 200) return parseHead(bytes, end + 4)
  const headers = new Map()
  for (const line of lines) {
    const colon = line.indexOf(":")
    assert.ok(colon > 0, `not a header: ${line}`)
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return { status, headers, end: end + 4 }
}

/** The response at the start of `bytes`, with its size, or undefined if it is not whole yet. */
function parse(bytes, method, ended) {
  const head = parseHead(bytes)
  if (!head) return undefined
  const { status, headers, end: start } = head
  const whole = (body, end) => ({ response: { status, headers, body: body.toString() }, bytes: end })
  if (method === "HEAD" || status === 204 || status === 304) return whole(Buffer.alloc(0), start)
  if (headers.get("transfer-encoding") === "chunked") return parseChunks(bytes, start, whole)
  if (headers.has("content-length")) {
    const end = start + Number(headers.get("content-length"))
    return bytes.length < end ? undefined : whole(bytes.subarray(start, end), end)
  }
  return ended ? whole(bytes.subarray(start), bytes.length) : undefined
}

function parseChunks(bytes, start, whole) {
  const parts = []
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf("\r\n", at)
    if (lineEnd < 0) return undefined
    const size = parseInt(bytes.toString("latin1", at, lineEnd), 16)
    const end = lineEnd + 2 + size + 2
    if (bytes.length < end) return undefined
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    if (size === 0) return whole(Buffer.concat(parts), end)
    at = end
  }
}

/** The bytes of a request, as a string with one character a byte. `headers`: lines, or pairs by name. */
export function request(method, target, { headers = {}, body, version = "HTTP/1.1", host = true } = {}) {
  const lines = Array.isArray(headers)
    ? [...headers]
    : Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  if (host) lines.unshift("Host: localhost")
  const framed = lines.some(line => /^(content-length|transfer-encoding)/i.test(line))
  if (body !== undefined && !framed) lines.push(`Content-Length: ${body.length}`)
  return `${method} ${target} ${version}\r\n${lines.map(line => `${line}\r\n`).join("")}\r\n${body ?? ""}`
}

/** `text` in UTF-8, as a string with one character a byte. */
export const utf8 = text => Buffer.from(text).toString("latin1")

/** A body in chunks of `sizes` bytes. */
export function chunked(body, sizes) {
  let at = 0
  let encoded = ""
  for (const size of sizes) {
    encoded += `${size.toString(16)}\r\n${body.slice(at, at + size)}\r\n`
    at += size
  }
  return `${encoded}0\r\n\r\n`
}
