// Runs the server on a file system that gets full. Appends are refused with a clear message, what was acknowledged
// stays, reading goes on, a restart works, and so do appends once there is room again.
import { test } from "node:test"
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtemp, statfs, unlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { removeFolder, temporaryFolder } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"
import { Ledger } from "./ledger.mjs"
import { BULK } from "./messages.mjs"
import { Victim } from "./victim.mjs"

const run = promisify(execFile)

const DISK_MIB = 192
/** Room for a few journal files and store files of their default sizes. */
const DEFAULTS_DISK_MIB = 512
const MIB = 1 << 20
const STREAMS = 3
const ROUNDS = 2
const BATCH = 40
const MAX_BATCHES = 2_000
const RESERVE_MIB = 64
const ROOM_MIB = 16
const TRIES_WHEN_FULL = 20
const ROOM_TIMEOUT_MS = 30_000
const TEST_TIMEOUT_MS = 180_000

const [TAKEN, REFUSED, STOPPED] = ["taken", "refused", "stopped"]
const COULD_NOT_START = 1
const ENGINE_FAILED = 70

const SETTINGS = { "engine.segment-bytes": 4 * MIB, "limits.body-bytes": 256 << 10, "engine.checkpoint-interval": 200 }

test("a full disk refuses appends and loses nothing", { timeout: TEST_TIMEOUT_MS }, async t => {
  const disk = await smallDisk(t)
  if (!disk) return
  await t.test("with a reserve: refused until there is room again", async t => {
    const { victim, ledger, append, check, ballast, outcome } = await fillUp(t, disk, RESERVE_MIB)
    assert.equal(outcome, REFUSED)
    // A checkpoint frees some room at times, so that single appends may be taken.
    for (let i = 0; i < TRIES_WHEN_FULL; i++) assert.notEqual(await append(), STOPPED)
    await check()

    await victim.kill()
    await victim.start()
    await check()

    await unlink(ballast)
    await eventually(ROOM_TIMEOUT_MS, async () => (await append()) === TAKEN, "an append after there is room again")
    await check()
    await restart(victim, check)
    await victim.send("DELETE", ledger.path, [204])
    await victim.stop()
  })

  // The disk says no at any place then. The server may refuse or stop, and starts again once there is room.
  await t.test("without a reserve: refused or stopped", async t => {
    const { victim, append, check, ballast, outcome } = await fillUp(t, disk, 0)
    if (outcome === REFUSED) {
      await check()
      await victim.kill()
    } else {
      const { status, log } = await victim.ended()
      assert.equal(status, ENGINE_FAILED)
      assert.match(log, /^parley: The engine has failed .*[Nn]o space left/m)
    }
    try {
      await victim.start()
      await check()
      await victim.kill()
    } catch (error) {
      if (error.status === undefined) throw error
      assert.ok([COULD_NOT_START, ENGINE_FAILED].includes(error.status), error.message)
      assert.match(error.log, /^parley: .*([Nn]o space left|disk is full)/m)
    }

    await unlink(ballast)
    await victim.start()
    await check()
    assert.equal(await append(), TAKEN)
    await restart(victim, check)
  })
})

