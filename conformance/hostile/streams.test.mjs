// Requests that are open: in HTTP/2 each takes memory, as a connection does, and everywhere its head is kept, so they are counted,
// and who opens all that there may be shuts nobody out.
import assert from "node:assert/strict"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import http2 from "node:http2"
import net from "node:net"
import { join } from "node:path"
import { after, before, test } from "node:test"
import WebSocket from "ws"
import { ask, openSession } from "../lib/http2.mjs"
import { held, metric } from "../lib/metrics.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

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
const start = (...more) => startServer({ args: ["--set", `limits.connection-bytes=${CONNECTION_BYTES}`, ...more] })
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

test("an answer that nobody takes is given up", { timeout: TIMEOUT_MS }, async t => {
  const own = await start("--set", "limits.idle-timeout=1000")
  t.after(() => own.stop())
  const url = `${own.url}/v1/stream/untaken`
  await fetch(url, { method: "PUT", headers: { "content-type": "text/plain" }, body: "x".repeat(1_000) })
  const attacker = await connect(t, own.url, { initialWindowSize: 0 })
  const answers = Array.from({ length: 10 }, () => {
    const request = attacker.request({ [PATH]: "/v1/stream/untaken?offset=-1" })
    request.on("error", () => {}).resume()
    return { headed: once(request, "response"), closed: once(request, "close") }
  })
  for (const [headers] of await within(WAIT_MS, Promise.all(answers.map(({ headed }) => headed)), "the answers' heads")) {
    assert.equal(headers[STATUS], 200)
  }
  await within(WAIT_MS, Promise.all(answers.map(({ closed }) => closed)), "the end of answers that nobody takes")
  // The connection of the last look may be idle for too long just now.
  const answersHeld = () => held(own.url, "answers").catch(() => undefined)
  await eventually(WAIT_MS, async () => (await answersHeld()) === 0, "what they held to come back")
  // The connection itself goes on.
  assert.equal(await ask(attacker, "PUT", "/v1/stream/after"), 201)
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
  const path = "/v1/stream/heads?offset=now&live="
  await fetch(`${server.url}/v1/stream/heads`, { method: "PUT", headers: { "content-type": "text/plain" } })
  const small = await fetch(`${server.url}${path}sse`)
  const begun = 2 * Math.ceil(CONNECTION_BYTES / PURSE / LARGE_HEAD)
  const state = readWithLargeHeads(t, begun, `${path}long-poll`)
  await eventually(WAIT_MS, () => state.closed >= begun / 2, "half of the readers to be closed")
  await fetch(`${server.url}/v1/stream/heads`, { method: "POST", headers: { "content-type": "text/plain" }, body: "still here" })
  let text = ""
  for await (const chunk of small.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.includes("still here")) break
  }
  assert.ok(state.closed < begun, "some are served")
})

test("live reads with server-sent events let go of large heads", { timeout: TIMEOUT_MS }, async t => {
  const path = "/v1/stream/let-go?offset=now&live="
  await fetch(`${server.url}/v1/stream/let-go`, { method: "PUT", headers: { "content-type": "text/plain" } })
  const begun = 2 * Math.ceil(CONNECTION_BYTES / PURSE / LARGE_HEAD)
  const state = readWithLargeHeads(t, begun, `${path}sse`)
  await eventually(WAIT_MS, () => state.reading === begun, "all to be served")
  // The server counts the heads that it keeps when it next looks at its connections.
  const before = await held(server.url, "connections")
  readWithLargeHeads(t, 2, `${path}long-poll`)
  await eventually(WAIT_MS, async () => (await held(server.url, "connections")) >= before + 2 * LARGE_HEAD, "two heads to be counted")
  assert.ok((await held(server.url, "connections")) < before + 4 * LARGE_HEAD)
  assert.equal(state.closed, 0)
})

/** Opens a WebSocket with a head of this size; yields the status of the answer. */
function upgrade(t, key, headBytes) {
  const headers = headBytes > 0 ? { "X-Large": "x".repeat(headBytes) } : {}
  const socket = new WebSocket(`${server.url.replace(/^http/, "ws")}/?v=6&format=json&heartbeats=false&key=${key}`, { headers })
  t.after(() => socket.terminate())
  const status = new Promise((resolve, reject) => {
    socket.once("open", () => resolve(101))
    socket.once("unexpected-response", (request, response) => {
      resolve(response.statusCode)
      assert.equal(response.headers["retry-after"], "1")
      request.destroy()
    })
    socket.on("error", reject)
  })
  return { socket, status }
}

test("what WebSockets keep of their handshakes is counted", { timeout: TIMEOUT_MS }, async t => {
  const key = encodeURIComponent((await readFile(join(server.dataDir, "root.key"), "utf8")).trim())
  const most = Math.ceil(CONNECTION_BYTES / PURSE / LARGE_HEAD)
  const before = await held(server.url, "connections")
  const large = Array.from({ length: 2 * most }, () => upgrade(t, key, LARGE_HEAD))
  const statuses = await within(WAIT_MS, Promise.all(large.map(({ status }) => status)), "all handshakes")
  const refused = statuses.filter(status => status === 503).length
  assert.ok(refused >= most, `${refused} of ${large.length} were refused`)
  assert.ok(refused < large.length, "some are served")
  assert.equal(statuses.filter(status => status === 101).length + refused, large.length)
  assert.equal(await within(WAIT_MS, upgrade(t, key, 0).status, "a usual handshake"), 101)

  for (const { socket } of large) socket.terminate()
  await eventually(WAIT_MS, async () => (await held(server.url, "connections")) <= before + LARGE_HEAD, "the room to come back")
  assert.equal(await within(WAIT_MS, upgrade(t, key, LARGE_HEAD).status, "a handshake with a large head"), 101)
})

test("a head has no more than a hundred fields", { timeout: TIMEOUT_MS }, async () => {
  const fields = count => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, "1"]))
  // What fetch adds are fewer than ten.
  assert.equal((await fetch(`${server.url}/v1/stream/none`, { headers: fields(90) })).status, 404)
  const refused = await fetch(`${server.url}/v1/stream/none`, { headers: fields(101) })
  assert.equal(refused.status, 431)
  assert.equal((await refused.json()).error.code, "HEADERS_TOO_LARGE")
})
