// Shows that readers and a producer of @durable-streams/client go on over restarts of the server in good order, which
// end live reads cleanly in mid-stream, as the server also does by itself with old SSE connections.
import { test } from "node:test"
import assert from "node:assert/strict"
import { DurableStream, IdempotentProducer } from "@durable-streams/client"
import { RawConnection, request } from "../fuzz/raw.mjs"
import { readToEnd, retryingFetch, subscribeJson } from "../lib/client.mjs"
import { startProxy } from "../lib/proxy.mjs"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const RESTARTS = 3
const MESSAGES_BETWEEN = 1_000
// The client takes connections shorter than a second for a sign that SSE does not work here.
const SSE_MAX_AGE_MS = 1_200
const MAX_MESSAGES = 200_000
// More than the sockets between a server and a client that does not read can hold.
const LARGE_ANSWER_BYTES = 14 << 20
const WAIT_MS = 60_000
const TEST_TIMEOUT_MS = 180_000

test(`${RESTARTS} restarts lose, double and reorder nothing`, { timeout: TEST_TIMEOUT_MS }, async t => {
  const dataDir = await temporaryFolder()
  const start = () => startServer({ dataDir, args: ["--set", `streams.sse-max-age=${SSE_MAX_AGE_MS}`] })
  let server = await start()
  t.after(async () => {
    await server.stop()
    await removeFolder(dataDir)
  })
  const proxy = await startProxy(server.url)
  t.after(() => proxy.close())

  const url = `${proxy.url}/v1/stream/restarts`
  const handle = await DurableStream.create({ url, contentType: "application/json" })
  const reading = ["sse", "long-poll"].map(live => readToEnd({ url, live, signal: t.signal, subscribe: subscribeJson }))
  const errors = []
  const producer = new IdempotentProducer(handle, "writer", { fetch: retryingFetch(), onError: e => errors.push(e) })

  let written = 0
  let restarting = true
  const restarts = (async () => {
    for (let restart = 1; restart <= RESTARTS; restart++) {
      await eventually(WAIT_MS, () => written >= restart * MESSAGES_BETWEEN, "more messages")
      await server.stop() // checks that it ends with status 0, although it is read from and written to
      server = await start()
      proxy.target = new URL(server.url)
    }
  })().finally(() => (restarting = false))

  while (restarting) {
    assert.ok(written < MAX_MESSAGES, "the restarts take their time")
    producer.append(JSON.stringify(written++))
    await producer.flush()
  }
  await restarts
  await producer.close()
  assert.deepEqual(errors, [])

  const expected = Array.from({ length: written }, (_, n) => n)
  for (const reader of reading) {
    const { items, sessions } = await within(WAIT_MS, reader, "the reader to see the stream's end")
    t.diagnostic(`${written} messages, ${sessions} sessions`)
    assert.deepEqual(items, expected)
  }
})

test("an answer that is on its way when the server stops arrives whole", { timeout: TEST_TIMEOUT_MS }, async () => {
  const server = await startServer({ args: ["--set", `limits.chunk-bytes=${4 * LARGE_ANSWER_BYTES}`] })
  const url = `${server.url}/v1/stream/large`
  const headers = { "Content-Type": "text/plain" }
  const body = "x".repeat(LARGE_ANSWER_BYTES)
  assert.equal((await fetch(url, { method: "PUT", headers, body })).status, 201)
  assert.equal((await fetch(url, { method: "POST", headers, body })).status, 204)

  const reader = await RawConnection.open(server.url)
  reader.write(request("GET", "/v1/stream/large?offset=-1", {}))
  assert.equal((await reader.head()).status, 200)
  reader.pause()
  const stopped = server.stop()
  const ready = async () => (await fetch(`${server.url}/health/ready`).catch(() => undefined))?.status
  await eventually(WAIT_MS, async () => (await ready()) !== 200, "the server to stop")
  reader.resume()
  assert.equal((await reader.response()).body.length, 2 * LARGE_ANSWER_BYTES)
  await stopped
})
