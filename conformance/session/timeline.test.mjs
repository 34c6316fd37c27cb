// What happened between a session and its readers: the timeline says it, and forgets what it has no room for.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { AppServer } from "../lib/app-server.mjs"
import { bearer, jwt } from "../lib/tokens.mjs"
import { eventually } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"

const WAIT_MS = 15_000
const TEST_TIMEOUT_MS = 60_000
const MAX_VISITS = 32
const NOT_PERMITTED = 40160

let server, door
before(async () => {
  server = await AppServer.start({ keys: [{}] })
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr })
})
after(() => server?.end())

const timeline = channel => door.get(`/sessions/${encodeURIComponent(channel)}/timeline`)
const client = (t, options) => {
  const one = server.realtime(options)
  t.after(() => one.close())
  return one
}
const heard = (channel, count) => {
  const all = []
  const subscribed = channel.subscribe(message => all.push(message))
  return { all, subscribed, until: () => eventually(WAIT_MS, () => all.length >= count, `${count} messages`) }
}

test("an attachment is there with all that it was given, and why it has ended", { timeout: TEST_TIMEOUT_MS }, async t => {
  const name = "zeit 🕰 of readers"
  const reader = client(t, { clientId: "réader 👓" })
  const channel = reader.channels.get(name)
  const { all, subscribed, until } = heard(channel, 3)
  await subscribed
  const writer = server.rest()
  for (const text of ["a", "b", "c"]) await writer.channels.get(name).publish("said", text)
  await until()
  const [visit, ...others] = (await timeline(name)).attachments
  assert.deepEqual(others, [])
  assert.deepEqual([visit.clientId, visit.connectionId, visit.gaps, visit.replayed, visit.attached], ["réader 👓", reader.connection.id, 0, 0, 1])
  assert.equal(visit.written, all.at(-1).serial)
  assert.equal(visit.endedAt, undefined)
  assert.ok(visit.since <= visit.attachedAt)

  await channel.detach()
  await eventually(WAIT_MS, async () => (await timeline(name)).attachments[0].reason === "detached", "the end")

  // Whoever comes back is given what it has missed, and that is counted.
  const late = client(t, { clientId: "late" })
  const again = late.channels.get(name, { params: { rewind: "2" } })
  await heard(again, 2).subscribed
  late.close()
  await eventually(WAIT_MS, async () => (await timeline(name)).attachments[1]?.reason === "the connection has ended", "the second end")
})

test("what was refused, and calls of agents, are there with their codes; a restart forgets them, and not the wakes", { timeout: TEST_TIMEOUT_MS }, async t => {
  const name = "refusals and calls"
  const token = jwt(server.keys[0], { clientId: "eve", capability: { [name]: ["subscribe"] } })
  const eve = client(t, { token, clientId: "eve" })
  const channel = eve.channels.get(name)
  await channel.attach()
  await assert.rejects(channel.publish("said", "secret words"))
  await assert.rejects(eve.channels.get("another one").attach())
  const refused = async of => (await timeline(of)).events.filter(({ type }) => type === "refusal").map(({ clientId, what, code }) => [clientId, what, code])
  assert.deepEqual(await refused(name), [["eve", "MESSAGE", NOT_PERMITTED]])
  assert.deepEqual(await refused("another one"), [["eve", "ATTACH", NOT_PERMITTED]])
  assert.doesNotMatch(JSON.stringify(await timeline(name)), /secret words/)

  const path = `/sessions/${encodeURIComponent(name)}`
  // Nobody listens at this port.
  assert.equal((await door.request("POST", `${path}/agents`, { agents: [{ id: "bot", endpoint: "http://127.0.0.1:9/wake" }] })).status, 200)
  await door.session(name).send("are you there?")
  const calls = async () => (await timeline(name)).events.filter(({ type }) => type === "wake-call")
  await eventually(WAIT_MS, async () => (await calls()).length >= 2, "two calls")
  const [first, second] = await calls()
  assert.deepEqual([first.who, second.who], ["bot", "bot"])
  assert.match(first.what, /attempt 1$/)
  assert.match(second.what, /attempt 2$/)
  assert.ok(first.detail)

  await server.kill()
  await server.restart()
  const { events, wakes } = await timeline(name)
  assert.deepEqual(events.filter(({ type }) => type === "refusal"), [])
  assert.equal(wakes.length, 1)
  assert.ok(wakes[0].attempts >= 1)
})

test("the timeline is bounded, needs its capability, and goes when the session is erased", { timeout: TEST_TIMEOUT_MS }, async t => {
  const name = "bounded"
  const reader = client(t, { clientId: "often" })
  await server.rest().channels.get(name).publish("said", "x")
  const channel = reader.channels.get(name)
  for (let i = 0; i < MAX_VISITS + 8; i++) {
    await channel.attach()
    await channel.detach()
  }
  const { attachments, forgotten } = await timeline(name)
  assert.equal(attachments.length, MAX_VISITS)
  assert.equal(forgotten, 8)
  const as = capability => new DoorClient({ url: server.url, authorization: bearer(jwt(server.keys[0], { clientId: "eve", capability })) })
  const status = async capability => (await as(capability).request("GET", `/sessions/${name}/timeline`)).status
  assert.deepEqual([await status({ [name]: ["channel-metadata"] }), await status({ [name]: ["history", "subscribe", "publish"] })], [200, 401])
  assert.equal((await door.request("GET", "/sessions/nobody-ever/timeline")).status, 404)
  assert.equal((await door.session(name).erase()).status, 204)
  assert.equal((await door.request("GET", `/sessions/${name}/timeline`)).status, 404)
})
