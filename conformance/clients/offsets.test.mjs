// Shows what offsets promise beyond the public suite: where reading begins, for how long an offset is good, and for which
// stream; and what rests on them.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { startServer } from "../lib/server.mjs"

const ZERO = "0000000000000000_0000000000000000"
const BYTES = "application/octet-stream"
const TEXT = "text/plain"
const JSON_TYPE = "application/json"

let server
before(async () => (server = await startServer()))
after(() => server?.stop())

const streamUrl = name => `${server.url}/v1/stream/offsets/${name}`
const nextOffset = response => response.headers.get("Stream-Next-Offset")

async function send(method, url, type, body, headers = {}) {
  return fetch(url, { method, headers: { ...(type && { "Content-Type": type }), ...headers }, body })
}

async function create(name, type, headers) {
  const url = streamUrl(name)
  const created = await send("PUT", url, type, undefined, headers)
  assert.equal(created.status, 201)
  return { url, type, offset: nextOffset(created) }
}

/** Appends and gives the offset behind it. */
async function append({ url, type }, body) {
  const appended = await send("POST", url, type, body)
  assert.ok(appended.ok, `${appended.status}`)
  return nextOffset(appended)
}

async function read({ url }, offset, query = "") {
  const response = await fetch(`${url}?offset=${offset}${query}`)
  const body = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body,
    code: response.ok ? undefined : JSON.parse(body).error.code,
    next: nextOffset(response),
    upToDate: response.headers.get("Stream-Up-To-Date") === "true",
  }
}

/** The offset one further, as the protocol's Yjs package makes it. */
function oneFurther(offset) {
  const [incarnation, position] = offset.split("_")
  return `${incarnation}_${String(Number(position) + 1).padStart(position.length, "0")}`
}

test("in a stream of bytes a read from inside an append begins at the append's start", async () => {
  const stream = await create("inside", BYTES)
  const first = await append(stream, "first")
  const second = await append(stream, "second")
  const third = await append(stream, "third")
  for (const query of ["", "&live=long-poll"]) {
    const got = await read(stream, oneFurther(first), query)
    assert.deepEqual([got.body, got.next, got.upToDate], ["secondthird", third, true])
  }
  assert.equal((await read(stream, oneFurther(oneFurther(second)))).body, "third")
})

test("one past the end of a stream of bytes is inside the append to come", async () => {
  const stream = await create("one-past", BYTES)
  const tail = await append(stream, "first")
  const caughtUp = await read(stream, oneFurther(tail))
  assert.deepEqual([caughtUp.status, caughtUp.body, caughtUp.next, caughtUp.upToDate], [200, "", tail, true])
  const waiting = read(stream, oneFurther(tail), "&live=long-poll")
  const next = await append(stream, "second")
  const got = await waiting
  assert.deepEqual([got.body, got.next], ["second", next])
  assert.equal((await read(stream, oneFurther(oneFurther(next)))).status, 400)
})

test("in JSON mode every number is a boundary, so one further skips one message", async () => {
  const stream = await create("messages", JSON_TYPE)
  const first = await append(stream, "[1]")
  const last = await append(stream, "[2, 3, 4]")
  assert.equal((await read(stream, oneFurther(first))).body, "[3,4]")
  assert.equal((await read(stream, oneFurther(last))).status, 400)
})

test("only what can grow no more may be answered by a cache", async () => {
  const big = Buffer.alloc(700_000, "x")
  const stream = await create("caching", BYTES)
  await append(stream, big)
  await append(stream, big)
  await append(stream, "end")
  const chunk = await read(stream, "-1")
  assert.equal(chunk.upToDate, false)
  assert.match(chunk.headers.get("Cache-Control"), /^public, max-age=60/)
  const toTail = await read(stream, chunk.next)
  assert.equal(toTail.upToDate, true)
  assert.equal(toTail.headers.get("Cache-Control"), "no-cache")
  const unchanged = await fetch(`${stream.url}?offset=${chunk.next}`, {
    headers: { "If-None-Match": toTail.headers.get("ETag") },
  })
  assert.equal(unchanged.status, 304)

  assert.equal((await send("POST", stream.url, undefined, undefined, { "Stream-Closed": "true" })).status, 204)
  const closed = await read(stream, chunk.next)
  assert.match(closed.headers.get("Cache-Control"), /^public, max-age=60/)
})

test("the same streams are at /v1/streams", async () => {
  const alias = streamUrl("alias").replace("/v1/stream/", "/v1/streams/")
  const created = await send("PUT", alias, TEXT, "text")
  assert.equal(created.status, 201)
  assert.equal(created.headers.get("Location"), streamUrl("alias"))
  assert.equal((await read({ url: streamUrl("alias") }, "-1")).body, "text")
  assert.equal((await read({ url: alias }, "-1")).body, "text")
  const fork = await send("PUT", streamUrl("alias-fork"), TEXT, undefined, {
    "Stream-Forked-From": new URL(alias).pathname,
  })
  assert.equal(fork.status, 201)
  const subscriptions = `${server.url}/v1/streams/__ds/jwks.json`
  assert.equal((await fetch(subscriptions)).status, 200)
})

test("the answer to a Stream-Seq that does not grow speaks of the sequence", async () => {
  const stream = await create("sequence", TEXT)
  assert.equal((await send("POST", stream.url, TEXT, "a", { "Stream-Seq": "b" })).status, 204)
  const refused = await send("POST", stream.url, TEXT, "a", { "Stream-Seq": "a" })
  assert.equal(refused.status, 409)
  assert.match(await refused.text(), /sequence/)
})
