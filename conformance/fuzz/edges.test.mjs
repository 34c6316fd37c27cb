// Shows what the edge of the server makes of requests: slow bodies, pages of others, names of others, what proxies say, and
// URLs and headers that are wrong, on each door in its own form.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { connect as connectHttp2 } from "node:http2"
import { once } from "node:events"
import { join } from "node:path"
import { DurableStream } from "@durable-streams/client"
import { startServer } from "../lib/server.mjs"
import { basic } from "../lib/tokens.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { assertRefusal, assertSessionRefusal } from "./fortress.mjs"
import { chunked, RawConnection, request } from "./raw.mjs"

const TIMEOUT_MS = 1_000
const WAIT_MS = 30_000
const TEXT = { "Content-Type": "text/plain" }
const STREAM = "/v1/stream/edges"

let server
before(async () => {
  server = await startServer({ args: ["--set", `limits.request-timeout=${TIMEOUT_MS}`, "--set", "cors.headers=X-Mine,X-Yours"] })
  assert.equal((await fetch(`${server.url}${STREAM}`, { method: "PUT", headers: TEXT })).status, 201)
})
after(() => server?.stop())

/** The answer to `bytes` on a connection of their own, and whether the server ended that. */
async function send(bytes, { to = server, end = false } = {}) {
  const connection = await RawConnection.open(to.url)
  connection.write(bytes)
  const response = await connection.response(bytes.slice(0, bytes.indexOf(" ")))
  if (end) await connection.end()
  connection.close()
  return response
}

const read = async (path = STREAM) => (await fetch(`${server.url}${path}?offset=-1`)).text()

/** What bodies that came in part have taken of the memory for them is given back. */
function nothingIsArriving() {
  return eventually(WAIT_MS, async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    return metrics.includes('parley_memory_held_bytes{purse="arriving"} 0.0\n')
  }, "the memory of bodies that have not come")
}

