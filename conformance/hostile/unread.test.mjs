// What clients ask for and do not take: answers, live events, bodies that never end. Each attack alone would need many times
// the heap of this server if it were held; nothing is held that is not counted, and others are served meanwhile.
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import http2 from "node:http2"
import net from "node:net"
import { after, before, test } from "node:test"
import { collectGarbage } from "../lib/jdk.mjs"
import { held, metric } from "../lib/metrics.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const HEAP = 256 << 20
const PURSE = HEAP / 8
const TIMEOUT_MS = 60_000

let server
const open = new Set()

before(async () => {
  server = await startServer({
    args: ["--set", "streams.sse-max-age=600000", "--set", "limits.request-timeout=20000"],
    env: { PARLEY_JAVA_OPTS: `-Xmx${HEAP >> 20}m` },
  })
})
after(() => server.stop())

const stream = path => `${server.url}/v1/stream/${path}`

async function create(path, type, bodies = []) {
  assert.equal((await fetch(stream(path), { method: "PUT", headers: { "content-type": type } })).status, 201)
  for (const body of bodies) await append(path, type, body)
}

async function append(path, type, body) {
  const answer = await fetch(stream(path), { method: "POST", headers: { "content-type": type }, body })
  assert.ok(answer.ok, `append: ${answer.status}`)
}

/** A socket that sends `text` and never reads. */
function mute(text) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(new URL(server.url).port, "127.0.0.1", () => {
      socket.pause()
      socket.write(text, () => resolve(socket))
    })
    socket.on("error", reject)
    socket.once("connect", () => socket.removeListener("error", reject).on("error", () => {}))
    open.add(socket)
    socket.once("close", () => open.delete(socket))
  })
}

async function hangUp() {
  for (const socket of open) socket.destroy()
  await eventually(TIMEOUT_MS, async () => {
    const bytes = await Promise.all(["answers", "backlogs", "arriving"].map(purse => held(server.url, purse)))
    return bytes.every(number => number === 0)
  }, "the purses to be given back")
}

/** Somebody who behaves: a write and a read of it, tried again when told so. */
async function someoneElseIsServed() {
  const path = `good/${randomBytes(4).toString("hex")}`
  await create(path, "text/plain")
  await append(path, "text/plain", "hello")
  await eventually(TIMEOUT_MS, async () => {
    const answer = await fetch(`${stream(path)}?offset=-1`)
    if (answer.status === 503) {
      assert.ok(answer.headers.get("retry-after"))
      return false
    }
    return (await answer.text()) === "hello"
  }, "a small answer")
}

test("catch-up answers that nobody takes", { timeout: TIMEOUT_MS }, async () => {
  await create("big", "application/octet-stream", [Buffer.alloc(1 << 20, 1)])
  const request = `GET /v1/stream/big?offset=-1 HTTP/1.1\r\nHost: localhost\r\n\r\n`
  await Promise.all(Array.from({ length: 2_000 }, () => mute(request)))
  assert.ok((await held(server.url, "answers")) <= PURSE)
  await someoneElseIsServed()
  await hangUp()
})

test("HTTP/2 streams without a window", { timeout: TIMEOUT_MS }, async () => {
  const sessions = Array.from({ length: 8 }, () => {
    const session = http2.connect(server.url, { settings: { initialWindowSize: 0 } })
    session.on("error", () => {})
    return session
  })
  // As many as may be open in this heap, see streams.test.mjs; their answers would take three times as much.
  for (const session of sessions) {
    for (let i = 0; i < 100; i++) {
      const request = session.request({ ":path": "/v1/stream/big?offset=-1" })
      request.on("error", () => {})
      request.pause()
      request.end()
    }
  }
  await eventually(TIMEOUT_MS, async () => (await held(server.url, "answers")) > PURSE / 2, "a full purse")
  await someoneElseIsServed()
  for (const session of sessions) session.destroy()
  await hangUp()
})

test("large events to readers who do not read", { timeout: TIMEOUT_MS }, async () => {
  await create("news", "text/plain")
  const request = `GET /v1/stream/news?offset=-1&live=sse HTTP/1.1\r\nHost: localhost\r\n\r\n`
  await Promise.all(Array.from({ length: 1_000 }, () => mute(request)))
  for (let i = 0; i < 8; i++) {
    await append("news", "text/plain", Buffer.alloc(500_000, 97 + i))
    assert.ok((await held(server.url, "backlogs")) <= PURSE)
  }
  await someoneElseIsServed()
  // Who reads gets all of it, however many do not.
  const text = await (await fetch(`${stream("news")}?offset=-1`)).text()
  assert.ok(text.length >= 500_000)
  await hangUp()
})

test("memory comes back down", { timeout: TIMEOUT_MS }, async () => {
  await collectGarbage(server.pid)
  const used = await metric(server.url, "jvm_memory_used_bytes", 'area="heap"')
  assert.ok(used < HEAP / 2, `${used} bytes of heap are in use`)
})
