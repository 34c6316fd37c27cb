// Each live read takes one of the places that limits.live-readers has, and gives it back however it ends. Otherwise there would
// be no live reads any more after a while, without anybody who reads.
import assert from "node:assert/strict"
import { once } from "node:events"
import http2 from "node:http2"
import net from "node:net"
import { after, before, test } from "node:test"
import { metric } from "../lib/metrics.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const TIMEOUT_MS = 60_000
const WAIT_MS = 30_000
const PLACES = 3
const ROUNDS = 3
const TYPE = { "content-type": "text/plain" }

let server
before(async () => {
  server = await startServer({
    args: [`limits.live-readers=${PLACES}`, "streams.sse-max-age=60000", "streams.long-poll-timeout=60000"].flatMap(set => ["--set", set]),
  })
})
after(() => server.stop())

let streams = 0
const path = name => `/v1/stream/${name}`
const taken = () => metric(server.url, "parley_streams_live_readers")

/** A new stream. */
async function stream() {
  const name = `places/${streams++}`
  assert.equal((await fetch(server.url + path(name), { method: "PUT", headers: TYPE })).status, 201)
  return name
}

const query = live => `?offset=-1&live=${live}`

/** A live read in HTTP/1.1. */
async function read(name, live) {
  const socket = net.connect(new URL(server.url).port, "127.0.0.1")
  socket.on("error", () => {}).resume()
  await once(socket, "connect")
  socket.write(`GET ${path(name)}${query(live)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  return { close: () => socket.destroy(), reset: () => socket.resetAndDestroy() }
}

/** A live read in HTTP/2. */
async function read2(name, live, settings = {}) {
  const session = http2.connect(server.url, { settings })
  session.on("error", () => {})
  await once(session, "remoteSettings")
  const request = session.request({ ":path": path(name) + query(live) })
  request.on("error", () => {}).resume()
  return {
    close: () => session.destroy(),
    reset: () => {
      request.once("close", () => session.destroy())
      request.close(http2.constants.NGHTTP2_CANCEL)
    },
  }
}

async function refusedBeyond(name, live) {
  const refused = await fetch(server.url + path(name) + query(live))
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.get("retry-after"), "1")
  assert.equal((await refused.json()).error.code, "TOO_MANY_READERS")
}

/** How reads end; each gets the reads, and the stream that they read. */
const ENDS = {
  "the client closes": reads => reads.forEach(one => one.close()),
  "the client resets": reads => reads.forEach(one => one.reset()),
  "the stream is closed": async (reads, name) => {
    const headers = { ...TYPE, "stream-closed": "true" }
    assert.ok((await fetch(server.url + path(name), { method: "POST", headers })).ok)
  },
  "the stream is deleted": async (reads, name) => {
    assert.ok((await fetch(server.url + path(name), { method: "DELETE" })).ok)
  },
}

for (const live of ["sse", "long-poll"]) {
  for (const [protocol, open] of Object.entries({ "HTTP/1.1": read, "HTTP/2": read2 })) {
    for (const [how, end] of Object.entries(ENDS)) {
      test(`${live} over ${protocol}: ${how}`, { timeout: TIMEOUT_MS }, async t => {
        for (let round = 0; round < ROUNDS; round++) {
          const name = await stream()
          const reads = await within(WAIT_MS, Promise.all(Array.from({ length: PLACES }, () => open(name, live))), "connections")
          t.after(() => reads.forEach(one => one.close()))
          await eventually(WAIT_MS, async () => (await taken()) === PLACES, "all places to be taken")
          await refusedBeyond(name, live)
          await end(reads, name)
          await eventually(WAIT_MS, async () => (await taken()) === 0, "the places to be given back")
        }
      })
    }
  }
}

test("a client that goes before its read has begun", { timeout: TIMEOUT_MS }, async () => {
  const name = await stream()
  for (let round = 0; round < 20 * ROUNDS; round++) {
    const one = await (round % 2 ? read : read2)(name, "sse")
    one.reset()
  }
  await eventually(WAIT_MS, async () => (await taken()) === 0, "the places to be given back")
})

test("a response that has become old, or whose client takes nothing", { timeout: TIMEOUT_MS }, async t => {
  const own = await startServer({
    args: [`limits.live-readers=${PLACES}`, "streams.sse-max-age=1000", "streams.long-poll-timeout=500", "streams.sse-keepalive=200"].flatMap(set => ["--set", set]),
  })
  t.after(() => own.stop())
  const places = () => metric(own.url, "parley_streams_live_readers")
  const url = `${own.url}/v1/stream/a`
  await fetch(url, { method: "PUT", headers: TYPE, body: "x".repeat(1_000) })
  for (const live of ["sse", "long-poll"]) {
    const answers = await Promise.all(Array.from({ length: PLACES }, () => fetch(`${url}?offset=now&live=${live}`)))
    for (const answer of answers) assert.ok(answer.ok, await answer.text())
    await eventually(WAIT_MS, async () => (await places()) === 0, `the places of ${live}`)
  }
  const session = http2.connect(own.url, { settings: { initialWindowSize: 0 } })
  t.after(() => session.destroy())
  await within(WAIT_MS, once(session, "remoteSettings"), "the server's settings")
  for (let n = 0; n < PLACES; n++) {
    session.request({ ":path": "/v1/stream/a?offset=-1&live=sse" }).on("error", () => {}).resume()
  }
  await eventually(WAIT_MS, async () => (await places()) === PLACES, "those who take nothing")
  await eventually(WAIT_MS, async () => (await places()) === 0, "the places of those who take nothing")
})
