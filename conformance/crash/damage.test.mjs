// Damages the files of a killed server. The next start recovers everything that was acknowledged, or it is refused with
// a clear message; it never goes on with a part.
import { test } from "node:test"
import assert from "node:assert/strict"
import { cp, readdir, rm, stat, unlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { seededRandom } from "../lib/random.mjs"
import { removeFolder, temporaryFolder } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"
import { cutFile, flipBit, newestWritten, overwrite, segmentNames, segments } from "./journal-files.mjs"
import { Ledger } from "./ledger.mjs"
import { BULK, TYPES } from "./messages.mjs"
import { Victim } from "./victim.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const FLIPS = FULL ? 20 : 1
/** A start that is refused must not mend what it does not understand: the next one is refused too. */
const ATTEMPTS = FULL ? 2 : 1
const SEGMENTS = 3
const BATCH = 25
const FIRST_SEGMENT = "00000000000000000000.journal"
const SCRIBBLE_BYTES = 64 << 10
const NEVER_MS = 86_400_000
const OFTEN_MS = 100
const TRUNCATION_TIMEOUT_MS = 30_000
const TEST_TIMEOUT_MS = FULL ? 600_000 : 240_000

const COULD_NOT_START = 1

const settings = checkpointInterval => ({
  "engine.checkpoint-interval": checkpointInterval,
  "engine.segment-bytes": 4 << 20,
  "limits.body-bytes": 256 << 10,
})

test("a damaged journal is recovered whole or refused", { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  const killed = await writeAndKill(t, settings(NEVER_MS), names => names.length > SEGMENTS)

  const recovers = (name, damage) => t.test(name, () => onCopy(killed, damage, recover))
  const refuses = (name, damage) => t.test(name, () => onCopy(killed, damage, refuse))
  const refusesFlip = async (name, placeOf) => {
    for (let i = 0; i < FLIPS; i++) {
      await refuses(`${name} (${i + 1}): refused`, async dataDir => {
        const all = await segments(dataDir)
        const { segment, place } = placeOf(all)
        await flipBit(segment, place, random.between(0, 7))
      })
    }
  }
  const payloadByte = (segment, record) => ({ segment, place: record.payload + random.between(0, record.bytes - 1) })

  await recovers("no damage: recovered", async () => {})
  await refusesFlip("a bit flipped in a record of the first segment", all =>
    payloadByte(all[0], random.oneOf(all[0].records.filter(record => record.command))),
  )
  await refusesFlip("a bit flipped in a record of the newest segment", all => {
    const newest = newestWritten(all)
    return payloadByte(newest, random.oneOf(newest.records.filter(record => record.command).slice(0, -1)))
  })
  await refusesFlip("a bit flipped in a record's header", all => {
    const record = random.oneOf(all[1].records.filter(record => record.command))
    return { segment: all[1], place: record.start + random.between(0, record.payload - record.start - 1) }
  })
  // It says that the next segment exists, which is there to see.
  await recovers("the mark at the end of a full segment flipped: recovered", async dataDir => {
    const [, second] = await segments(dataDir)
    const end = second.records.at(-1)
    assert.ok(!end.command && !end.mark)
    await flipBit(second, random.between(end.start, end.payload + end.bytes - 1), random.between(0, 7))
  })
  await refuses("the last acknowledged record flipped, which a mark bears witness of: refused", async dataDir => {
    const newest = newestWritten(await segments(dataDir))
    assert.ok(newest.records.at(-1).mark, "an idle server has set a mark behind the last record")
    await flipBit(newest, newest.records.findLast(record => !record.mark).payload, 0)
  })
  await refuses("the head of a segment flipped: refused", async dataDir => {
    const [, second] = await segments(dataDir)
    await flipBit(second, random.between(0, 31), random.between(0, 7))
  })
  await recovers("scribbles behind the last record: recovered", async dataDir => {
    const newest = newestWritten(await segments(dataDir))
    const scribble = Buffer.from(Array.from({ length: SCRIBBLE_BYTES }, () => random.between(0, 255)))
    await overwrite(newest, newest.end, scribble.subarray(0, newest.bytes.length - newest.end))
  })
  await recovers("a torn mark at the end: recovered", async dataDir => {
    const newest = newestWritten(await segments(dataDir))
    const mark = newest.records.at(-1)
    assert.ok(mark.mark)
    await overwrite(newest, mark.start + random.between(0, mark.payload - mark.start), Buffer.alloc(8))
  })
  await refuses("the newest segment cut short: refused", async dataDir => {
    const newest = newestWritten(await segments(dataDir))
    await cutFile(newest, random.between(0, newest.end))
  })
  for (const [name, index] of [
    ["first", 0],
    ["second", 1],
  ]) {
    await refuses(`the ${name} segment deleted: refused`, async dataDir =>
      unlink((await segments(dataDir))[index].path),
    )
  }
  await refuses("the segment deleted that is written to: refused", async dataDir =>
    unlink(newestWritten(await segments(dataDir)).path),
  )
  await recovers("the segment deleted that was made ahead: recovered", async dataDir => {
    const next = (await segments(dataDir)).at(-1)
    assert.equal(next.records.length, 0)
    await unlink(next.path)
  })
  await recovers("the store deleted, which the journal can rebuild: recovered", dataDir =>
    rm(join(dataDir, "store"), { recursive: true }),
  )
  await refuses("the journal deleted: refused", dataDir => rm(join(dataDir, "journal"), { recursive: true }))
})

test("a store and a journal that do not fit are refused", { timeout: TEST_TIMEOUT_MS }, async t => {
  const killed = await writeAndKill(t, settings(OFTEN_MS), names => !names.includes(FIRST_SEGMENT))
  await t.test("no damage: recovered", () => onCopy(killed, async () => {}, recover))
  await t.test("the store deleted, whose journal is gone in part: refused", () =>
    onCopy(killed, dataDir => rm(join(dataDir, "store"), { recursive: true }), refuse),
  )
  await t.test("the journal deleted: refused", () =>
    onCopy(killed, dataDir => rm(join(dataDir, "journal"), { recursive: true }), refuse),
  )
  await t.test("all segments deleted that have records: refused", () =>
    onCopy(
      killed,
      async dataDir => {
        for (const segment of await segments(dataDir)) if (segment.records.length) await unlink(segment.path)
      },
      refuse,
    ),
  )
})

test("a damaged store is told in one line", { timeout: TEST_TIMEOUT_MS }, async t => {
  const young = await writeAndKill(t, settings(NEVER_MS), names => names.length > 1)
  const old = await writeAndKill(t, settings(OFTEN_MS), names => !names.includes(FIRST_SEGMENT))
  const damages = {
    "its list of files scribbled over": dataDir => scribbleOver(dataDir, /^MANIFEST/),
    "its list of files deleted": dataDir => inStore(dataDir, /^MANIFEST/, unlink),
    "its tables scribbled over": dataDir => scribbleOver(dataDir, /\.sst$/),
    "its tables deleted": dataDir => inStore(dataDir, /\.sst$/, unlink),
  }
  for (const [name, damage] of Object.entries(damages)) {
    await t.test(`${name}: refused`, () => onCopy(old, damage, victim => refuse(victim, [], /backup/)))
  }
  await t.test("one that the journal can rebuild: told how", () =>
    onCopy(young, damages["its tables scribbled over"], async (victim, ledgers) => {
      await refuse(victim, ledgers, /store away/)
      await rm(join(victim.dataDir, "store"), { recursive: true })
      await recover(victim, ledgers)
    }),
  )
})

async function inStore(dataDir, names, action) {
  const store = join(dataDir, "store")
  const found = (await readdir(store)).filter(name => names.test(name))
  assert.ok(found.length > 0, "the store has such files")
  for (const name of found) await action(join(store, name))
}

const scribbleOver = (dataDir, names) =>
  inStore(dataDir, names, async path => writeFile(path, Buffer.alloc((await stat(path)).size, 0x5a)))

/** Writes until `enough`, which is given the names of the journal's files, then kills the server. */
async function writeAndKill(t, settings, enough) {
  const victim = new Victim(settings)
  t.after(() => victim.remove())
  await victim.start()
  const ledgers = TYPES.map((type, i) => new Ledger(`/v1/stream/damage/${i}`, type))
  for (const ledger of ledgers) {
    await victim.send("PUT", ledger.path, [201], { headers: { "Content-Type": ledger.type } })
  }
  let next = 0
  await eventually(
    TRUNCATION_TIMEOUT_MS,
    async () => {
      for (const ledger of ledgers) {
        const ids = Array.from({ length: BATCH }, () => `${BULK}.${next++}`)
        ledger.attempt(ids)
        const reply = await victim.append(ledger, ids)
        ledger.confirm(ids, reply.headers.get("stream-next-offset"))
      }
      return enough(await segmentNames(victim.dataDir))
    },
    "a data folder with enough in it",
  )
  // One more, on its own: the server is idle afterwards.
  const last = `${BULK}.${next++}`
  ledgers[0].attempt([last])
  ledgers[0].confirm([last], (await victim.append(ledgers[0], [last])).headers.get("stream-next-offset"))
  await eventually(
    TRUNCATION_TIMEOUT_MS,
    async () => newestWritten(await segments(victim.dataDir)).records.at(-1).mark,
    "the mark of an idle server",
  )
  await victim.kill()
  return { dataDir: victim.dataDir, settings, ledgers }
}

/** Damages a copy of the killed server's folder and hands a server that can be started on it to `check`. */
async function onCopy(killed, damage, check) {
  const victim = new Victim(killed.settings)
  victim.dataDir = await temporaryFolder()
  try {
    await cp(killed.dataDir, victim.dataDir, { recursive: true })
    await damage(victim.dataDir)
    await check(victim, killed.ledgers)
  } finally {
    await victim.remove()
  }
}

async function recover(victim, ledgers) {
  await victim.start()
  for (const ledger of ledgers) ledger.check((await victim.readAll(ledger)).ids)
  await victim.stop()
}

async function refuse(victim, _, advice = /./) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await assert.rejects(victim.start(), error => {
      assert.equal(error.status, COULD_NOT_START, error.message)
      assert.match(error.log, /^parley: .*(journal|damaged|missing)/m)
      assert.match(error.log, advice)
      assert.doesNotMatch(error.log, /^\s+at /m, "a stack trace is no clear message")
      return true
    })
  }
}
