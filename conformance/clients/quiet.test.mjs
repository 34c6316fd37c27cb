// Shows that live reads on which nothing happens survive what closes idle connections, that published clients do not mind
// what keeps them alive, and that a reader which speaks plain SSE comes back to where it was.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { once, setMaxListeners } from "node:events"
import { connect, createServer } from "node:net"
import { DurableStream, stream } from "@durable-streams/client"
import { createStateSchema } from "@durable-streams/state"
import { createStreamDB } from "@durable-streams/state/db"
import { createParser } from "eventsource-parser"
import { held, metric } from "../lib/metrics.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const KEEPALIVE_MS = 200
/** How many of them a quiet reader sees before something is written at last. */
const QUIET_KEEPALIVES = 15
/** The proxy's: what was quiet all the time would not have lived. */
const IDLE_MS = 2_000
const WAIT_MS = 30_000
const READERS = 20
const FROZEN = 200

let server, proxy
before(async () => {
  server = await startServer({ args: ["--set", `streams.sse-keepalive=${KEEPALIVE_MS}`] })
  proxy = await startImpatientProxy(server.url)
})
after(async () => {
  await proxy?.close()
  await server?.stop()
})

/** Passes everything on, and cuts connections on which the server sends nothing for IDLE_MS, as proxies do. */
async function startImpatientProxy(target) {
  const sockets = new Set()
  const listening = createServer(client => {
    const { hostname, port } = new URL(target)
    const upstream = connect({ host: hostname, port: Number(port) })
    const cut = () => (client.destroy(), upstream.destroy())
    upstream.setTimeout(IDLE_MS, cut)
    for (const socket of [client, upstream]) {
      sockets.add(socket.on("error", cut).on("close", cut))
    }
    client.pipe(upstream).pipe(client)
  })
  await once(listening.listen(0, "127.0.0.1"), "listening")
  return {
    url: `http://127.0.0.1:${listening.address().port}`,
    async close() {
      listening.close()
      sockets.forEach(socket => socket.destroy())
      await once(listening, "close")
    },
  }
}

/** Reads events as the HTML standard has them; `comments` counts those. Ends with `reading`. */
function readEvents(url, { headers, reading }) {
  const seen = { events: [], comments: 0, text: "", ended: undefined }
  const read = async () => {
    const response = await fetch(url, { headers, signal: reading.signal })
    assert.equal(response.status, 200)
    const parser = createParser({ onEvent: event => seen.events.push(event), onComment: () => seen.comments++ })
    const decoder = new TextDecoder()
    for await (const part of response.body) {
      const text = decoder.decode(part, { stream: true })
      seen.text += text
      parser.feed(text)
    }
  }
  seen.ended = read().catch(error => {
    if (!reading.signal.aborted) seen.failure = error
  })
  return seen
}

test(`${READERS} readers, a StreamDB and a plain one outlive a long silence behind an impatient proxy`, async t => {
  const url = `${proxy.url}/v1/stream/quiet`
  const handle = await DurableStream.create({ url: `${server.url}/v1/stream/quiet`, contentType: "application/json" })
  const reading = new AbortController()
  setMaxListeners(0, reading.signal)
  t.after(() => reading.abort())
  const got = Array.from({ length: READERS }, () => [])
  const sessions = await Promise.all(got.map(() => stream({ url, offset: "-1", live: "sse", signal: reading.signal })))
  sessions.forEach((session, i) => session.subscribeJson(batch => got[i].push(...batch.items)))
  const failed = Promise.race(sessions.map(session => session.closed)).then(() => assert.fail("a session has ended"))
  failed.catch(() => {})

  const state = createStateSchema({
    notes: {
      type: "note",
      primaryKey: "id",
      schema: { "~standard": { version: 1, vendor: "conformance", validate: value => ({ value }) } },
    },
  })
  const db = createStreamDB({ streamOptions: { url, contentType: "application/json" }, live: "sse", state })
  t.after(() => db.close())
  await within(WAIT_MS, db.preload(), "the preload")

  const plain = readEvents(`${url}?offset=-1&live=sse`, { reading })
  await eventually(WAIT_MS, () => plain.comments >= QUIET_KEEPALIVES || plain.failure, "comments")
  assert.equal(plain.failure, undefined)
  assert.deepEqual(plain.events.map(({ event }) => event), ["control"], "comments are no events")

  const row = state.notes.insert({ key: "a", value: { id: "a", text: "at last" } })
  await handle.append(JSON.stringify(row))
  await Promise.race([failed, eventually(WAIT_MS, () => got.every(items => items.length === 1), "the row at every reader")])
  await eventually(WAIT_MS, () => db.collections.notes.get("a"), "the row in the StreamDB")
  await eventually(WAIT_MS, () => plain.events.some(({ event }) => event === "data"), "the row at the plain reader")
})

