// Requests that are open: in HTTP/2 each takes memory, as a connection does, and everywhere its head is kept, so they are counted,
// and who opens all that there may be shuts nobody out.
import assert from "node:assert/strict"
import { once } from "node:events"
import http2 from "node:http2"
import net from "node:net"
import { after, before, test } from "node:test"
import { ask, openSession } from "../lib/http2.mjs"
import { metric } from "../lib/metrics.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const TIMEOUT_MS = 60_000
const WAIT_MS = 30_000
const CONNECTION_BYTES = 2 << 20
/** Limits of the server: see docs/configuration.md, "Limits that are not settings". */
const STREAM_BYTES = 8 << 10
const PURSE = 2
const MOST = CONNECTION_BYTES / PURSE / STREAM_BYTES
const LARGE_HEAD = 14 << 10
const {
  HTTP2_HEADER_CONTENT_TYPE: TYPE,
  HTTP2_HEADER_METHOD: METHOD,
  HTTP2_HEADER_PATH: PATH,
  HTTP2_HEADER_STATUS: STATUS,
} = http2.constants

let server
const start = () => startServer({ args: ["--set", `limits.connection-bytes=${CONNECTION_BYTES}`] })
before(async () => (server = await start()))
after(() => server.stop())

const connect = (t, url = server.url, settings) => openSession(t, url, settings)

/** Begins requests whose bodies never come, and returns how many are open and what the others were answered. */
function begin(session, count, head = {}) {
  const state = { open: count, refused: [] }
  for (let n = 0; n < count; n++) {
    const request = session.request({ [METHOD]: "POST", [PATH]: "/v1/stream/never", [TYPE]: "text/plain", ...head })
    request.on("error", () => {}).on("close", () => state.open--)
    request.on("response", headers => state.refused.push(headers)).resume()
  }
  return state
}

test("open requests are counted, and whoever has none gets one", { timeout: TIMEOUT_MS }, async t => {
  const attacker = await connect(t)
  const begun = 4 * MOST
  const state = begin(attacker, begun)
  await eventually(WAIT_MS, () => state.refused.length >= begun - MOST && state.open <= MOST, "most requests to be refused")
  assert.ok(state.open > MOST / 2, `${state.open} of ${MOST} are open`)
  for (const headers of state.refused) {
    assert.equal(headers[STATUS], 503)
    assert.equal(headers["retry-after"], "1")
  }
  const seen = state.refused.length
  const counted = await metric(server.url, "parley_http_requests_total", 'status="503"')
  assert.ok(counted >= seen, `${seen} requests were refused, and ${counted} counted`)
  const good = await connect(t)
  assert.equal(await ask(good, "PUT", "/v1/stream/good"), 201)
  for (const token of ["a", "b", "c"]) assert.equal(await ask(good, "POST", "/v1/stream/good", token), 204)
  assert.equal((await fetch(`${server.url}/v1/stream/good`)).status, 200)
  attacker.destroy()
  const others = begin(good, MOST / 2)
  await eventually(
    WAIT_MS,
    () => {
      if (others.refused.length > 0) Object.assign(others, begin(good, MOST / 2))
      return others.open === MOST / 2
    },
    "the room to come back",
  )
})

test("answers that are not taken keep their requests open", { timeout: TIMEOUT_MS }, async t => {
  const own = await start()
  t.after(() => own.stop())
  const attacker = await connect(t, own.url, { initialWindowSize: 0 })
  const first = begin(attacker, MOST / 2, { [METHOD]: "GET" })
  // A ping makes the server write what it has.
  const answered = (state, count) => () => attacker.ping(() => {}) && state.refused.length === count
  await eventually(WAIT_MS, answered(first, MOST / 2), "the answers' heads")
  const next = begin(attacker, MOST, { [METHOD]: "GET" })
  await eventually(WAIT_MS, answered(next, MOST), "more heads")
  const crowded = next.refused.filter(headers => headers[STATUS] === 503)
  assert.ok(crowded.length >= MOST / 2, `${crowded.length} of ${MOST} were refused`)
  attacker.destroy()
})

test("a large head counts for more", { timeout: TIMEOUT_MS }, async t => {
  const attacker = await connect(t)
  const state = begin(attacker, MOST, { "x-large": "x".repeat(STREAM_BYTES) })
  await eventually(WAIT_MS, () => state.refused.length >= MOST / 2, "half of the requests to be refused")
})

/** Begins live reads with large heads in HTTP/1.1, and returns how many are open. */
function readWithLargeHeads(t, count, path) {
  const state = { reading: 0, closed: 0 }
  for (let n = 0; n < count; n++) {
    const socket = net.connect(new URL(server.url).port, "127.0.0.1")
    t.after(() => socket.destroy())
    socket.on("error", () => {})
    socket.once("data", () => state.reading++)
    socket.on("close", () => state.closed++).resume()
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nX-Large: ${"x".repeat(LARGE_HEAD)}\r\n\r\n`)
  }
  return state
}

test("large heads of live reads in HTTP/1.1 are counted", { timeout: TIMEOUT_MS }, async t => {
  const path = "/v1/stream/heads?offset=now&live=sse"
  await fetch(`${server.url}/v1/stream/heads`, { method: "PUT", headers: { "content-type": "text/plain" } })
  const small = await fetch(server.url + path)
  const begun = 2 * Math.ceil(CONNECTION_BYTES / PURSE / LARGE_HEAD)
  const state = readWithLargeHeads(t, begun, path)
  await eventually(WAIT_MS, () => state.closed >= begun / 2, "half of the readers to be closed")
  await fetch(`${server.url}/v1/stream/heads`, { method: "POST", headers: { "content-type": "text/plain" }, body: "still here" })
  let text = ""
  for await (const chunk of small.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.includes("still here")) break
  }
  assert.ok(state.closed < begun, "some are served")
})

test("a head has no more than a hundred fields", { timeout: TIMEOUT_MS }, async () => {
  const fields = count => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, "1"]))
  // What fetch adds are fewer than ten.
  assert.equal((await fetch(`${server.url}/v1/stream/none`, { headers: fields(90) })).status, 404)
  const refused = await fetch(`${server.url}/v1/stream/none`, { headers: fields(101) })
  assert.equal(refused.status, 431)
  assert.equal((await refused.json()).error.code, "HEADERS_TOO_LARGE")
})
