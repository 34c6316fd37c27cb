// Shows headers that the public suite does not look at: how long caches may keep what was read, who may use what they
// kept, and where a new stream is.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { RawConnection, request } from "../fuzz/raw.mjs"
import { startServer } from "../lib/server.mjs"

let server
before(async () => (server = await startServer({ args: ["--set", "cors.origins=*"] })))
after(() => server?.stop())

const streamUrl = name => `${server.url}/v1/stream/headers/${name}`

async function cachingOf(name, lifetime) {
  const headers = { "Content-Type": "text/plain", "Stream-Closed": "true", ...lifetime }
  assert.equal((await fetch(streamUrl(name), { method: "PUT", headers, body: "text" })).status, 201)
  return (await fetch(`${streamUrl(name)}?offset=-1`)).headers.get("Cache-Control")
}

const expiresIn = seconds => ({ "Stream-Expires-At": new Date(Date.now() + seconds * 1000).toISOString() })

test("caches keep what can grow no more, but not for longer than the stream lives", async () => {
  assert.equal(await cachingOf("for-ever", {}), "public, max-age=60, stale-while-revalidate=300")
  assert.equal(await cachingOf("ttl", { "Stream-TTL": "20" }), "public, max-age=20")
  assert.equal(await cachingOf("long-ttl", { "Stream-TTL": "100" }), "public, max-age=60, stale-while-revalidate=40")
  assert.match(await cachingOf("expires", expiresIn(30)), /^public, max-age=(2\d|30)$/)
  assert.match(await cachingOf("expires-later", expiresIn(90)), /^public, max-age=60, stale-while-revalidate=(2\d|30)$/)
})

test("what a cache got for a server is of use to a page as well", async () => {
  await cachingOf("shared", {})
  const read = await fetch(`${streamUrl("shared")}?offset=-1`)
  assert.equal(read.headers.get("Access-Control-Allow-Origin"), "*")
  assert.match(read.headers.get("Access-Control-Expose-Headers"), /Stream-Next-Offset/)
})

test("a new stream is at its URL, whatever else was in the request's", async () => {
  const path = "/v1/stream/headers/new"
  const connection = await RawConnection.open(server.url)
  // No client library sends such a query, and no header can hold it.
  connection.write(request("PUT", `${path}?\x7f`, { headers: { "Content-Type": "text/plain" } }))
  const created = await connection.response("PUT")
  assert.equal(created.status, 201)
  assert.match(created.headers.get("location"), new RegExp(`^http://[^/]+${path}$`))
  connection.close()
})