test("a silence is broken in HTTP/1.1 before and after the first data, for each content type", async t => {
  for (const contentType of ["application/json", "text/plain", "application/octet-stream"]) {
    const url = `${server.url}/v1/stream/quiet-${contentType.replace("/", "-")}`
    const handle = await DurableStream.create({ url, contentType })
    const reading = new AbortController()
    t.after(() => reading.abort())
    const seen = readEvents(`${url}?offset=-1&live=sse`, { reading })
    await eventually(WAIT_MS, () => seen.comments > 1, "comments before data")
    await handle.append(contentType === "application/json" ? '{"n":1}' : "one")
    await eventually(WAIT_MS, () => seen.events.some(({ event }) => event === "data"), "data")
    const before = seen.comments
    await eventually(WAIT_MS, () => seen.comments > before + 1, "comments behind data")
    const data = seen.events.find(({ event }) => event === "data").data
    assert.equal(data, { "application/json": '[{"n":1}]', "text/plain": "one" }[contentType] ?? btoa("one"))
    // Simple readers look for the blank.
    if (contentType !== "text/plain") assert.ok(seen.text.includes(`\ndata: ${data}\n`))
  }
})

test("Last-Event-ID goes on where an event ended, whatever the URL says", async t => {
  const url = `${server.url}/v1/stream/last-event-id`
  const handle = await DurableStream.create({ url, contentType: "text/plain" })
  const read = (query, lastEventId) => {
    const reading = new AbortController()
    t.after(() => reading.abort())
    const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId }
    return readEvents(`${url}?${query}`, { headers, reading })
  }
  const texts = seen => seen.events.filter(({ event }) => event === "data").map(({ data }) => data)

  const first = read("offset=now&live=sse")
  await eventually(WAIT_MS, () => first.events.length === 1, "the control event")
  await handle.append("one")
  await eventually(WAIT_MS, () => texts(first).length === 1, "the first append")
  await handle.append("two")
  await eventually(WAIT_MS, () => texts(first).length === 2, "the second append")

  // Every event that comes alone or first has an id; what came before it is not sent again, what came after is.
  const [control, one] = first.events.filter(({ id }) => id)
  const afterControl = read("offset=now&live=sse", control.id)
  await eventually(WAIT_MS, () => texts(afterControl).join("") === "onetwo", "both appends")
  const afterOne = read("offset=-1&live=sse", one.id)
  await eventually(WAIT_MS, () => texts(afterOne).join("") === "two", "the second append alone")
  const withoutOffset = read("live=sse", one.id)
  await eventually(WAIT_MS, () => texts(withoutOffset).join("") === "two", "the second append alone")
  // An EventSource that has seen no id sends none, or an empty one.
  const fromStart = read("offset=-1&live=sse", "")
  await eventually(WAIT_MS, () => texts(fromStart).join("") === "onetwo", "both appends")

  const refused = await fetch(`${url}?offset=-1&live=sse`, { headers: { "Last-Event-ID": "nonsense" } })
  assert.equal(refused.status, 400)
  assert.equal((await refused.json()).error.code, "INVALID_OFFSET")
})

test("a reader that freezes while TCP lives on is cut", async t => {
  const readers = () => metric(server.url, "parley_streams_live_readers")
  await eventually(WAIT_MS, async () => (await readers()) === 0, "no reader of another test")
  const url = new URL(`${server.url}/v1/stream/frozen`)
  const handle = await DurableStream.create({ url: url.href, contentType: "text/plain" })
  const frozen = connect({ host: url.hostname, port: Number(url.port) })
  t.after(() => frozen.destroy())
  frozen.on("error", () => {})
  frozen.write(`GET ${url.pathname}?offset=-1&live=sse HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`)
  await eventually(WAIT_MS, async () => (await readers()) === 1, "the reader")
  frozen.pause()
  // More than kernels keep for a socket.
  const text = "x".repeat(1 << 20)
  for (let n = 0; n < 24; n++) await handle.append(text)
  await eventually(WAIT_MS, async () => (await readers()) === 0, "the reader to be given up")
})

test("of many readers those that freeze are cut, and one that is slow is not", async t => {
  // Long enough for the slow one to get its turn on a busy machine; nothing else ends a reader meanwhile.
  const patient = await startServer({
    args: ["streams.sse-keepalive=2000", "streams.sse-max-age=600000", "limits.request-timeout=3600000"].flatMap(set => ["--set", set]),
  })
  t.after(() => patient.stop())
  const url = new URL(`${patient.url}/v1/stream/frozen-together`)
  const handle = await DurableStream.create({ url: url.href, contentType: "text/plain" })
  const open = () => {
    const socket = connect({ host: url.hostname, port: Number(url.port) })
    t.after(() => socket.destroy())
    socket.on("error", () => {})
    socket.pause()
    socket.write(`GET ${url.pathname}?offset=-1&live=sse HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`)
    return socket
  }
  const slow = open()
  let taken = 0
  const sipping = setInterval(() => (taken += slow.read(4 << 10)?.length ?? slow.read()?.length ?? 0), 10)
  t.after(() => clearInterval(sipping))
  for (let n = 0; n < FROZEN; n++) open()
  const readers = count =>
    eventually(WAIT_MS, async () => (await metric(patient.url, "parley_streams_live_readers")) === count, `${count} readers`)
  await readers(FROZEN + 1)
  // More than the slow one takes while the others are waited for.
  const text = "x".repeat(1 << 20)
  for (let n = 0; n < 8; n++) await handle.append(text)
  await readers(1)
  const before = taken
  await eventually(WAIT_MS, () => taken > before + (1 << 20), "more for who takes something")
  await readers(1)
  slow.destroy()
  await readers(0)
  await eventually(WAIT_MS, async () => (await held(patient.url, "backlogs")) === 0, "the room of all of them")
})
