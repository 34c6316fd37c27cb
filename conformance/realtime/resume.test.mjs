// Shows what a client gets that comes back after a restart, or long after it went: as long as the log goes back to where
// the client was it misses nothing and is told so; what it sends again is not stored again; and who is there stays true.
import { test } from "node:test"
import assert from "node:assert/strict"
import { isDeepStrictEqual } from "node:util"
import { startProxy } from "../lib/proxy.mjs"
import { eventually } from "../lib/wait.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { ACTION, RESUMED, WireConnection } from "./wire.mjs"

const GRACE_MS = 2_000
/** Enough for who comes back after a crash, also on a busy machine. */
const GRACE_OVER_CRASH_MS = 10_000
const WAIT_MS = 30_000
const TEST_TIMEOUT_MS = 120_000
const RESTARTS = 3
const CHANNEL = "persisted:resume"
const PERSISTED = { namespaces: [{ id: "persisted", persisted: true }] }

async function startServer(t, options) {
  const server = await AppServer.start({ ...PERSISTED, ...options })
  t.after(() => server.end())
  return server
}

const connect = (server, params = {}) => WireConnection.connect(server.url, { key: server.keys[0].keyStr, ...params })

const attach = (connection, details) =>
  connection.ask({ action: ACTION.attach, channel: CHANNEL, ...details }, "attached", "error")

const publish = (server, ...texts) => server.rest().channels.get(CHANNEL).publish(texts.map(data => ({ data })))

/** Reads messages until the one that says `last`. */
async function messagesUntil(connection, last) {
  const texts = []
  while (texts.at(-1) !== last) {
    const { messages, channelSerial } = await connection.next("message")
    assert.ok(channelSerial, "a message without a channelSerial")
    texts.push(...messages.map(message => message.data))
  }
  return texts
}

test("who comes back after restarts gets what was published since, whatever the age of the position", { timeout: TEST_TIMEOUT_MS }, async t => {
  const server = await startServer(t)
  const first = await connect(server)
  const { connectionId } = first.details
  let { connectionKey } = first.details.connectionDetails
  const positions = [(await attach(first)).channelSerial]
  const texts = []
  for (let restart = 0; restart <= RESTARTS; restart++) {
    const connection = restart === 0 ? first : await connect(server, { resume: connectionKey })
    assert.equal(connection.details.connectionId, connectionId)
    assert.equal(connection.details.error, undefined)
    connectionKey = connection.details.connectionDetails.connectionKey
    const { flags, channelSerial } = await attach(connection, { channelSerial: positions.at(-1) })
    assert.ok(flags & RESUMED, `not resumed after ${restart} restarts`)
    assert.equal(channelSerial, positions.at(-1), "nothing has happened meanwhile")

    const batch = [`${restart} one`, `${restart} two`]
    await publish(server, ...batch)
    texts.push(...batch)
    assert.deepEqual(await messagesUntil(connection, texts.at(-1)), batch)
    positions.push(connection.received.at(-1).channelSerial)
    connection.cut()
    await server.kill()
    await server.restart()
  }

  // Each position that the client ever had is good for going on.
  for (const [age, position] of positions.entries()) {
    const connection = await connect(server, { resume: connectionKey })
    const { flags } = await attach(connection, { channelSerial: position })
    assert.ok(flags & RESUMED, `position ${age} is not known any more`)
    const last = `after position ${age}`
    await publish(server, last)
    texts.push(last)
    assert.deepEqual(await messagesUntil(connection, last), texts.slice(2 * age))
    connection.cut()
  }
  server.assertNoErrorLogged()
})

test("who comes back with a position that never was is told that it may have missed something", { timeout: TEST_TIMEOUT_MS }, async t => {
  const server = await startServer(t)
  await publish(server, "before")
  const { channelSerial } = await attach(await connect(server))
  // As wide as a real one, as positions are compared digit by digit.
  const future = channelSerial.replace(/\d/, "9")
  for (const never of [future, "x", "", "-", channelSerial.slice(1), `${channelSerial}0`, "💥"]) {
    const connection = await connect(server)
    const attached = await attach(connection, { channelSerial: never })
    assert.equal(attached.action, ACTION.attached, `${never}: ${JSON.stringify(attached)}`)
    assert.equal(attached.flags & RESUMED, 0, `${never} is taken for a position`)
    connection.cut()
  }
  server.assertNoErrorLogged()
})

test("what is sent again after a crash is acknowledged again and not stored again", { timeout: TEST_TIMEOUT_MS }, async t => {
  const server = await startServer(t)
  const first = await connect(server)
  const sent = Array.from({ length: 20 }, (_, msgSerial) => ({
    action: ACTION.message,
    channel: CHANNEL,
    msgSerial,
    messages: [{ data: `message ${msgSerial}` }, { data: `and its twin` }],
  }))
  const serials = async connection => {
    const serials = []
    while (serials.length < sent.length) {
      const { msgSerial, count, res } = await connection.next("ack")
      assert.equal(msgSerial, serials.length, "acknowledgements out of order")
      assert.equal(res.length, count)
      serials.push(...res.map(result => result.serials))
    }
    return serials
  }
  sent.forEach(message => first.send(message))
  const acknowledged = await serials(first)
  first.cut()
  let key = first.details.connectionDetails.connectionKey
  for (let restart = 0; restart < RESTARTS; restart++) {
    await server.kill()
    await server.restart()
    const again = await connect(server, { resume: key })
    key = again.details.connectionDetails.connectionKey
    sent.forEach(message => again.send(message))
    assert.deepEqual(await serials(again), acknowledged)
    again.cut()
  }
  const history = await server.history(CHANNEL)
  assert.deepEqual(history.map(message => message.data), sent.flatMap(({ messages }) => messages.map(({ data }) => data)))
  assert.deepEqual(history.map(message => message.serial), acknowledged.flat())
  server.assertNoErrorLogged()
})

