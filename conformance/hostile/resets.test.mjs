// HTTP/2 streams that their client resets: who leaves some of what it reads keeps the rest, who only opens and resets is cut.
import assert from "node:assert/strict"
import { once } from "node:events"
import http2 from "node:http2"
import { after, before, test } from "node:test"
import { ask, openSession } from "../lib/http2.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const TIMEOUT_MS = 60_000
const WAIT_MS = 30_000
const READERS = 400
const LEAVING = 300
/** A hundred at a time: all that may be open is a thousand. */
const AT_ONCE = 100
const FLOOD = 20_000
/** A limit of the server: see docs/configuration.md, "Limits that are not settings". */
const MOST_RESETS = 2_000
const { HTTP2_HEADER_PATH: PATH, NGHTTP2_CANCEL } = http2.constants
const ENHANCE_YOUR_CALM = 11

let server
before(async () => (server = await startServer()))
after(() => server.stop())

const connect = t => openSession(t, server.url)

test("who resets most of its readers keeps the others", { timeout: TIMEOUT_MS }, async t => {
  const session = await connect(t)
  assert.equal(await ask(session, "PUT", "/v1/stream/left"), 201)
  const texts = []
  const readers = Array.from({ length: READERS }, (_, n) => {
    const request = session.request({ [PATH]: "/v1/stream/left?offset=now&live=sse" })
    texts[n] = ""
    request.on("error", () => {})
    request.setEncoding("utf8").on("data", text => (texts[n] += text))
    return request
  })
  await Promise.all(readers.map(request => within(WAIT_MS, once(request, "response"), "a live read")))
  for (const request of readers.slice(0, LEAVING)) request.close(NGHTTP2_CANCEL)
  assert.equal(await ask(session, "POST", "/v1/stream/left", "still here"), 204)
  await eventually(WAIT_MS, () => texts.slice(LEAVING).every(text => text.includes("still here")), "the others to read on")
})

for (const [what, path] of [
  ["catch-up reads", "/v1/stream/flooded?offset=-1"],
  ["long-polls", "/v1/stream/flooded?offset=now&live=long-poll"],
]) {
  test(`who opens and resets ${what} without end is cut`, { timeout: TIMEOUT_MS }, async t => {
    const session = await connect(t)
    assert.ok([200, 201].includes(await ask(session, "PUT", "/v1/stream/flooded")))
    let goaway
    session.on("goaway", code => (goaway = code))
    let resets = 0
    while (resets < FLOOD && goaway === undefined && !session.destroyed) {
      const requests = Array.from({ length: AT_ONCE }, () => session.request({ [PATH]: path }))
      for (const request of requests) request.on("error", () => {}).close(NGHTTP2_CANCEL)
      resets += AT_ONCE
      // What was written has left, and what has arrived was seen.
      await new Promise(resolve => setImmediate(resolve))
    }
    await eventually(WAIT_MS, () => goaway !== undefined, "GOAWAY")
    assert.equal(goaway, ENHANCE_YOUR_CALM)
    assert.ok(resets > MOST_RESETS, `cut after ${resets} resets`)
    const other = await connect(t)
    assert.equal(await ask(other, "POST", "/v1/stream/flooded", "others are served"), 204)
  })
}
