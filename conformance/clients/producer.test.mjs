// Shows that the idempotent producer of @durable-streams/client writes everything exactly once and in order, although
// requests and answers get lost, it retries blindly, and the server is killed and restarted in between.
import { test } from "node:test"
import assert from "node:assert/strict"
import { DurableStream, IdempotentProducer, stream } from "@durable-streams/client"
import { retryingFetch } from "../lib/client.mjs"
import { startProxy } from "../lib/proxy.mjs"
import { seededRandom } from "../lib/random.mjs"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"

const FAULTS = 60
const FAULT_WITHIN_BYTES = 3_000
const WAVE = 25
const MAX_WAVES = 2_000
const CRASH_IN_WAVES = [3, 9, 15]
const BATCH_BYTES = 150
const TEST_TIMEOUT_MS = 180_000

test("retries over cuts and crashes store nothing twice", { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  const dataDir = await temporaryFolder()
  let server = await startServer({ dataDir })
  t.after(async () => {
    await server.stop()
    await removeFolder(dataDir)
  })
  const proxy = await startProxy(server.url, {
    faultLimit: FAULTS,
    nextFault: () => ({
      on: random.oneOf(["request", "response"]),
      afterBytes: random.between(0, FAULT_WITHIN_BYTES),
      how: "reset",
    }),
  })
  t.after(() => proxy.close())
  let crashes = 0
  async function crash() {
    crashes++
    await server.kill()
    server = await startServer({ dataDir })
    proxy.target = new URL(server.url)
  }

  const path = "/v1/stream/exactly-once"
  await DurableStream.create({ url: server.url + path, contentType: "application/json" })
  const handle = new DurableStream({ url: proxy.url + path, contentType: "application/json" })
  const errors = []
  const fetch = retryingFetch()
  const producer = new IdempotentProducer(handle, "writer", {
    lingerMs: 0,
    maxBatchBytes: BATCH_BYTES, // several requests in flight at once, so that they also overtake each other
    onError: error => errors.push(error),
    fetch,
  })

  const written = []
  const unfinished = wave => proxy.faults < FAULTS || wave <= CRASH_IN_WAVES.at(-1)
  for (let wave = 0; wave < MAX_WAVES && unfinished(wave); wave++) {
    for (let i = 0; i < WAVE; i++) {
      const message = { n: written.length, text: "x".repeat(random.between(0, 100)) }
      producer.append(JSON.stringify(message))
      written.push(message)
    }
    // Not awaited one after the other: the crash hits appends in flight.
    await Promise.all([producer.flush(), CRASH_IN_WAVES.includes(wave) && crash()])
    assert.deepEqual(errors, [])
  }
  await producer.close()
  await crash()

  const reader = await stream({ url: server.url + path, live: false })
  const stored = await reader.json()
  t.diagnostic(`${written.length} messages, ${proxy.faults} cuts, ${crashes} crashes, ${fetch.retries} retries`)
  assert.equal(proxy.faults, FAULTS)
  assert.deepEqual(stored.map(message => message.n), written.map(message => message.n))
  assert.deepEqual(stored, written)
  assert.equal(reader.streamClosed, true)
})
