// Kills the server at random instants under load and restarts it on the same data. What was acknowledged must be there
// exactly once and in order, what was read must stay, retries double nothing, and closed and deleted are for good.
import { test } from "node:test"
import assert from "node:assert/strict"
import { seededRandom } from "../lib/random.mjs"
import { Ledger } from "./ledger.mjs"
import { CatchUpReader, LongPollReader, SseReader } from "./readers.mjs"
import { Victim } from "./victim.mjs"
import { Closer, Parent, PlainWriter, Producer, Recreator, untilCrash } from "./writers.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const CRASHES = FULL ? 50 : 6
const MAX_APPENDS_BETWEEN = 1_200
/** One start in so many is killed before or soon after the server is ready. */
const EARLY_DEATH_ONE_IN = 4
const MAX_EARLY_DEATH_MS = 1_500
const OFFSETS_CHECKED = 20
const TEST_TIMEOUT_MS = FULL ? 1_200_000 : 180_000

// Small and often, so that crashes hit checkpoints and changes of the segment.
const SETTINGS = {
  "engine.checkpoint-interval": 100,
  "engine.segment-bytes": 4 << 20,
  "limits.body-bytes": 256 << 10,
  "limits.chunk-bytes": 64 << 10,
  "streams.sse-max-age": 500,
  "streams.long-poll-timeout": 500,
}

test(`${CRASHES} crashes under load lose, double and reorder nothing`, { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  const plan = Array.from({ length: CRASHES }, () => ({
    appends: random.between(1, MAX_APPENDS_BETWEEN),
    earlyDeathMs: random.between(1, EARLY_DEATH_ONE_IN) === 1 ? random.between(0, MAX_EARLY_DEATH_MS) : undefined,
  }))
  const victim = new Victim(SETTINGS)
  t.after(() => victim.remove())
  await victim.start()

  const json = new Ledger("/v1/stream/trunk/json", "application/json")
  const text = new Ledger("/v1/stream/trunk/text", "text/plain")
  const bytes = new Ledger("/v1/stream/trunk/bytes", "application/octet-stream")
  const trunks = [json, text, bytes]
  for (const ledger of trunks) {
    await victim.send("PUT", ledger.path, [201], { headers: { "Content-Type": ledger.type } })
  }
  const producers = [
    new Producer(victim, json, "batcher1", random),
    new Producer(victim, json, "batcher2", random),
    new Producer(victim, text, "producer", random),
  ]
  const owners = [
    new Closer(victim, "/v1/stream/closed", random),
    new Recreator(victim, "/v1/stream/again", random),
    new Parent(victim, "/v1/stream/family", random),
  ]
  const actors = [
    ...producers,
    ...owners,
    ...[json, text, bytes].map((ledger, i) => new PlainWriter(victim, ledger, `plain${i}`)),
    new PlainWriter(victim, text, "plain9"),
    ...[SseReader, LongPollReader, CatchUpReader].flatMap(Kind =>
      trunks.map(ledger => new Kind(victim, ledger, random)),
    ),
  ]

  async function check(options) {
    for (const ledger of trunks) {
      const { ids, closed } = await victim.readAll(ledger)
      ledger.check(ids, { closed })
      await checkOffsets(victim, ledger, ids, random)
    }
    for (const owner of owners) await owner.check(options)
  }

  let acknowledged = 0
  for (const { appends, earlyDeathMs } of plan) {
    const running = Promise.all(actors.map(actor => untilCrash(actor.run())))
    await Promise.race([victim.acknowledgements(appends), running])
    await victim.kill()
    victim.assertNoErrorLogged()
    await running
    acknowledged += appends
    if (earlyDeathMs !== undefined) await victim.startAndDie(earlyDeathMs)
    await victim.start()
    await check()
  }
  for (const producer of producers) await producer.settle()
  await check({ all: true })
  await victim.stop()
  victim.assertNoErrorLogged()
  await victim.start()
  await check({ all: true })
  await victim.stop()
  victim.assertNoErrorLogged()
  t.diagnostic(`${CRASHES} crashes, at least ${acknowledged} acknowledged appends`)
})

/** What stands behind an offset that was once given out must never change. */
async function checkOffsets(victim, ledger, ids, random) {
  for (const [id, offset] of ledger.someOffsets(random, OFFSETS_CHECKED)) {
    const behind = await victim.read(ledger, `offset=${offset}`)
    const from = ids.indexOf(id) + 1
    assert.deepEqual(behind.ids, ids.slice(from, from + behind.ids.length), `${offset} is not the offset behind ${id}`)
  }
}
