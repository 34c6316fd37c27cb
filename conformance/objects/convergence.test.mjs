// Clients change the objects of one channel at random while their connections break and the server is killed: in the end
// all of them, one that joins late and REST have the same state, and what was acknowledged was done exactly once.
import { test } from "node:test"
import assert from "node:assert/strict"
import { isDeepStrictEqual } from "node:util"
import { LiveCounter, LiveMap, LiveObjects } from "ably/liveobjects"
import { AppServer } from "../lib/app-server.mjs"
import { startProxy } from "../lib/proxy.mjs"
import { seededRandom } from "../lib/random.mjs"
import { eventually } from "../lib/wait.mjs"

const CLIENTS = 8
const OPERATIONS = 20_000
/** Changes of one client under way at once. */
const WINDOW = 16
const CUTS = 12
const COUNTERS = 4
const MAPS = 3
const KEYS = 12
const CHANNEL = "plan"
const WAIT_MS = 60_000
const TEST_TIMEOUT_MS = 300_000
const MODES = ["OBJECT_SUBSCRIBE", "OBJECT_PUBLISH"]

async function open(server, options) {
  const client = server.realtime({ plugins: { LiveObjects }, ...options })
  const root = await client.channels.get(CHANNEL, { modes: MODES }).object.get()
  return { client, root }
}

/** The counters and maps that all clients change, which nobody removes. */
async function furnish(root) {
  for (let n = 0; n < COUNTERS; n++) await root.set(`counter${n}`, LiveCounter.create(n))
  for (let n = 0; n < MAPS; n++) await root.set(`map${n}`, LiveMap.create({ made: n }))
}

/** A change, and how it adds to the counters if it is acknowledged. */
function anyChange(random, root, acknowledged) {
  const map = random.between(0, 3) === 0 ? root : root.get(`map${random.between(0, MAPS - 1)}`)
  const key = `key${random.between(0, KEYS - 1)}`
  switch (random.between(0, 9)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const counter = random.between(0, COUNTERS - 1)
      const amount = random.between(-5, 10)
      return root.get(`counter${counter}`).increment(amount).then(() => (acknowledged[counter] += amount))
    }
    case 4:
      return map.remove(key)
    case 5:
      return map.set(key, LiveCounter.create(random.between(0, 100)))
    case 6:
      return map.set(key, LiveMap.create({ text: `t${random.between(0, 99)}`, inner: LiveCounter.create(1) }))
    case 7:
      return map.set(key, Buffer.from([random.between(0, 255), random.between(0, 255)]))
    default:
      return map.set(key, random.oneOf([`text ${random.between(0, 999)}`, random.between(0, 999) / 8, true, false]))
  }
}

test(`${CLIENTS} clients, ${OPERATIONS} changes, broken connections and a crash`, { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  const server = await AppServer.start()
  t.after(() => server.end())
  const proxy = await startProxy(server.url)
  t.after(() => proxy.close())
  const peers = await Promise.all(
    Array.from({ length: CLIENTS }, (_, n) => open(server, { url: proxy.url, useBinaryProtocol: n % 2 === 0 })),
  )
  t.after(() => peers.forEach(({ client }) => client.close()))
  await furnish(peers[0].root)
  const furnished = ({ root }) => root.get(`map${MAPS - 1}`).get("made").value() === MAPS - 1
  await eventually(WAIT_MS, () => peers.every(furnished), "all clients to have the objects")

  const acknowledged = Array.from({ length: COUNTERS }, (_, n) => n)
  const refused = []
  let started = 0
  let crash
  const work = async ({ root }) => {
    while (started < OPERATIONS) {
      started++
      if (started === OPERATIONS / 2) crash = server.kill().then(() => server.restart())
      else if (started % Math.floor(OPERATIONS / CUTS) === 0) proxy.cutAll()
      try {
        await anyChange(random, root, acknowledged)
      } catch (error) {
        refused.push(error)
      }
    }
  }
  const began = Date.now()
  await Promise.all(peers.flatMap(peer => Array.from({ length: WINDOW }, () => work(peer))))
  await crash
  t.diagnostic(`${OPERATIONS} changes took ${Date.now() - began} ms`)
  assert.deepEqual(refused.map(String), [], "no change is refused")

  const late = await open(server, { useBinaryProtocol: true })
  t.after(() => late.client.close())
  const state = late.root.compactJson()
  const same = ({ root }) => isDeepStrictEqual(root.compactJson(), state)
  await eventually(WAIT_MS, () => peers.every(same), "all clients to come to the same state").catch(error => {
    peers.forEach(({ root }) => assert.deepEqual(root.compactJson(), state))
    throw error
  })
  const rest = server.rest({ plugins: { LiveObjects }, useBinaryProtocol: false })
  assert.deepEqual(await rest.channels.get(CHANNEL).object.get(), state)
  const counted = Array.from({ length: COUNTERS }, (_, n) => state[`counter${n}`])
  assert.deepEqual(counted, acknowledged, "acknowledged increments are counted exactly once")
})
