// Requests in HTTP/2 that are open: each takes memory, as a connection does, so they are counted, and who opens all that there
// may be shuts nobody out.
import assert from "node:assert/strict"
import { once } from "node:events"
import http2 from "node:http2"
import { after, before, test } from "node:test"
import { startServer } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const TIMEOUT_MS = 60_000
const WAIT_MS = 30_000
const CONNECTION_BYTES = 2 << 20
/** Limits of the server: see docs/configuration.md, "Limits that are not settings". */
const STREAM_BYTES = 8 << 10
const PURSE_PER_STREAMS = 2
const MOST = CONNECTION_BYTES / PURSE_PER_STREAMS / STREAM_BYTES
const {
  HTTP2_HEADER_CONTENT_TYPE: TYPE,
  HTTP2_HEADER_METHOD: METHOD,
  HTTP2_HEADER_PATH: PATH,
  HTTP2_HEADER_STATUS: STATUS,
} = http2.constants

let server
before(async () => (server = await startServer({ args: ["--set", `limits.connection-bytes=${CONNECTION_BYTES}`] })))
after(() => server.stop())

async function connect(t) {
  const session = http2.connect(server.url)
  t.after(() => session.destroy())
  session.on("error", () => {})
  await within(WAIT_MS, once(session, "remoteSettings"), "the server's settings")
  return session
}

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

async function ask(session, method, path, body) {
  const request = session.request({ [METHOD]: method, [PATH]: path, [TYPE]: "text/plain" })
  request.end(body)
  const [headers] = await within(WAIT_MS, once(request, "response"), `${method} ${path}`)
  request.resume()
  await within(WAIT_MS, once(request, "close"), "the end of the answer")
  return headers[STATUS]
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

test("a large head counts for more", { timeout: TIMEOUT_MS }, async t => {
  const attacker = await connect(t)
  const state = begin(attacker, MOST, { "x-large": "x".repeat(STREAM_BYTES) })
  await eventually(WAIT_MS, () => state.refused.length >= MOST / 2, "half of the requests to be refused")
})
