// Shows that a stream with a sliding lifetime lives as long as somebody reads it live, and ends after that.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const TTL_SECONDS = 3
const READ_MS = 3 * TTL_SECONDS * 1000
const WAIT_MS = 30_000

let server
before(async () => (server = await startServer()))
after(() => server?.stop())

test("a live reader keeps its stream", async () => {
  const url = `${server.url}/v1/stream/lifetime`
  await fetch(url, { method: "PUT", headers: { "Stream-TTL": String(TTL_SECONDS), "Content-Type": "text/plain" } })
  // HEAD does not renew a lifetime.
  const status = async () => (await fetch(url, { method: "HEAD" })).status
  const reading = new AbortController()
  const reader = await fetch(`${url}?offset=now&live=sse`, { signal: reading.signal })
  assert.equal(reader.status, 200)

  const end = Date.now() + READ_MS
  const alive = async () => {
    assert.equal(await status(), 200, "the stream ended under its reader")
    return Date.now() > end
  }
  await eventually(WAIT_MS, alive, "three lifetimes to pass")

  reading.abort()
  await eventually(WAIT_MS, async () => (await status()) === 404, "the end of the stream")
})
