// Sends valid requests with random damage, cut into random pieces. A damaged request is answered as what it has become
// or ends the connection; one that is refused has changed nothing, and the server stays well.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { seededRandom } from "../lib/random.mjs"
import { Fortress } from "./fortress.mjs"
import { chunked, request } from "./raw.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const ROUNDS = FULL ? 10 : 3
const MUTANTS_PER_ROUND = FULL ? 2_000 : 250
const AT_ONCE = 16
const MAX_PIECES = 4
/** Generous: a round that leaked each request would take far more. */
const MAX_GROWTH_BYTES = 48 << 20
const TEST_TIMEOUT_MS = FULL ? 900_000 : 180_000

const JSON_TYPE = { "Content-Type": "application/json" }
const ALLOWED_5XX = [501, 503, 505, 507]

/** Valid requests to a stream at a path. */
const SEEDS = [
  path => request("GET", `${path}?offset=-1`),
  path => request("GET", `${path}?offset=0000000000000000_0000000000000000&live=long-poll&cursor=1`),
  path => request("GET", `${path}?offset=now&live=sse`),
  path => request("GET", path, { headers: { "If-None-Match": '"1:0:5"', Range: "bytes=0-1" } }),
  path => request("HEAD", path),
  path =>
    request("OPTIONS", path, { headers: { Origin: "http://example.org", "Access-Control-Request-Method": "POST" } }),
  path =>
    request("PUT", `${path}-2`, {
      headers: { ...JSON_TYPE, "Stream-TTL": "60", "Stream-Closed": "true" },
      body: "[1]",
    }),
  path =>
    request("PUT", `${path}-3`, {
      headers: { "Stream-Forked-From": path, "Stream-Fork-Offset": "-1", "Stream-Fork-Sub-Offset": "0" },
    }),
  path => request("POST", path, { headers: { ...JSON_TYPE, "Stream-Seq": "0001" }, body: '{"a":1}' }),
  path =>
    request("POST", path, {
      headers: { ...JSON_TYPE, "Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "0" },
      body: "[1,2]",
    }),
  path =>
    request("POST", path, {
      headers: { ...JSON_TYPE, "Transfer-Encoding": "chunked" },
      body: chunked('["hello","world"]', [5, 12]),
    }),
  path => request("POST", path, { headers: JSON_TYPE, body: '[{"a":"b"},1.5e3,null]' }),
  path => request("POST", path, { headers: { "Stream-Closed": "true" }, body: "" }),
  path => request("DELETE", `${path}-2`),
]
/** What has a meaning somewhere. */
const TOKENS = [
  "\r\n",
  "\r\n\r\n",
  "\0",
  " ",
  ":",
  "%00",
  "%2F",
  "..",
  "/",
  "?",
  "&",
  "=",
  "-1",
  "9".repeat(30),
  "\xff\xfe",
  "{",
  "]",
  '"',
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Expect: 100-continue\r\n",
  "Connection: close\r\n",
  "A".repeat(5_000),
]

let fortress
before(async () => {
  fortress = await Fortress.build()
})
after(() => fortress.fall())

test("damaged requests", { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  const outcomes = new Map()
  const samples = []
  for (let round = 0; round < ROUNDS; round++) {
    const attacks = Array.from({ length: MUTANTS_PER_ROUND }, (_, i) => {
      const path = `/v1/stream/scratch/${round}-${i}`
      const bytes = mutate(random.oneOf(SEEDS)(path), random)
      return { path, bytes, pieces: cut(bytes, random), farewell: random.oneOf(["close", "half-close", "reset"]) }
    })
    const next = attacks.values()
    const attacker = async () => {
      for (const attack of next) {
        const outcome = await assault(attack)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, attacker))
    await fortress.assertCalm()
    samples.push(await fortress.memory())
  }
  t.diagnostic([...outcomes].map(([status, count]) => `${status}: ${count}`).join(", "))
  // The first round warms up.
  for (const kind of ["heap", "resident"]) {
    if (samples[0][kind] === undefined) continue
    const growth = samples.at(-1)[kind] - samples[0][kind]
    assert.ok(growth < MAX_GROWTH_BYTES, `${kind} grew by ${growth} bytes: ${JSON.stringify(samples)}`)
  }
})

function mutate(seed, random) {
  let bytes = seed
  for (let n = random.between(1, 3); n > 0; n--) {
    const at = random.between(0, bytes.length - 1)
    const end = Math.min(bytes.length, at + random.between(1, 20))
    bytes = random.oneOf([
      () => bytes.slice(0, at) + String.fromCharCode(random.between(0, 255)) + bytes.slice(at + 1),
      () => bytes.slice(0, at) + bytes.slice(end),
      () => bytes.slice(0, at) + random.oneOf(TOKENS) + bytes.slice(at),
      () => bytes.slice(0, end) + bytes.slice(at),
      () => bytes.slice(0, Math.max(1, at)),
      () => {
        const lines = bytes.split("\r\n")
        const line = random.between(0, lines.length - 1)
        lines.splice(line, 0, lines[line])
        return lines.join("\r\n")
      },
    ])()
  }
  return bytes
}

function cut(bytes, random) {
  const cuts = Array.from({ length: random.between(0, MAX_PIECES - 1) }, () => random.between(0, bytes.length)).sort(
    (a, b) => a - b,
  )
  return [0, ...cuts].map((from, i) => bytes.slice(from, cuts[i] ?? bytes.length))
}

/** Sends one mutant and takes leave; yields the status of the answer, or that there was none. */
async function assault({ path, bytes, pieces, farewell }) {
  const tail = await fortress.create(path, { type: "application/json" })
  const connection = await fortress.connect()
  for (const piece of pieces) {
    connection.write(piece)
    // The next piece goes out after this one has left.
    await new Promise(setImmediate)
  }
  if (farewell === "reset") {
    connection.reset()
    return "reset"
  }
  if (farewell === "half-close") connection.halfClose()
  const response = await connection.head()
  connection.close()
  if (!response) return "closed"
  const { status } = response
  assert.ok(status < 500 || ALLOWED_5XX.includes(status), `${status} for ${JSON.stringify(bytes)}`)
  // A mutant may hold a second request, which was not refused.
  if (status >= 400 && bytes.split("POST ").length <= 2) {
    assert.equal((await fortress.head(path)).tail, tail, `${status}, but stored: ${JSON.stringify(bytes)}`)
  }
  return status
}
