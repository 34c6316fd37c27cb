// Treats connections badly: too slowly, by halves, cut, stuffed, abandoned. Each ends within its time, nothing is
// stored but what has arrived whole, the answers to others stay right, and nothing is left behind in the server.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { seededRandom } from "../lib/random.mjs"
import { eventually } from "../lib/wait.mjs"
import { assertRefusal, Fortress, LIMITS } from "./fortress.mjs"
import { chunked, request } from "./raw.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const ROUNDS = FULL ? 20 : 4
const EACH = FULL ? 100 : 20
const DRIP_INTERVAL_MS = 20
const READER_GONE_TIMEOUT_MS = 30_000
/** Generous: a server that kept what each round leaves would take far more. */
const MAX_GROWTH_BYTES = 48 << 20
const TEST_TIMEOUT_MS = FULL ? 900_000 : 120_000

const PATH = "/v1/stream/connections"
const BIG_PATH = "/v1/stream/big"
const BIG_APPENDS = 64

let fortress
before(async () => {
  fortress = await Fortress.build()
  await fortress.create(PATH)
  await fortress.create(BIG_PATH)
  for (let i = 0; i < BIG_APPENDS; i++) {
    assert.equal((await fortress.send(post(BIG_PATH, "b".repeat(LIMITS.body)))).status, 204)
  }
})
after(() => fortress.fall())

const post = (path, body, headers = {}) =>
  request("POST", path, { headers: { "Content-Type": "text/plain", ...headers }, body })

const content = async path => (await fortress.send(request("GET", `${path}?offset=-1`))).body

/** Runs `attack` with EACH connections at once and checks that nothing is left of them, nor in the stream. */
async function storm(attack) {
  const tail = (await fortress.head(PATH)).tail
  await Promise.all(
    Array.from({ length: EACH }, async (_, i) => {
      const connection = await fortress.connect()
      await attack(connection, i)
      connection.close()
    }),
  )
  assert.equal((await fortress.head(PATH)).tail, tail, "something was stored that had not arrived whole")
  await fortress.assertUntouched()
  await fortress.assertCalm()
}

/** Sends `bytes` one by one, slowly, until the server has enough of it. */
async function drip(connection, bytes) {
  let at = 0
  const timer = setInterval(() => {
    if (at < bytes.length) connection.write(bytes[at++])
  }, DRIP_INTERVAL_MS)
  try {
    await connection.end()
  } finally {
    clearInterval(timer)
  }
  assert.ok(at < bytes.length, "the server has waited for all of it")
}

const endless = "x".repeat(100_000)

const attacks = {
  "connections that say nothing": connection => connection.end(),
  "heads that drip": connection => drip(connection, request("GET", PATH, { headers: { "X-Slow": endless } })),
  "bodies that drip": connection => drip(connection, post(PATH, endless.slice(0, LIMITS.body))),
  "chunks that drip": connection =>
    drip(connection, post(PATH, chunked(endless, Array(50_000).fill(2)), { "Transfer-Encoding": "chunked" })),
  "second requests that drip": async connection => {
    connection.write(request("GET", "/health/live"))
    assert.equal((await connection.response()).status, 200)
    await drip(connection, request("GET", PATH, { headers: { "X-Slow": endless } }))
  },
  "half a head, half closed": async (connection, i) => {
    connection.write(post(PATH, "half").slice(0, 10 + i % 50))
    connection.halfClose()
    await connection.end()
  },
  "half a body, half closed": async (connection, i) => {
    connection.write(post(PATH, endless.slice(0, 1_000)).slice(0, -1 - i))
    connection.halfClose()
    await connection.end()
  },
  "cut in the head": async (connection, i) => {
    connection.write(post(PATH, "cut").slice(0, 1 + i % 60))
    connection.reset()
  },
  "cut in the body": async (connection, i) => {
    connection.write(post(PATH, endless.slice(0, LIMITS.body)).slice(0, -1 - 500 * i))
    connection.reset()
  },
  "cut in the response": async connection => {
    connection.write(request("GET", `${BIG_PATH}?offset=-1`))
    await connection.bytes(1_000)
    connection.reset()
  },
  "cut before the response": async connection => {
    connection.write(request("GET", `${BIG_PATH}?offset=-1`))
    connection.reset()
  },
  "live reads cut": async (connection, i) => {
    connection.write(request("GET", `${PATH}?offset=now&live=${i % 2 ? "sse" : "long-poll"}`))
    if (i % 4 < 2) await connection.head()
    connection.reset()
  },
  "live reads half closed": async (connection, i) => {
    connection.write(request("GET", `${PATH}?offset=now&live=${i % 2 ? "sse" : "long-poll"}`))
    connection.halfClose()
    await connection.end()
  },
}

