// The server under attack: small limits, a small heap, a few streams that must not change, and a look at its health.
import assert from "node:assert/strict"
import { collectGarbage, residentBytes } from "../lib/jdk.mjs"
import { sumOf } from "../lib/metrics.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"
import { RawConnection, request } from "./raw.mjs"

export const LIMITS = { body: 64 << 10, header: 8 << 10, url: 4 << 10, requestTimeoutMs: 1_000, idleTimeoutMs: 2_000 }

const SETTINGS = {
  "limits.body-bytes": LIMITS.body,
  "limits.header-bytes": LIMITS.header,
  "limits.url-bytes": LIMITS.url,
  // What a catch-up read takes of the heap, for each of those at once.
  "limits.chunk-bytes": 64 << 10,
  "limits.request-timeout": LIMITS.requestTimeoutMs,
  // More than what drips here brings: a body that goes on arriving at this rate may take its time.
  "limits.body-rate": 1_000,
  "limits.idle-timeout": LIMITS.idleTimeoutMs,
  "streams.long-poll-timeout": 500,
  "engine.segment-bytes": 8 << 20,
  "engine.cache-bytes": 8 << 20,
}
const JAVA_OPTIONS = "-Xmx128m"
const CALM_TIMEOUT_MS = 30_000

/** What the server may refuse with although the request is at fault or it is its own limit. */
const ALLOWED_5XX = [501, 503, 505, 507]

export const STREAMS = [
  { path: "/v1/stream/fortress/json", type: "application/json", body: '[{"a":1},{"b":2}]', closed: false },
  { path: "/v1/stream/fortress/text", type: "text/plain", body: "some text\n", closed: false },
  { path: "/v1/stream/fortress/bytes", type: "application/octet-stream", body: "\x00\x01", closed: false },
  { path: "/v1/stream/fortress/closed", type: "text/plain", body: "the end", closed: true },
]

export class Fortress {
  #server
  #before

  static async build() {
    const fortress = new Fortress()
    const args = Object.entries(SETTINGS).flatMap(([name, value]) => ["--set", `${name}=${value}`])
    const server = await startServer({ args, env: { PARLEY_JAVA_OPTS: JAVA_OPTIONS } })
    fortress.#server = server
    for (const { path, ...stream } of STREAMS) await fortress.create(path, stream)
    fortress.#before = await fortress.state()
    return fortress
  }

  fall() {
    return this.#server.stop()
  }

  get url() {
    return this.#server.url
  }

  connect() {
    return RawConnection.open(this.url)
  }

  /** Sends `bytes` on a connection of their own; yields the response, or undefined if there is none. */
  async send(bytes, { method = "GET", halfClose = false } = {}) {
    const connection = await this.connect()
    connection.write(bytes)
    if (halfClose) connection.halfClose()
    const response = await connection.response(method)
    connection.close()
    return response
  }

  /** What the head of a stream says. */
  async head(path) {
    const { status, headers } = await this.send(request("HEAD", path), { method: "HEAD" })
    const [type, tail, closed] = ["content-type", "stream-next-offset", "stream-closed"].map(name => headers.get(name))
    return status === 200 ? { status, type, tail, closed } : { status }
  }

  /** Creates a stream and yields its tail. */
  async create(path, { type = "text/plain", body = "", closed = false } = {}) {
    const headers = { "Content-Type": type, ...(closed && { "Stream-Closed": "true" }) }
    const response = await this.send(request("PUT", path, { headers, body }))
    assert.equal(response.status, 201, response.body)
    return response.headers.get("stream-next-offset")
  }

  state() {
    return Promise.all(STREAMS.map(({ path }) => this.head(path)))
  }

  /** Nothing has been stored, and nobody was let through. */
  async assertUntouched(...absent) {
    assert.deepEqual(await this.state(), this.#before, "a refused request has changed a stream")
    for (const path of absent) assert.equal((await this.head(path)).status, 404, `${path} is there`)
  }

  /** The server is well, has complained of nothing, and nobody is connected any more. */
  async assertCalm() {
    assert.equal((await this.send(request("GET", "/health/ready"))).status, 200)
    assert.doesNotMatch(this.#server.log(), /\bERROR\b|^\s+at /m)
    await eventually(
      CALM_TIMEOUT_MS,
      // The one that asks is open.
      async () =>
        (await this.metric("parley_streams_live_readers")) === 0 &&
        (await this.metric("parley_http_connections")) <= 1 &&
        (await this.metric("parley_engine_waiting")) === 0,
      "the end of all live reads and connections",
    )
  }

  /** The sum of a metric's values. */
  async metric(name, label) {
    const { body } = await this.send(request("GET", "/metrics"))
    return sumOf(body, name, label)
  }

  /** Bytes that the process takes: {heap, resident}. Garbage does not count: the server's own JDK collects it first. */
  async memory() {
    await collectGarbage(this.#server.pid)
    const heap = await this.metric("jvm_memory_used_bytes", 'area="heap"')
    const resident = await residentBytes(this.#server.pid)
    return { heap, resident }
  }
}

/** A refusal: a 4xx (or one of few 5xx) that says in JSON what is wrong, or nothing but the end of the connection. */
export function assertRefusal(response, expected, what) {
  const error = refusal(response, expected, what)
  if (error) assert.match(error.code, /^[A-Z][A-Z_]+$/, what)
}

/** The same in the form of the doors of sessions, whose codes are numbers. */
export function assertSessionRefusal(response, expected, what) {
  const error = refusal(response, expected, what)
  if (error) {
    assert.equal(error.statusCode, response.status, what)
    assert.equal(Math.floor(error.code / 100), response.status, what)
    assert.equal(response.headers.get("x-ably-errorcode"), String(error.code), what)
  }
}

/** What a refusal says; nothing if it has no body. */
function refusal(response, expected, what) {
  if (response === undefined) return undefined
  const { status, headers, body } = response
  const fits = expected ? expected.includes(status) : (status >= 400 && status < 500) || ALLOWED_5XX.includes(status)
  assert.ok(fits, `${what}: got ${status} ${body.slice(0, 200)} instead of ${expected ?? "a refusal"}`)
  // The answer to a HEAD announces the body that it has not; what is no HTTP/1 we cannot explain in its own terms.
  if (body === "" && (Number(headers.get("content-length")) > 0 || status === 501)) return undefined
  assert.match(headers.get("content-type") ?? "", /^application\/json\b/, `${what}: ${status} without a JSON body`)
  const { error } = JSON.parse(body)
  assert.ok(error.message.length > 0, what)
  return error
}
