// A session is erased: nothing of its content is left in any file, whoever reads it is told, and the next one of its name is another.
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { ACTION, RESUMED, WireConnection } from "../realtime/wire.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { eventually } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"

const TEST_TIMEOUT_MS = 120_000
/** What docs/session-api.md promises. */
const PURGED_WITHIN_MS = 60_000
const WAIT_MS = 30_000
const ERASED = 41000

let server, door
before(async () => {
  server = await AppServer.start({ keys: [{}], namespaces: [{ id: "erased", mutableMessages: true }] })
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "caller" })
})
after(() => server?.end())

/** The files of the data folder that have these bytes. */
async function filesWith(text) {
  const found = []
  const files = await readdir(server.dataDir, { recursive: true, withFileTypes: true })
  for (const file of files.filter(entry => entry.isFile())) {
    const path = join(file.parentPath, file.name)
    try {
      if ((await readFile(path)).includes(text)) found.push(path)
    } catch (error) {
      if (error.code !== "ENOENT") throw error // A file that is removed while we look has nothing.
    }
  }
  return found
}

const tombstone = async id => (await door.list(`?erased=true&prefix=${encodeURIComponent(id)}`)).sessions.find(({ sessionId }) => sessionId === id)

const purged = id =>
  eventually(PURGED_WITHIN_MS, async () => (await tombstone(id))?.purgedAt !== undefined, `the content of ${id} to be purged`)

/** Leaves something of every kind in a session, each with the marker in it. */
async function fill(id, marker, client) {
  const session = door.session(id)
  assert.equal((await session.make({ [`${marker}key`]: `${marker}value` })).status, 201)
  await session.send(`${marker}said`, { messageId: `${marker}id`, actorId: `${marker}actor` })
  const channel = client.channels.get(id, { modes: ["PUBLISH", "SUBSCRIBE", "PRESENCE", "ANNOTATION_PUBLISH"] })
  await channel.presence.enter(`${marker}member`)
  const { serials: [serial] } = await channel.publish({ id: `${marker}own:0`, name: `${marker}name`, data: `${marker}first`, extras: { headers: { [marker]: `${marker}extra` } } })
  await channel.appendMessage({ serial, data: `${marker}append` }, { metadata: { [marker]: `${marker}metadata` } })
  await channel.updateMessage({ serial, data: `${marker}second` }, { description: `${marker}why` })
  await channel.annotations.publish(serial, { type: `${marker}t:distinct.v1`, name: `${marker}annotation` })
  await channel.publish({ name: "ai-run-start", extras: { ai: { transport: { "run-id": `${marker}run`, "run-client-id": "agent", "input-codec-message-id": `${marker}input` } } } })
  // One request is open, and one was decided.
  for (const requestId of ["open", "decided"]) {
    const asked = { requestId: `${marker}${requestId}`, kind: "question", title: `${marker}title`, arguments: { [marker]: marker }, clientIds: [`${marker}asked`], due: Date.now() + 86_400_000 }
    assert.equal((await door.request("POST", `${session.path}/requests`, asked)).status, 201)
  }
  const decision = { decision: "answer", answer: `${marker}answer`, comment: `${marker}comment`, actorId: `${marker}asked` }
  assert.equal((await door.request("POST", `${session.path}/requests/${marker}decided/decisions`, decision)).status, 200)
  const objects = await door.ofChannels("POST", `/channels/${encodeURIComponent(id)}/object`, {
    mapSet: { key: `${marker}entry`, value: { string: `${marker}object` } },
    objectId: "root",
  })
  assert.ok(objects.status < 300, `${objects.status} ${JSON.stringify(objects.body)}`)
  // Of its agents, one has something to do, one does it, and one is never called.
  const endpoint = { endpoint: `https://agents.example/${marker}path`, headers: { "X-Token": `${marker}token` }, triggers: "invocation" }
  const ids = ["due", "claimed", "called"].map(id => `${marker}${id}`)
  const agents = [{ id: ids[0] }, { id: ids[1], name: `${marker}agent`, mentions: [`@${marker}`] }, { id: ids[2], ...endpoint }]
  assert.equal((await door.request("POST", `${session.path}/agents`, { agents })).status, 200)
  await session.send("wake up", { actorId: "ann" })
  const claim = await door.request("POST", `${session.path}/wakes/claim`, { agentId: ids[1], worker: `${marker}worker` })
  assert.equal(claim.status, 200)
  return claim.body
}

