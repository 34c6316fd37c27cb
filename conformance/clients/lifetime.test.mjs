// Shows that a stream with a sliding lifetime lives as long as somebody reads it live, and ends after that.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const LIFETIMES = 3
const WAIT_MS = 30_000
// Reads begin at any instant between two looks of the server at its readers.
const STAGGER_MS = 90

let server
before(async () => (server = await startServer()))
after(() => server?.stop())

// The shortest lifetime leaves half a second for everything, which a busy machine may need for other things.
const shortest = process.env.PARLEY_TEST_FULL === "1" ? Array.from({ length: 12 }, (_, n) => [`one-${n}`, 1]) : []
const streams = [["three", 3], ...shortest]

test("a live reader keeps its stream", async () => {
  const keep = async ([name, ttlSeconds], n) => {
    await new Promise(resolve => setTimeout(resolve, n * STAGGER_MS))
    const url = `${server.url}/v1/stream/lifetime/${name}`
    const headers = { "Stream-TTL": String(ttlSeconds), "Content-Type": "text/plain" }
    await fetch(url, { method: "PUT", headers })
    // HEAD does not renew a lifetime.
    const status = async () => (await fetch(url, { method: "HEAD" })).status
    const reading = new AbortController()
    const reader = await fetch(`${url}?offset=now&live=sse`, { signal: reading.signal })
    assert.equal(reader.status, 200)

    const end = Date.now() + LIFETIMES * ttlSeconds * 1000
    const alive = async () => {
      assert.equal(await status(), 200, `stream ${name} ended under its reader`)
      return Date.now() > end
    }
    await eventually(WAIT_MS, alive, "the lifetimes to pass")

    reading.abort()
    await eventually(WAIT_MS, async () => (await status()) === 404, "the end of the stream")
  }
  await Promise.all(streams.map(keep))
})
