// Shows what a live reader can rely on besides the entries themselves: news that comes while it still catches up reaches
// it at once, and its cursor never goes backwards.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { seededRandom } from "../lib/random.mjs"
import { startServer } from "../lib/server.mjs"
import { within } from "../lib/wait.mjs"

const ROUNDS = 200
const HISTORY = JSON.stringify(Array.from({ length: 60 }, (_, n) => ({ n, text: "x".repeat(1000) })))
const READ_TAKES_AT_MOST_MS = 5
const NEWS_TIMEOUT_MS = 15_000 // well below the age at which a live read ends by itself
const TEST_TIMEOUT_MS = 120_000
const JSON_TYPE = { "Content-Type": "application/json" }

let server
before(async () => (server = await startServer()))
after(() => server?.stop())

/** Reads `url` until its text holds what `isThere` looks for, and gives that text. */
async function readUntil(url, isThere) {
  const reading = new AbortController()
  const decoder = new TextDecoder()
  let text = ""
  const read = async () => {
    for await (const part of (await fetch(url, { signal: reading.signal })).body) {
      text += decoder.decode(part, { stream: true })
      if (isThere(text)) return text
    }
    throw new Error(`the read ended after ${text.length} characters`)
  }
  try {
    return await within(NEWS_TIMEOUT_MS, read(), "what was appended during a read")
  } finally {
    reading.abort()
  }
}

test(`what is appended while a reader catches up reaches it at once, ${ROUNDS} times`, { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  for (let round = 0; round < ROUNDS; round++) {
    const url = `${server.url}/v1/stream/live/${round}`
    await fetch(url, { method: "PUT", headers: JSON_TYPE, body: HISTORY })
    const read = readUntil(`${url}?offset=-1&live=sse`, text => text.includes('"last"'))
    await new Promise(resolve => setTimeout(resolve, random.between(0, READ_TAKES_AT_MOST_MS)))
    await fetch(url, { method: "POST", headers: JSON_TYPE, body: '{"text":"last"}' })
    await read
  }
})

test("the cursor of a live read begins past the client's own and never goes backwards", { timeout: TEST_TIMEOUT_MS }, async () => {
  const APPENDS = 20
  const url = `${server.url}/v1/stream/cursors`
  await fetch(url, { method: "PUT", headers: JSON_TYPE })
  const cursors = text => [...text.matchAll(/"streamCursor":"(\d+)"/g)].map(([, cursor]) => Number(cursor))
  const [given] = cursors(await readUntil(`${url}?offset=-1&live=sse`, text => cursors(text).length > 0))

  const read = readUntil(`${url}?offset=-1&live=sse&cursor=${given}`, text => text.includes(`"n":${APPENDS - 1}`))
  for (let n = 0; n < APPENDS; n++) await fetch(url, { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ n }) })
  const seen = cursors(await read)
  assert.ok(seen.length > 1, "several control events")
  assert.ok(seen[0] > given, `${seen[0]} follows ${given}`)
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b))
})
