// Shows that the protocol's Yjs packages, provider and server, keep a document on Parley: it is compacted while it is being
// written, reloaded by a new server, and joined late.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { YjsProvider } from "@durable-streams/y-durable-streams"
import { YjsServer } from "@durable-streams/y-durable-streams/server"
import * as Y from "yjs"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const COMPACTION_BYTES = 1_500
const WORDS_BEFORE_COMPACTION = 12
const WORD_LENGTH = 200
const WAIT_MS = 60_000

let parley
before(async () => (parley = await startServer()))
after(() => parley?.stop())

async function startYjs(t) {
  const server = new YjsServer({ port: 0, dsServerUrl: parley.url, compactionThreshold: COMPACTION_BYTES })
  await server.start()
  let stopped
  const stop = () => (stopped ??= server.stop())
  t.after(stop)
  return { baseUrl: `${server.url}/v1/yjs/conformance`, stop }
}

function join(t, { baseUrl }, docId) {
  const doc = new Y.Doc()
  const provider = new YjsProvider({ doc, baseUrl, docId })
  let left
  const leave = () => (left ??= provider.destroy())
  t.after(leave)
  return { text: doc.getText("text"), provider, leave }
}

const shows = ({ text }, expected) => eventually(WAIT_MS, () => text.toString() === expected, "the whole document")
const synced = ({ provider }) => eventually(WAIT_MS, () => provider.synced, "a provider in sync")

/** Each word is an update of its own, as if it had been typed. */
async function write(writer, words) {
  for (const word of words) {
    writer.text.insert(writer.text.length, word)
    await synced(writer)
  }
}

const words = (from, count) => Array.from({ length: count }, (_, n) => `word ${from + n} ☃ `.padEnd(WORD_LENGTH, "x"))

async function snapshot({ baseUrl }, docId) {
  const found = await fetch(`${baseUrl}/docs/${docId}?offset=snapshot`, { redirect: "manual" })
  return /offset=([^&]+)_snapshot/.exec(found.headers.get("location"))?.[1]
}

test("a document survives compaction, a new Yjs server, and is whole for who joins late", async t => {
  const docId = "document"
  const first = await startYjs(t)
  assert.ok((await fetch(`${first.baseUrl}/docs/${docId}`, { method: "PUT" })).ok)
  const writer = join(t, first, docId)
  const watcher = join(t, first, docId)
  await Promise.all([synced(writer), synced(watcher)])

  const before = words(0, WORDS_BEFORE_COMPACTION)
  await write(writer, before)
  await eventually(WAIT_MS, () => snapshot(first, docId), "a snapshot")
  const compacted = await snapshot(first, docId)
  await shows(watcher, before.join(""))
  // Nothing has been written since the snapshot, or only a little: both are asked for at one past its offset.
  await shows(join(t, first, docId), before.join(""))
  const after = words(before.length, 3)
  await write(writer, after)
  const text = [...before, ...after].join("")
  await shows(watcher, text)
  await shows(join(t, first, docId), text)
  await writer.leave()
  await watcher.leave()
  await first.stop()

  const second = await startYjs(t)
  const reloaded = join(t, second, docId)
  await shows(reloaded, text)
  const more = words(before.length + after.length, WORDS_BEFORE_COMPACTION)
  await synced(reloaded)
  await write(reloaded, more)
  await eventually(
    WAIT_MS,
    async () => ![undefined, compacted].includes(await snapshot(second, docId)),
    "a second compaction",
  )
  await shows(join(t, second, docId), text + more.join(""))
})
