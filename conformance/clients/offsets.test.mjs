// Shows what offsets promise beyond the public suite: where reading begins, for how long an offset is good, and for which
// stream; and what rests on them.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { cp, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"

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

test("an offset of an earlier stream at the path is told from one that never was", async () => {
  const stream = await create("again", TEXT)
  assert.equal(stream.offset, ZERO)
  const old = await append(stream, "the old text")
  const etag = (await read(stream, "-1")).headers.get("ETag")
  const other = await append(await create("another", TEXT), "the old text")
  assert.equal((await send("DELETE", stream.url)).status, 204)
  await create("again", TEXT)
  const recent = await append(stream, "the new text")
  assert.ok(recent > old && old > ZERO, "a newer incarnation sorts behind an older one, and the start before both")

  for (const query of ["", "&live=long-poll", "&live=sse"]) {
    const gone = await read(stream, old, query)
    assert.deepEqual([gone.status, gone.code], [410, "OFFSET_OF_EARLIER_STREAM"])
    for (const never of [other, recent.replace(/\d$/, "9"), "9999999999999999_9999999999999999"])
      assert.equal((await read(stream, never, query)).status, 400, never)
  }
  const fork = offset =>
    send("PUT", streamUrl("again-fork"), TEXT, undefined, {
      "Stream-Forked-From": new URL(stream.url).pathname,
      "Stream-Fork-Offset": offset,
    })
  assert.equal((await fork(old)).status, 410)
  assert.equal((await fork(other)).status, 400)
  const appendAt = offset => send("POST", stream.url, TEXT, "!", { "Stream-Expected-Offset": offset })
  assert.equal((await appendAt(old)).status, 410)
  assert.equal((await appendAt(other)).status, 400)

  for (const offset of ["-1", ZERO]) {
    const whole = await read(stream, offset)
    assert.equal(whole.body, "the new text")
    assert.notEqual(whole.headers.get("ETag"), etag)
  }
})

test("a fork has the offsets of what it inherits, and of its source's", async () => {
  const source = await create("source", TEXT)
  const first = await append(source, "first")
  const second = await append(source, "second")
  const fork = await create("fork", undefined, {
    "Stream-Forked-From": new URL(source.url).pathname,
    "Stream-Fork-Offset": second,
  })
  const beyond = await append(source, "source only")
  const own = await append({ ...fork, type: TEXT }, "fork only")
  assert.ok(own > second)
  assert.equal((await read(fork, first)).body, "secondfork only")
  assert.equal((await read(fork, second)).body, "fork only")
  assert.equal((await read(fork, fork.offset)).body, "fork only")
  assert.equal((await read(source, first)).body, "secondsource only")
  assert.equal((await read(fork, beyond)).status, 400)
  assert.equal((await read(source, own)).status, 400)
  const again = await send("PUT", fork.url, undefined, undefined, {
    "Stream-Forked-From": new URL(source.url).pathname,
    "Stream-Fork-Offset": second,
  })
  assert.equal(again.status, 200)
})

test("acknowledgements carry incarnations, too", async () => {
  const stream = await create("acked", JSON_TYPE)
  await create("wakes", JSON_TYPE)
  const url = `${server.url}/v1/stream/__ds/subscriptions/acks`
  const post = async (path, body, token) => {
    const headers = { "Content-Type": JSON_TYPE, ...(token && { Authorization: `Bearer ${token}` }) }
    const response = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) })
    return { status: response.status, body: await response.json() }
  }
  const made = await send("PUT", url, JSON_TYPE, JSON.stringify({
    type: "pull-wake",
    wake_stream: "offsets/wakes",
    streams: ["offsets/acked"],
  }))
  assert.equal(made.status, 201)
  const old = await append(stream, "[1, 2]")
  const claim = (await post("/claim", { worker: "w" })).body
  assert.equal(claim.streams[0].tail_offset, old)
  assert.equal(claim.streams[0].acked_offset, ZERO)

  assert.equal((await send("DELETE", stream.url)).status, 204)
  await create("acked", JSON_TYPE)
  const recent = await append(stream, "[1, 2, 3]")
  const ack = offset =>
    post(
      "/ack",
      { wake_id: claim.wake_id, generation: claim.generation, acks: [{ stream: "offsets/acked", offset }] },
      claim.token,
    )
  const gone = await ack(old)
  assert.deepEqual([gone.status, gone.body.error.code], [410, "OFFSET_OF_EARLIER_STREAM"])
  assert.equal((await ack("9999999999999999_9999999999999999")).status, 409)
  assert.equal((await ack(recent)).status, 200)
  assert.equal((await (await fetch(url)).json()).streams[0].acked_offset, recent)
})