/** A server with other settings, for one test. */
async function another(t, settings) {
  const args = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`])
  const other = await startServer({ args })
  t.after(() => other.stop())
  return other
}

// ---- Slow bodies ----------------------------------------------------------------------------------

test("a token stream may take longer than limits.request-timeout", async () => {
  const handle = await DurableStream.create({ url: `${server.url}${STREAM}/slow`, contentType: "text/plain" })
  const start = Date.now()
  async function* tokens() {
    for (let n = 0; Date.now() < start + 4 * TIMEOUT_MS; n++) {
      yield `token ${n} `
      await new Promise(resolve => setTimeout(resolve, 20)) // an agent's pace, no wait for anything
    }
    yield "end"
  }
  await within(WAIT_MS, handle.appendStream(tokens()), "the append")
  assert.match(await read(`${STREAM}/slow`), /^token 0 token 1 .* end$/)
})

test("a token stream that stops without an end is told so, and nothing of it is stored", async () => {
  const handle = await DurableStream.create({ url: `${server.url}${STREAM}/stuck`, contentType: "text/plain" })
  let hurry
  const never = new Promise(resolve => (hurry = resolve))
  async function* tokens() {
    yield "half"
    await never
  }
  const appended = handle.appendStream(tokens())
  await assert.rejects(within(WAIT_MS, appended, "the end of the append"), error => {
    assert.doesNotMatch(error.message, /in vain/)
    return true
  })
  hurry()
  assert.equal(await read(`${STREAM}/stuck`), "")
})

test("408 in the form of each door, and the end of the connection", async () => {
  const half = target => request("POST", target, { headers: { ...TEXT, "Content-Length": "100" }, body: "half" })
  const ofStreams = await send(half(STREAM), { end: true })
  assertRefusal(ofStreams, [408])
  assert.equal(JSON.parse(ofStreams.body).error.code, "REQUEST_TIMEOUT")
  const ofSessions = await send(half("/keys/a.b/requestToken"), { end: true })
  assertSessionRefusal(ofSessions, [408])
  assert.equal(await read(), "")
  await nothingIsArriving()
})

test("408 on HTTP/2 ends the request and leaves the connection", async t => {
  const session = connectHttp2(server.url)
  t.after(() => session.destroy())
  const post = session.request({ ":method": "POST", ":path": STREAM, "content-type": "text/plain" })
  post.on("error", () => {}) // the stream is reset once it is answered
  post.write("half")
  const [headers] = await within(WAIT_MS, once(post, "response"), "an answer")
  assert.equal(headers[":status"], 408)
  post.resume()
  if (!post.closed) await within(WAIT_MS, once(post, "close"), "the reset")
  const get = session.request({ ":path": `${STREAM}?offset=-1` })
  const [after] = await within(WAIT_MS, once(get, "response"), "another answer")
  assert.equal(after[":status"], 200)
  assert.equal(await read(), "")
  await nothingIsArriving()
})

// ---- Requests that are wrong ----------------------------------------------------------------------

test("malformed escapes are 400 on every door, in its form", async () => {
  const key = (await readFile(join(server.dataDir, "root.key"), "utf8")).trim()
  const upgrade = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" }
  for (const escape of ["%", "%4", "%zz", "a%G1b"]) {
    for (const target of [`${STREAM}?offset=${escape}`, `${STREAM}/${escape}`, `/v1/stream/__ds/subscriptions/${escape}`]) {
      assertRefusal(await send(request("GET", target)), [400], target)
    }
    const authorization = { Authorization: basic(key) }
    for (const target of [`/channels?prefix=${escape}`, `/channels/${escape}`, `/time?${escape}`, `/channels/a/messages?limit=${escape}`]) {
      assertSessionRefusal(await send(request("GET", target, { headers: authorization })), [400], target)
    }
    assertSessionRefusal(await send(request("GET", `/?v=6&key=${escape}`, { headers: upgrade })), [400], "an upgrade")
  }
  for (const target of ["/channels/a%FFb", "/channels/%C3%28/messages", "/channels?prefix=%FF"]) {
    const authorization = { Authorization: basic(key) }
    assertSessionRefusal(await send(request("GET", target, { headers: authorization })), [400], target)
  }
  assert.doesNotMatch(server.log(), /\bERROR\b/)
})

test("what is framed in an unknown way is not read as the next request", async () => {
  const inside = request("POST", STREAM, { headers: TEXT, body: "smuggled" })
  for (const [headers, body, statuses] of [
    [{ "Transfer-Encoding": "gzip" }, inside, [501]],
    [{ "Transfer-Encoding": "gzip, chunked" }, chunked(inside, [inside.length]), [501]],
    [{ "Transfer-Encoding": "\x0bchunked" }, inside, [400, 501]],
    [["Content-Type: text/plain", "Content-Length: 0", `Content-Length: ${inside.length}`], inside, [400]],
    [["Content-Type: text/plain", "Host: localhost", "Content-Length: 0"], inside, [400]],
    // Framed in two ways: the shorter one counts, and what is behind it is no request.
    [["Content-Type: text/plain", "Transfer-Encoding: chunked", "Content-Length: 5"], `0\r\n\r\n${inside}`, [400]],
    [["Content-Type: text/plain", "Connection: close", "Content-Length: 0"], inside, [400]],
  ]) {
    const lines = Array.isArray(headers) ? headers : { ...TEXT, ...headers }
    assertRefusal(await send(request("POST", STREAM, { headers: lines, body }), { end: true }), statuses, JSON.stringify(headers))
  }
  assertRefusal(await send(request("GET", STREAM, { host: false }), { end: true }), [400], "no host")
  assert.equal(await read(), "")
})

test("a body in an encoding is 415 in the form of each door", async () => {
  const encoded = (target, type) =>
    request("POST", target, { headers: { "Content-Type": type, "Content-Encoding": "gzip" }, body: "x" })
  assertRefusal(await send(encoded(STREAM, "text/plain")), [415])
  assertSessionRefusal(await send(encoded("/channels/a/messages", "application/json")), [415])
  assert.equal(await read(), "")
})

// ---- Pages ----------------------------------------------------------------------------------------

const preflight = origin => ({ Origin: origin, "Access-Control-Request-Method": "GET" })

test("pages may send what tracers and readers of events add, and what is configured", async () => {
  for (const target of [STREAM, "/channels"]) {
    const { status, headers } = await send(request("OPTIONS", target, { headers: preflight("http://localhost:1") }), { end: false })
    assert.equal(status, 204)
    const allowed = headers.get("access-control-allow-headers").toLowerCase().split(/, */)
    for (const header of ["traceparent", "tracestate", "baggage", "last-event-id", "cache-control", "x-mine", "x-yours", "content-type"]) {
      assert.ok(allowed.includes(header), `${target}: ${header} of ${allowed}`)
    }
  }
})

const CROSS = [
  ["GET", undefined],
  ["HEAD", undefined],
  ["POST", "x"],
  ["PUT", ""],
  ["DELETE", undefined],
  ["OPTIONS", undefined],
]

test("an open door on loopback is only for pages of this machine", async () => {
  for (const origin of ["https://evil.example", "null", "http://localhost.evil.example"]) {
    for (const [method, body] of CROSS) {
      for (const target of [STREAM, `${STREAM}/other`, "/v1/stream/__ds/subscriptions/a"]) {
        const response = await send(request(method, target, { headers: { ...TEXT, Origin: origin }, body }))
        assert.equal(response.status, 403, `${method} ${target} of ${origin}`)
        assert.equal(response.headers.get("access-control-allow-origin"), undefined)
        if (response.body) assert.equal(JSON.parse(response.body).error.code, "ORIGIN_NOT_ALLOWED")
      }
    }
  }
  for (const origin of [server.url, "http://localhost:5173", "http://[::1]:80"]) {
    const response = await send(request("GET", `${STREAM}?offset=-1`, { headers: { Origin: origin } }))
    assert.equal(response.status, 200, origin)
    assert.equal(response.headers.get("access-control-allow-origin"), origin)
  }
})

test("an open door on loopback does not answer under the names of others", async () => {
  for (const host of ["evil.example", "evil.example:4437", "127.0.0.1.evil.example", "0.0.0.0", "192.168.0.1"]) {
    for (const [method, body] of CROSS) {
      const response = await send(request(method, STREAM, { headers: { ...TEXT, Host: host }, host: false, body }))
      assert.equal(response.status, 403, `${method} of ${host}`)
      if (response.body) assert.equal(JSON.parse(response.body).error.code, "HOST_NOT_ALLOWED")
    }
  }
  for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1:4437", "[::1]:4437", "a.localhost"]) {
    assert.equal((await send(request("GET", `${STREAM}?offset=-1`, { headers: { Host: host }, host: false }))).status, 200, host)
  }
  assert.equal(await read(), "")
})

test("an open door on loopback takes the origins and hosts that are configured", async t => {
  const open = await another(t, {
    "cors.origins": "https://app.example",
    "server.allowed-hosts": "parley,other",
    "server.public-url": "https://parley.example",
  })
  const status = async headers =>
    (await send(request("GET", "/v1/stream/none", { headers, host: !headers.Host }), { to: open })).status
  assert.equal(await status({ Origin: "https://app.example" }), 404)
  assert.equal(await status({ Origin: "http://localhost:5173" }), 403)
  assert.equal(await status({ Host: "Parley" }), 404)
  assert.equal(await status({ Host: "other:80" }), 404)
  assert.equal(await status({ Host: "parley.example" }), 404)
  assert.equal(await status({ Host: "evil.example" }), 403)
})

test("doors that ask for a key are for pages of everybody, under any name", async t => {
  const key = `app.one:${"s".repeat(32)}`
  const closed = await another(t, { "auth.keys": key })
  const headers = { Origin: "https://app.example", Host: "parley.example", Authorization: `Bearer ${key}` }
  const response = await send(request("GET", "/v1/stream/none", { headers, host: false }), { to: closed })
  assert.equal(response.status, 404)
  assert.equal(response.headers.get("access-control-allow-origin"), "*")
  // Sessions ask for a key everywhere.
  const sessions = await send(request("GET", "/time", { headers: { Origin: "https://app.example" } }))
  assert.equal(sessions.status, 200)
  assert.equal(sessions.headers.get("access-control-allow-origin"), "https://app.example")
})

// ---- Addresses ------------------------------------------------------------------------------------

const location = async (to, path, headers = {}) =>
  (await send(request("PUT", `/v1/stream/${path}`, { headers: { ...TEXT, ...headers } }), { to })).headers.get("location")
const FORWARDED = { "X-Forwarded-Proto": "https", "X-Forwarded-Host": "parley.example" }

test("Location follows who asks, and believes only proxies that are trusted", async t => {
  assert.equal(await location(server, "l1"), "http://localhost/v1/stream/l1")
  assert.equal(await location(server, "l2", FORWARDED), "http://localhost/v1/stream/l2")
  const trusting = await another(t, { "server.trusted-proxies": "10.0.0.0/8,127.0.0.0/8" })
  assert.equal(await location(trusting, "l1"), "http://localhost/v1/stream/l1")
  assert.equal(await location(trusting, "l2", FORWARDED), "https://parley.example/v1/stream/l2")
  assert.equal(await location(trusting, "l3", { "X-Forwarded-Proto": "https, http" }), "https://localhost/v1/stream/l3")
  assert.equal(await location(trusting, "l4", { "X-Forwarded-Host": "a b", "X-Forwarded-Proto": "gopher" }), "http://localhost/v1/stream/l4")
})

const SUBSCRIPTION = { type: "webhook", streams: ["a"], webhook: { url: "http://127.0.0.1:9/hook" } }

test("clients and workers may be told different addresses", async t => {
  const links = async (settings, headers = {}) => {
    const other = await another(t, settings)
    const body = JSON.stringify(SUBSCRIPTION)
    const target = "/v1/stream/__ds/subscriptions/one"
    const response = await send(request("PUT", target, { headers: { "Content-Type": "application/json", ...headers }, body }), { to: other })
    assert.equal(response.status, 201, response.body)
    return [await location(other, "l"), JSON.parse(response.body).webhook.signing.jwks_url]
  }
  const PUBLIC = "https://parley.example"
  const INSIDE = "http://parley.internal:4437"
  const jwks = base => `${base}/v1/stream/__ds/jwks.json`
  assert.deepEqual(await links({ "server.public-url": PUBLIC }), [`${PUBLIC}/v1/stream/l`, jwks(PUBLIC)])
  assert.deepEqual(await links({ "server.public-url": PUBLIC, "webhooks.callback-url": INSIDE }), [`${PUBLIC}/v1/stream/l`, jwks(INSIDE)])
  assert.deepEqual(await links({ "webhooks.callback-url": INSIDE }), ["http://localhost/v1/stream/l", jwks(INSIDE)])
})