for (const [what, attack] of Object.entries(attacks)) {
  test(what, { timeout: TEST_TIMEOUT_MS }, () => storm(attack))
}

test("a connection in use is not idle", { timeout: TEST_TIMEOUT_MS }, async () => {
  const connection = await fortress.connect()
  for (const until = Date.now() + 2 * LIMITS.idleTimeoutMs; Date.now() < until; ) {
    connection.write(request("GET", "/health/live"))
    assert.equal((await connection.response())?.status, 200, "closed between two requests")
  }
  connection.close()
})

test("readers that do not read are cut", { timeout: TEST_TIMEOUT_MS }, async () => {
  const stuck = await Promise.all(Array.from({ length: EACH }, () => fortress.connect()))
  for (const connection of stuck) {
    connection.pause()
    connection.write(request("GET", `${BIG_PATH}?offset=-1&live=sse`))
  }
  await eventually(
    READER_GONE_TIMEOUT_MS,
    async () => (await fortress.metric("parley_streams_live_readers")) === EACH,
    "all readers",
  )
  await fortress.assertCalm()
  stuck.forEach(connection => connection.close())
})

test("pipelined requests are answered in order", { timeout: TEST_TIMEOUT_MS }, async () => {
  const path = "/v1/stream/pipeline"
  await fortress.create(path)
  const connection = await fortress.connect()
  const words = Array.from({ length: EACH }, (_, i) => `word ${i}\n`)
  connection.write(words.map(body => post(path, body) + request("GET", `${path}?offset=-1`)).join(""))
  for (const i of words.keys()) {
    assert.equal((await connection.response("POST")).status, 204)
    const read = await connection.response()
    assert.ok(read.body.startsWith(words.slice(0, i + 1).join("")), `answer ${i} comes before its append`)
  }
  connection.close()
  assert.equal(await content(path), words.join(""))
  await fortress.assertCalm()
})

test("behind a pipelined request that is broken nothing is done", { timeout: TEST_TIMEOUT_MS }, async () => {
  const path = "/v1/stream/broken-pipeline"
  await fortress.create(path)
  for (const broken of [
    "BROKEN\r\n\r\n",
    request("POST", path, { headers: ["Content-Length: 1", "Content-Length: 2"], body: "x" }),
  ]) {
    const before = await content(path)
    const connection = await fortress.connect()
    connection.write(post(path, "first\n") + broken + post(path, "second\n"))
    assert.equal((await connection.response("POST")).status, 204)
    assertRefusal(await connection.response())
    await connection.end()
    connection.close()
    assert.equal(await content(path), `${before}first\n`)
  }
  await fortress.assertCalm()
})

test("all of it again and again: memory stays", { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  // Those that last until a timeout are too slow to be repeated often.
  const quick = Object.entries(attacks)
    .filter(([what]) => /cut|half/.test(what))
    .map(([, attack]) => attack)
  const samples = []
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = quick.length; n > 0; n--) await storm(random.oneOf(quick))
    samples.push(await fortress.memory())
  }
  t.diagnostic(JSON.stringify(samples))
  // The first round warms up.
  for (const kind of ["heap", "resident"]) {
    if (samples[0][kind] === undefined) continue
    const growth = samples.at(-1)[kind] - samples[0][kind]
    assert.ok(growth < MAX_GROWTH_BYTES, `${kind} grew by ${growth} bytes`)
  }
})