test("no byte of the content is left in any file, and the neighbours have all of theirs", { timeout: 2 * TEST_TIMEOUT_MS }, async t => {
  const client = server.realtime({ clientId: "ann" })
  t.after(() => client.close())
  const [marker, neighbour] = [1, 2].map(() => `m${randomBytes(12).toString("hex")}`)
  const wake = await fill("erased:one", marker, client)
  await fill("erased:neighbour", neighbour, client)
  assert.ok((await filesWith(marker)).length > 0, "what is said is in a file")
  client.close()
  // The store has all of it in files as well, and not only the journal.
  await server.stop()
  await server.restart()
  assert.ok((await filesWith(marker)).some(path => path.includes("store")), "what is said is in the store")

  const erasing = Date.now()
  const erased = door.session("erased:one")
  assert.equal((await erased.erase()).status, 204)
  const remains = await tombstone("erased:one")
  assert.equal(remains.erasedBy, "caller")
  assert.ok(remains.erasedAt >= erasing)
  assert.deepEqual((await door.get(`${erased.path}/agents`)).agents, [])
  assert.deepEqual((await door.get(`${erased.path}/wakes`)).wakes, [])
  assert.equal((await door.request("POST", `${erased.path}/wakes/${wake.wakeId}/done`, { lease: wake.lease })).status, 409)
  // A crash in the middle changes nothing.
  await server.kill()
  await server.restart()
  await purged("erased:one")
  assert.deepEqual(await filesWith(marker), [])

  assert.ok((await filesWith(neighbour)).length > 0)
  const left = await door.session("erased:neighbour").summary()
  assert.deepEqual(left.labels, { [`${neighbour}key`]: `${neighbour}value` })
  assert.equal(left.openRuns, 1)
  assert.equal(left.pendingRequests, 1)
  assert.deepEqual((await door.get("/requests?prefix=erased:")).requests.map(({ requestId }) => requestId), [`${neighbour}open`])
  assert.ok(left.participants.includes(`${neighbour}actor`))
  const { wakes } = await door.get(`${door.session("erased:neighbour").path}/wakes`)
  assert.deepEqual(wakes.map(({ agentId, state }) => [agentId, state]).sort(), [
    [`${neighbour}claimed`, "claimed"],
    [`${neighbour}due`, "due"],
  ])
  assert.deepEqual((await door.list("?openRuns=true")).sessions.map(({ sessionId }) => sessionId), ["erased:neighbour"])
  const [{ parts }] = await door.session("erased:neighbour").messages()
  assert.equal(parts[0].text, `${neighbour}said`)
  await server.kill()
  await server.restart()
  assert.deepEqual(await filesWith(marker), [])
  server.assertNoErrorLogged()
})

test("what was erased is gone, and what is said then is another session", { timeout: TEST_TIMEOUT_MS }, async () => {
  const session = door.session("twice")
  assert.equal((await session.erase()).status, 404)
  const first = await session.send("first", { messageId: "same" })
  assert.equal((await session.erase({ txid: "once" })).status, 204)
  const gone = await door.request("GET", session.path)
  assert.deepEqual([gone.status, gone.body.code, gone.body.statusCode], [410, ERASED, 410])
  assert.deepEqual(await session.messages(), [])
  assert.deepEqual((await door.list("?prefix=twice")).sessions, [])
  const { erasedAt } = await tombstone("twice")
  assert.equal((await session.erase()).status, 204)
  assert.equal((await session.erase({ txid: "again" })).status, 204)
  assert.equal((await tombstone("twice")).erasedAt, erasedAt)

  const second = await session.send("second", { messageId: "same" })
  assert.notEqual(second.serial, first.serial)
  // The first request once more, whose answer was lost: it is not for this session.
  assert.equal((await session.erase({ txid: "once" })).status, 204)
  assert.deepEqual((await session.messages()).map(({ parts }) => parts[0].text), ["second"])
  await server.kill()
  await server.restart()
  assert.equal((await session.erase({ txid: "once" })).status, 204)
  assert.equal((await session.summary()).sessionId, "twice")
  assert.equal((await session.erase({ txid: "twice" })).status, 204)
  assert.equal((await session.make()).status, 201)
  assert.deepEqual((await session.summary()).participants, [])
})

test("who reads it is told once, and does not come back by itself", { timeout: TEST_TIMEOUT_MS }, async t => {
  const client = server.realtime({ clientId: "ben" })
  t.after(() => client.close())
  const channel = client.channels.get("read")
  const changes = []
  channel.on(change => changes.push(change))
  await channel.presence.enter()
  await channel.publish("note", "first")
  const { status } = await door.session("read").erase()
  assert.equal(status, 204)
  await channel.whenState("failed")
  assert.equal(channel.errorReason.code, ERASED)
  assert.equal(channel.errorReason.statusCode, 410)

  const other = server.realtime({ clientId: "cid" })
  t.after(() => other.close())
  const texts = []
  const next = other.channels.get("read")
  await next.subscribe(({ data }) => texts.push(data))
  await next.publish("note", "second")
  await eventually(WAIT_MS, () => texts.length > 0, "the message of the next session")
  assert.deepEqual(texts, ["second"])
  assert.deepEqual(await next.presence.get(), [])
  assert.deepEqual(changes.map(({ current }) => current), ["attaching", "attached", "failed"])
  // Whoever wants to be in the next session attaches again.
  await channel.attach()
  assert.equal((await channel.history()).items.length, 1)
})

test("no place of an erased session is one of the next", { timeout: TEST_TIMEOUT_MS }, async t => {
  const connect = () => WireConnection.connect(server.url, { key: server.keys[0].keyStr })
  const attach = (connection, channelSerial) =>
    connection.ask({ action: ACTION.attach, channel: "resumed", channelSerial }, "attached", "error")
  const first = await connect()
  t.after(() => first.cut())
  await attach(first)
  await server.rest().channels.get("resumed").publish("note", "first")
  const { channelSerial } = await first.next("message")
  // Who waits for a session that is not there gets the next one from its beginning.
  await door.session("resumed").erase()
  const waiting = await connect()
  t.after(() => waiting.cut())
  await attach(waiting)
  await server.rest().channels.get("resumed").publish("note", "second")
  const { messages: [second] } = await waiting.next("message")
  assert.equal(second.data, "second")

  const returning = await connect()
  t.after(() => returning.cut())
  const { flags } = await attach(returning, channelSerial)
  assert.equal(flags & RESUMED, 0)
  const resumed = await connect()
  t.after(() => resumed.cut())
  assert.ok((await attach(resumed, waiting.received.at(-1).channelSerial)).flags & RESUMED)
})
