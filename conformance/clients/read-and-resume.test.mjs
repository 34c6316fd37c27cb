// Shows that @durable-streams/client reads what was appended, and that a reader whose connections are cut again and
// again in mid-stream goes on from its saved offset without a gap, a duplicate or a change of order.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { setMaxListeners } from "node:events"
import { DurableStream, stream } from "@durable-streams/client"
import { readToEnd } from "../lib/client.mjs"
import { startProxy } from "../lib/proxy.mjs"
import { seededRandom } from "../lib/random.mjs"
import { startServer } from "../lib/server.mjs"
import { within } from "../lib/wait.mjs"

const FAULTS = 30
const FAULT_WITHIN_BYTES = 6_000
const MAX_MESSAGES = 50_000
const TEST_TIMEOUT_MS = 90_000

let server
before(async () => (server = await startServer()))
after(() => server?.stop())

const streamUrl = (base, name) => `${base}/v1/stream/${name}`

test("a reader gets what was appended, and later from its offset on what was appended since", async () => {
  const url = streamUrl(server.url, "append-and-read")
  const handle = await DurableStream.create({ url, contentType: "application/json" })
  await handle.append(JSON.stringify({ n: 1 }))
  await handle.append(JSON.stringify({ n: 2 }))
  const first = await stream({ url, live: false })
  assert.deepEqual(await first.json(), [{ n: 1 }, { n: 2 }])

  await handle.append(JSON.stringify({ n: 3 }))
  const second = await stream({ url, live: false, offset: first.offset })
  assert.deepEqual(await second.json(), [{ n: 3 }])
})

// How each kind of stream is written and read; `joined` is what all messages amount to.
const kinds = [
  {
    contentType: "application/json",
    message: n => JSON.stringify({ n, text: `token ${n} ☃ "quoted"\n` }),
    subscribe: (response, onBatch) =>
      response.subscribeJson(batch => onBatch(batch.items.map(item => JSON.stringify(item)), batch)),
    joined: items => items.join("\n"),
  },
  {
    contentType: "text/plain",
    message: n => `line ${n}: naïve ☃ 🎈\n\ndata: not an event\n`,
    subscribe: (response, onBatch) => response.subscribeText(chunk => onBatch([chunk.text], chunk)),
    joined: items => items.join(""),
  },
  {
    contentType: "application/octet-stream",
    message: n => Buffer.from([n >> 8, n & 255, 0, 10, 13, 255, 128, 195, 40]),
    subscribe: (response, onBatch) => response.subscribeBytes(chunk => onBatch([Buffer.from(chunk.data)], chunk)),
    joined: items => Buffer.concat(items).toString("hex"),
  },
]

for (const live of ["long-poll", "sse"]) {
  for (const kind of kinds) {
    test(`a ${live} reader of ${kind.contentType} survives ${FAULTS} cuts`, { timeout: TEST_TIMEOUT_MS }, async t => {
      const random = seededRandom(t)
      setMaxListeners(FAULTS * 2, t.signal) // each of the reader's sessions adds one
      const proxy = await startProxy(server.url, {
        faultLimit: FAULTS,
        nextFault: () => ({
          on: "response",
          afterBytes: random.between(0, FAULT_WITHIN_BYTES),
          how: random.oneOf(["reset", "half-close", "stall"]),
        }),
      })
      t.after(() => proxy.close())

      const name = `resume/${live}/${kind.contentType.replace("/", "-")}`
      const handle = await DurableStream.create({ url: streamUrl(server.url, name), contentType: kind.contentType })
      const reading = readToEnd({ url: streamUrl(proxy.url, name), live, signal: t.signal, subscribe: kind.subscribe })

      // Appends go on until every cut has happened, so each of them hits a stream that is being written.
      const written = []
      while (proxy.faults < FAULTS && written.length < MAX_MESSAGES) {
        const message = kind.message(written.length)
        await handle.append(message)
        written.push(message)
      }
      await handle.close()
      const { items, sessions } = await within(TEST_TIMEOUT_MS, reading, "the reader to see the stream's end")

      t.diagnostic(`${written.length} messages, ${proxy.faults} cuts, ${sessions} sessions`)
      assert.equal(proxy.faults, FAULTS)
      assert.equal(kind.joined(items), kind.joined(written))
    })
  }
}
