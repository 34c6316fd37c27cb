// Shows that a StreamDB of @durable-streams/state (with @tanstack/db) loads an empty and a long stream, gets the echo
// of its own transactions, and follows what a second client writes.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { DurableStream } from "@durable-streams/client"
import { createStateSchema } from "@durable-streams/state"
import { createStreamDB } from "@durable-streams/state/db"
import { startServer } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const CHANGES = 20_000
const ROWS = 500
const CHANGES_PER_APPEND = 1_000
const WAIT_MS = 30_000

const schema = createStateSchema({
  notes: {
    type: "note",
    primaryKey: "id",
    schema: { "~standard": { version: 1, vendor: "conformance", validate: value => ({ value }) } },
  },
})

let server
before(async () => (server = await startServer()))
after(() => server?.stop())

const createStream = name =>
  DurableStream.create({ url: `${server.url}/v1/stream/state/${name}`, contentType: "application/json" })

/** A database on the stream, loaded, and closed when the test ends. */
async function openDb(t, handle, live) {
  const streamOptions = { url: handle.url, contentType: "application/json" }
  const db = createStreamDB({ streamOptions, live, state: schema })
  t.after(() => db.close())
  await within(WAIT_MS, db.preload(), "the preload")
  return db
}

const change = (operation, id, text, txid) =>
  schema.notes[operation]({ key: id, value: { id, text }, headers: txid ? { txid } : {} })

const append = (handle, ...changes) => Promise.all(changes.map(c => handle.append(JSON.stringify(c))))

for (const live of ["long-poll", "sse"]) {
  test(`an empty stream loads, then follows (${live})`, async t => {
    const handle = await createStream(`empty-${live}`)
    const db = await openDb(t, handle, live)
    assert.equal(db.collections.notes.size, 0)

    await append(handle, change("insert", "a", "first"))
    await eventually(WAIT_MS, () => db.collections.notes.get("a"), "the inserted row")
  })

  test(`a stream of ${CHANGES} changes loads to the newest version of each row (${live})`, async t => {
    const handle = await createStream(`long-${live}`)
    for (let n = 0; n < CHANGES; n += CHANGES_PER_APPEND) {
      const changes = Array.from({ length: CHANGES_PER_APPEND }, (_, i) =>
        change(n + i < ROWS ? "insert" : "update", `row-${(n + i) % ROWS}`, `version ${n + i}`))
      await append(handle, ...changes)
    }
    const db = await openDb(t, handle, live)

    assert.equal(db.collections.notes.size, ROWS)
    for (let row = 0; row < ROWS; row++) {
      assert.equal(db.collections.notes.get(`row-${row}`).text, `version ${CHANGES - ROWS + row}`)
    }
  })

  test(`a transaction's echo confirms it (${live})`, async t => {
    const handle = await createStream(`txid-${live}`)
    const db = await openDb(t, handle, live)
    for (const txid of ["tx-1", "tx-2", "tx-3"]) {
      const echoed = db.utils.awaitTxId(txid) // gives up after its own 5 s
      await append(handle, change("upsert", "a", `by ${txid}`, txid))
      await echoed
      assert.equal(db.collections.notes.get("a").text, `by ${txid}`)
    }
  })

  test(`two clients see each other's inserts, updates and deletes (${live})`, async t => {
    const mine = await createStream(`shared-${live}`)
    const theirs = await DurableStream.connect({ url: mine.url })
    const myDb = await openDb(t, mine, live)
    const theirDb = await openDb(t, theirs, live)
    const text = (db, id) => db.collections.notes.get(id)?.text

    await append(mine, change("insert", "a", "mine"), change("insert", "b", "mine"))
    await eventually(WAIT_MS, () => text(theirDb, "a") === "mine" && text(theirDb, "b") === "mine", "my rows")

    await append(theirs, change("update", "a", "theirs"), schema.notes.delete({ key: "b" }))
    for (const db of [myDb, theirDb]) {
      await eventually(WAIT_MS, () => text(db, "a") === "theirs" && !db.collections.notes.has("b"), "their change")
    }
  })
}