test("an append may depend on where the tail is", async () => {
  const stream = await create("expected", TEXT)
  const at = (offset, body, headers) =>
    send("POST", stream.url, TEXT, body, { "Stream-Expected-Offset": offset, ...headers })
  const producer = seq => ({ "Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": `${seq}` })
  const first = await at(stream.offset, "one", producer(0))
  assert.equal(first.status, 200)
  const tail = nextOffset(first)
  assert.equal((await at(stream.offset, "one", producer(0))).status, 204, "a retry of what has landed is none of it")

  const late = await at(stream.offset, "two", producer(1))
  assert.deepEqual([late.status, nextOffset(late), late.headers.get("Stream-Closed")], [409, tail, null])
  assert.match(await late.text(), /Expected offset conflict/)
  const second = await at(nextOffset(late), "two", { ...producer(1), "Stream-Seq": "b" })
  assert.equal(second.status, 200)
  const regressed = await at(nextOffset(second), "three", { "Stream-Seq": "a" })
  assert.deepEqual([regressed.status, nextOffset(regressed)], [409, nextOffset(second)])
  for (const malformed of ["", "now", "12", "9999999999999999_9999999999999999", oneFurther(nextOffset(second))])
    assert.equal((await at(malformed, "three")).status, 400, malformed)
  assert.equal((await read(stream, "-1")).body, "onetwo")

  const race = await Promise.all(Array.from({ length: 20 }, (_, n) => at(nextOffset(second), `(${n})`)))
  assert.equal(race.filter(({ status }) => status === 204).length, 1)
  assert.equal(race.filter(({ status }) => status === 409).length, 19)
})

test("offsets and tags are good for their own data folder only, and not over a restore", async t => {
  const folder = await temporaryFolder()
  const backup = await temporaryFolder()
  t.after(() => Promise.all([removeFolder(folder), removeFolder(backup)]))
  const stream = base => ({ url: `${base}/v1/stream/same`, type: TEXT })
  const write = async base => {
    assert.equal((await send("PUT", stream(base).url, TEXT)).status, 201)
    const offset = await append(stream(base), "same text")
    return { offset, etag: (await read(stream(base), "-1")).headers.get("ETag") }
  }
  const elsewhere = await startServer({ signal: t.signal })
  const theirs = await write(elsewhere.url)
  await elsewhere.stop()

  let restarted = await startServer({ dataDir: folder, signal: t.signal })
  const ours = await write(restarted.url)
  assert.notEqual(ours.etag, theirs.etag)
  assert.equal((await read(stream(restarted.url), theirs.offset)).status, 400)
  await restarted.stop()
  await cp(folder, backup, { recursive: true })

  restarted = await startServer({ dataDir: folder, signal: t.signal })
  assert.equal((await read(stream(restarted.url), ours.offset)).upToDate, true, "as good as before a restart")
  const lost = await append(stream(restarted.url), "lost with the disk")
  await restarted.stop()

  await writeFile(join(backup, "restored"), "")
  for (let start = 0; start < 2; start++) {
    const restored = await startServer({ dataDir: backup, signal: t.signal })
    for (const offset of [ours.offset, lost]) {
      const gone = await read(stream(restored.url), offset)
      assert.deepEqual([gone.status, gone.code], [410, "OFFSET_OF_EARLIER_STREAM"])
    }
    const whole = await read(stream(restored.url), "-1")
    assert.equal(whole.body, "same text")
    assert.notEqual(whole.headers.get("ETag"), ours.etag)
    assert.equal((await read(stream(restored.url), whole.next)).upToDate, true)
    await restored.stop()
  }
})

const BALLOON = Buffer.from("🎈")
const balloonIn = parts => [BALLOON.subarray(0, parts), BALLOON.subarray(parts)]

test("a character that is split over two appends of text is sent whole", async t => {
  for (const query of ["", "&live=long-poll"]) {
    const stream = await create(`split${query}`.replace("&", "-"), TEXT)
    const [start, end] = balloonIn(2)
    const whole = await append(stream, "whole")
    await append(stream, Buffer.concat([Buffer.from("cut "), start]))
    const first = await read(stream, "-1", query)
    assert.deepEqual([first.body, first.next, first.upToDate], ["whole", whole, true])
    const now = await read(stream, "now")
    assert.equal(now.next, whole)
    const second = query ? read(stream, first.next, query) : undefined
    const tail = await append(stream, Buffer.concat([end, Buffer.from(" end")]))
    const got = await (second ?? read(stream, first.next))
    assert.deepEqual([got.body, got.next, got.upToDate], ["cut 🎈 end", tail, true])
  }

  const stream = await create("split-sse", TEXT)
  const written = []
  for (let n = 0; n < 200; n++) {
    const [start, end] = balloonIn(1 + (n % 3))
    for (const body of [Buffer.concat([Buffer.from(`${n}:`), start]), Buffer.concat([end, Buffer.from(";")])]) {
      await append(stream, body)
      written.push(body)
    }
    if (n === 50) followed = follow(stream, t.signal)
  }
  const last = Buffer.concat([Buffer.from("last "), BALLOON.subarray(0, 3)])
  await append(stream, last)
  written.push(last)
  assert.equal((await send("POST", stream.url, undefined, undefined, { "Stream-Closed": "true" })).status, 204)
  const events = await followed
  const text = events.join("")
  assert.equal(text, Buffer.concat(written).toString(), "what is cut at the end of a closed stream comes as it is")
  assert.equal(text.indexOf("\uFFFD"), text.length - 1, "no other character is cut")
  assert.ok(events.length > 2)
})

let followed

/** The data of all events until the stream is closed. */
async function follow({ url }, signal) {
  const response = await fetch(`${url}?offset=-1&live=sse`, { signal })
  const events = (await response.text()).split("\n\n").map(event => event.replace(/^id: .*\n/, ""))
  return events.filter(event => event.startsWith("event: data")).map(event => event.replace(/^event: data\ndata: ?/, ""))
}