// What fills the disk here is what was appended, in journal and store files of the sizes that a server has by itself.
test("a disk that gets full at default settings refuses appends and reads on", { timeout: TEST_TIMEOUT_MS }, async t => {
  const disk = await smallDisk(t, DEFAULTS_DISK_MIB)
  if (!disk) return
  const victim = new Victim()
  victim.dataDir = await mkdtemp(join(disk, "data-"))
  t.after(() => victim.remove())
  await victim.start()
  const path = n => `/v1/stream/full/${n}`
  const type = "application/octet-stream"
  const written = []
  const append = async n => {
    const body = randomBytes(MIB)
    const reply = await victim.send("POST", path(n), [204, 507], { headers: { "Content-Type": type }, body })
    if (reply.status === 204) written[n].push(body)
    else assert.equal(JSON.parse(reply.text).error.code, "STORAGE_FULL")
    return reply.status === 204
  }
  const check = async () => {
    for (const [n, parts] of written.entries()) {
      let read = 0
      for (let offset = "-1", upToDate = false; !upToDate;) {
        const response = await victim.open("GET", `${path(n)}?offset=${offset}`)
        assert.equal(response.status, 200)
        const bytes = Buffer.from(await response.arrayBuffer())
        for (let at = 0; at < bytes.length; at += MIB) assert.ok(parts[read++].equals(bytes.subarray(at, at + MIB)))
        offset = response.headers.get("stream-next-offset")
        upToDate = response.headers.get("stream-up-to-date") === "true"
      }
      assert.equal(read, parts.length)
    }
  }

  for (let n = 0; n < STREAMS; n++) {
    await victim.send("PUT", path(n), [201], { headers: { "Content-Type": type } })
    written.push([])
  }
  for (let round = 0; round < ROUNDS; round++) {
    // Several at once: what is under way when the disk gets full needs room as well.
    await Promise.all(
      written.map(async (_, n) => {
        while (await append(n)) assert.ok(written[n].length < DEFAULTS_DISK_MIB, "the disk does not get full")
      }),
    )
    for (let n = 0; n < STREAMS; n++) await victim.send("GET", `${path(n)}?offset=-1`, [200])
    // Ends with a checkpoint, which writes to the disk all that the store has in memory.
    await victim.stop()
    await victim.start()
  }
  await check()
  t.diagnostic(`full after ${written.flat().length} MiB`)
  for (let n = 0; n < STREAMS; n++) await victim.send("DELETE", path(n), [204])
  await victim.stop()
})

async function restart(victim, check) {
  await victim.stop()
  await victim.start()
  await check()
}

/** A small file system of its own, unmounted at the end; undefined where only root may make one. */
async function smallDisk(t, sizeMib = DISK_MIB) {
  const folder = await temporaryFolder()
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${sizeMib}m`, "parley-full-disk", folder])
  } catch (error) {
    await removeFolder(folder)
    t.skip(`no small file system can be mounted here: ${error.message.trim()}`)
    return undefined
  }
  t.after(async () => {
    await run("umount", [folder])
    await removeFolder(folder)
  })
  return folder
}

/** Starts a server on the disk, which is to keep `reserveMib` free, and appends until it takes no more. */
async function fillUp(t, disk, reserveMib) {
  const victim = new Victim({ ...SETTINGS, "engine.min-free-bytes": reserveMib * MIB })
  victim.dataDir = await mkdtemp(join(disk, "data-"))
  t.after(() => victim.remove())
  await victim.start()
  const ledger = new Ledger("/v1/stream/full", "application/json")
  await victim.send("PUT", ledger.path, [201], { headers: { "Content-Type": ledger.type } })
  const check = async () => ledger.check((await victim.readAll(ledger)).ids)

  let next = 0
  /** Appends a batch and yields what became of it. */
  async function append() {
    const ids = Array.from({ length: BATCH }, () => `${BULK}.${next++}`)
    ledger.attempt(ids)
    let reply
    try {
      reply = await victim.append(ledger, ids, { expected: [204, 503, 507] })
    } catch (error) {
      if (error instanceof TypeError) return STOPPED // what fetch throws when the connection breaks
      throw error
    }
    if (reply.status === 204) {
      ledger.confirm(ids, reply.headers.get("stream-next-offset"))
      return TAKEN
    }
    const { error } = JSON.parse(reply.text)
    if (error.code === "STOPPED") return STOPPED
    assert.equal(error.code, "STORAGE_FULL")
    assert.match(error.message, /disk/)
    ledger.refused(ids)
    return REFUSED
  }

  // Somebody else takes most of the disk; our own appends take the rest.
  const ballast = join(disk, "ballast")
  const { bavail, bsize } = await statfs(disk)
  await writeFile(ballast, Buffer.alloc(bavail * bsize - (reserveMib + ROOM_MIB) * MIB))
  let outcome
  for (let batches = 0; (outcome = await append()) === TAKEN; batches++) {
    assert.ok(batches < MAX_BATCHES, "the disk does not get full")
  }
  t.diagnostic(`${outcome} after ${next} messages`)
  return { victim, ledger, append, check, ballast, outcome }
}