test("a key of a connection that is forged, torn or another's makes a new connection", { timeout: TEST_TIMEOUT_MS }, async t => {
  const server = await startServer(t)
  const otherApp = await server.makeApp()
  const { connectionId, connectionDetails } = (await connect(server)).details
  const key = connectionDetails.connectionKey
  const another = (await connect(server, { key: otherApp.keys[0].keyStr, resume: key })).details
  const forged = [key.slice(0, -2), `${key}A`, key.replace(/.$/, last => (last === "A" ? "B" : "A")), "", "_____!x", "💥"]
  const answers = []
  for (const resume of forged) answers.push((await connect(server, { resume })).details)
  for (const details of [another, ...answers]) {
    assert.notEqual(details.connectionId, connectionId)
    assert.ok(details.connectionDetails.connectionKey)
    if (details !== answers[forged.indexOf("")]) assert.equal(details.error?.code, 80018, JSON.stringify(details))
  }
  server.assertNoErrorLogged()
})

const presence = (connection, action, clientId, msgSerial, data) =>
  connection.ask(
    { action: ACTION.presence, channel: CHANNEL, msgSerial, presence: [{ action, clientId, data }] },
    "ack",
    "nack",
  )

async function members(server) {
  const { items } = await server.rest().channels.get(CHANNEL).presence.get()
  return items.map(({ clientId }) => clientId).sort()
}

test("members stay over a crash until their time is up, and leave at once when they say goodbye", { timeout: TEST_TIMEOUT_MS }, async t => {
  const server = await startServer(t, { settings: { "realtime.presence-grace": GRACE_OVER_CRASH_MS } })
  const [stays, goes] = [await connect(server), await connect(server)]
  for (const [connection, name] of [[stays, "stays"], [goes, "goes"]]) {
    await attach(connection)
    assert.equal((await presence(connection, 2, name, 0)).action, ACTION.ack)
  }
  await server.kill()
  await server.restart()
  assert.deepEqual(await members(server), ["goes", "stays"])

  const watcher = server.realtime()
  t.after(() => watcher.close())
  const events = []
  const channel = watcher.channels.get(CHANNEL)
  await channel.presence.subscribe(event => events.push(event))
  const back = await connect(server, { resume: stays.details.connectionDetails.connectionKey })
  const { channelSerial } = stays.received.find(message => message.action === ACTION.attached)
  await attach(back, { channelSerial })
  await eventually(WAIT_MS, async () => isDeepStrictEqual(await members(server), ["stays"]), "who does not come back to leave")
  await eventually(WAIT_MS, () => events.some(({ action }) => action === "leave"), "the leave to be told")
  const leaves = events.filter(({ action }) => action === "leave")
  assert.deepEqual(leaves.map(({ clientId }) => clientId), ["goes"])
  assert.ok(!leaves[0].id.startsWith(leaves[0].connectionId), "a leave by the server looks like one by the client")

  await back.ask({ action: ACTION.close }, "closed")
  assert.deepEqual(await members(server), [])
  server.assertNoErrorLogged()
})

test("a member that was away too long is present again when it comes back", { timeout: TEST_TIMEOUT_MS }, async t => {
  const server = await startServer(t, { settings: { "realtime.presence-grace": GRACE_MS } })
  const proxy = await startProxy(server.url)
  t.after(() => proxy.close())
  const client = server.realtime({ url: proxy.url, clientId: "wanderer" })
  t.after(() => client.close())
  const channel = client.channels.get(CHANNEL)
  const texts = []
  await channel.subscribe(message => texts.push(message.data))
  await channel.presence.enter("here")
  const { id } = client.connection

  const reachable = proxy.target
  proxy.target = new URL("http://127.0.0.1:1") // nobody listens there
  proxy.cutAll()
  await publish(server, "missed")
  await eventually(WAIT_MS, async () => isDeepStrictEqual(await members(server), []), "it to leave")
  proxy.target = reachable
  await eventually(WAIT_MS, async () => isDeepStrictEqual(await members(server), ["wanderer"]), "it to be back")
  await eventually(WAIT_MS, () => texts.length > 0, "what it has missed")
  assert.deepEqual(texts, ["missed"])
  assert.equal(client.connection.id, id)
  const seen = await channel.presence.get()
  assert.deepEqual(seen.map(({ clientId, data }) => [clientId, data]), [["wanderer", "here"]])
  server.assertNoErrorLogged()
})
