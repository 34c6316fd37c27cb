// History until the attach point and what is delivered after it are all that there is: no gap and no overlap, wherever
// among concurrent publishes the attach falls.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { seededRandom } from "../lib/random.mjs"
import { eventually } from "../lib/wait.mjs"
import { AppServer, everything } from "../lib/app-server.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const ROUNDS = FULL ? 10_000 : 1_000
/** Rounds at once, each with a channel of its own. */
const LANES = 8
const MESSAGES = 24
/** Small, so that a history has several pages. */
const PAGE = 10
const WAIT_MS = 30_000
const TEST_TIMEOUT_MS = FULL ? 900_000 : 180_000

let server, publisher, reader
before(async () => {
  server = await AppServer.start({ namespaces: [{ id: "persisted", persisted: true }] })
  publisher = server.realtime({ useBinaryProtocol: true })
  reader = server.realtime({ useBinaryProtocol: false })
})
after(async () => {
  publisher.close()
  reader.close()
  await server.end()
})

test(`${ROUNDS} attaches among concurrent publishes`, { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  let next = 0
  let inMidStream = 0
  const lane = async () => {
    for (let round = next++; round < ROUNDS; round = next++) {
      const inHistory = await attachAmongPublishes(`persisted:round${round}`, random.between(0, MESSAGES))
      if (inHistory > 0 && inHistory < MESSAGES) inMidStream++
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  t.diagnostic(`in ${inMidStream} of ${ROUNDS} rounds both history and live delivery had a part`)
  assert.ok(inMidStream > ROUNDS / 4, "the attaches did not fall among the publishes")
  server.assertNoErrorLogged()
})

/** Publishes, attaches once `before` of the messages are on their way, and says how many of them history had. */
async function attachAmongPublishes(name, before) {
  const source = publisher.channels.get(name)
  const sink = reader.channels.get(name)
  const live = []
  let attached
  const published = []
  for (let n = 0; n <= MESSAGES; n++) {
    if (n === before) attached = sink.subscribe(message => live.push(message.data))
    if (n === MESSAGES) break
    published.push(source.publish("numbered", `${n}`))
    // Every few messages an answer is awaited, so that the attach meets messages that are stored, and some that are not.
    if (n % 8 === 7) await published[n]
  }
  await Promise.all([attached, ...published])
  const history = await everything(await sink.history({ untilAttach: true, limit: PAGE }))
  const seen = () => [...history.map(message => message.data).reverse(), ...live]
  await eventually(WAIT_MS, () => seen().length >= MESSAGES, `all messages in ${name}`)
  await sink.detach() // a message that comes twice has come by now
  assert.deepEqual(seen(), Array.from({ length: MESSAGES }, (_, n) => `${n}`), name)
  reader.channels.release(name)
  await source.detach()
  publisher.channels.release(name)
  return history.length
}
