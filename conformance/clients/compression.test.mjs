// Shows which answers are compressed when that is asked for, and that caches can keep both forms of one apart.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { request } from "node:http"
import { join } from "node:path"
import { buffer } from "node:stream/consumers"
import { gunzipSync } from "node:zlib"
import * as Ably from "ably"
import { stream } from "@durable-streams/client"
import { startServer } from "../lib/server.mjs"
import { basic } from "../lib/tokens.mjs"

const GZIP = { "Accept-Encoding": "gzip" }
const WORDS = "a token of an answer ".repeat(500)
const KEY = "cipher key of 16"

let server
before(async () => (server = await startServer()))
after(() => server?.stop())

/** An answer as it is on the wire. */
async function get(path, headers = {}) {
  const asked = request(`${server.url}${path}`, { headers }).end()
  const [response] = await once(asked, "response")
  const { statusCode: status, headers: received } = response
  if (received["content-type"] === "text/event-stream") return response.destroy(), { status, headers: received }
  return { status, headers: received, body: await buffer(response) }
}

const create = async (name, type, body) => {
  const path = `/v1/stream/compression/${name}`
  assert.equal((await fetch(server.url + path, { method: "PUT", headers: { "Content-Type": type }, body })).status, 201)
  return path
}

for (const [type, body] of [
  ["application/json", JSON.stringify([{ text: WORDS }])],
  ["text/plain", WORDS],
]) {
  test(`catch-up of ${type} is compressed when asked for, under a tag of its own`, async () => {
    const path = `${await create(type.replace("/", "-"), type, body)}?offset=-1`
    const plain = await get(path)
    const packed = await get(path, GZIP)
    assert.equal(plain.headers["content-encoding"], undefined)
    assert.equal(plain.body.toString(), body)
    assert.equal(packed.headers["content-encoding"], "gzip")
    assert.equal(gunzipSync(packed.body).toString(), body)
    assert.ok(packed.body.length < body.length / 4)
    assert.notEqual(packed.headers.etag, plain.headers.etag)
    assert.equal(packed.headers["stream-next-offset"], plain.headers["stream-next-offset"])
    for (const { headers } of [plain, packed]) assert.match(headers.vary, /accept-encoding/i)

    const again = await get(path, { ...GZIP, "If-None-Match": packed.headers.etag })
    assert.equal(again.status, 304)
    assert.equal(again.headers.etag, packed.headers.etag)
    assert.match(again.headers.vary, /accept-encoding/i)
    assert.equal((await get(path, { "If-None-Match": plain.headers.etag })).status, 304)
    assert.equal((await get(path, { "If-None-Match": packed.headers.etag })).status, 200)
    // The published client asks for it, and unpacks it.
    assert.equal(await (await stream({ url: server.url + path.split("?")[0], live: false })).text(), body)
  })
}

test("what is tiny, not text, or live is not compressed", async () => {
  const tiny = await create("tiny", "text/plain", "tiny")
  const bytes = await create("bytes", "application/octet-stream", WORDS)
  const text = await create("text", "text/plain", WORDS)
  for (const path of [`${tiny}?offset=-1`, `${bytes}?offset=-1`, `${text}?offset=-1&live=sse`]) {
    const { status, headers } = await get(path, GZIP)
    assert.equal(status, 200)
    assert.equal(headers["content-encoding"], undefined, path)
  }
})

test("lists of the REST door are compressed when asked for, but for encrypted messages", async () => {
  const key = (await readFile(join(server.dataDir, "root.key"), "utf8")).trim()
  const rest = new Ably.Rest({ key, endpoint: "127.0.0.1", port: Number(new URL(server.url).port), tls: false, useTokenAuth: true })
  await rest.channels.get("plain").publish("words", WORDS)
  await rest.channels.get("secret", { cipher: { key: Buffer.from(KEY) } }).publish("words", randomBytes(4_000).toString("base64"))
  const authorization = { Authorization: basic(key) }
  const list = (name, format) => get(`/channels/${name}/messages?format=${format}`, { ...authorization, ...GZIP })
  for (const format of ["json", "msgpack"]) {
    const packed = await list("plain", format)
    assert.equal(packed.headers["content-encoding"], "gzip")
    assert.match(packed.headers.vary, /accept-encoding/i)
    assert.ok(gunzipSync(packed.body).includes(WORDS))
    const secret = await list("secret", format)
    assert.equal(secret.status, 200)
    assert.equal(secret.headers["content-encoding"], undefined)
  }
  const plain = await get("/channels/plain/messages?format=json", authorization)
  assert.equal(plain.headers["content-encoding"], undefined)
  assert.equal(JSON.parse(plain.body)[0].data, WORDS)
  const { items } = await rest.channels.get("plain").history()
  assert.equal(items[0].data, WORDS)
})
