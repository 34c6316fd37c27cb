// Agents that a namespace names for all of its sessions, and workers that do what there is to do in any of them.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { AppServer } from "../lib/app-server.mjs"
import { bearer, jwt } from "../lib/tokens.mjs"
import { eventually } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"
import { Receiver } from "./receiver.mjs"

const WAIT_MS = 10_000
const TEST_TIMEOUT_MS = 60_000

let server, door
before(async () => {
  server = await AppServer.start({ keys: [{}] })
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "caller" })
})
after(() => server?.end())

async function ask(status, method, path, body, client = door) {
  const answer = await client.request(method, path, body)
  assert.equal(answer.status, status, `${method} ${path} got ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** What the session door has about the agents of a namespace. */
function namespace(id, client = door) {
  const path = `/namespaces/${encodeURIComponent(id)}/agents`
  return {
    name: (...agents) => ask(200, "POST", path, { agents }, client),
    agents: async () => (await ask(200, "GET", path, undefined, client)).agents,
    remove: agentId => ask(204, "DELETE", `${path}/${encodeURIComponent(agentId)}`, undefined, client),
  }
}

const agentsOf = async name => (await door.get(`${door.session(name).path}/agents`)).agents
const wakesOf = async name => (await door.get(`${door.session(name).path}/wakes`)).wakes
const wokenIn = async name => (await wakesOf(name)).map(({ agentId }) => agentId)
const claimIn = (name, agentId) => door.request("POST", `${door.session(name).path}/wakes/claim`, { agentId })
const doneIn = (status, name, { wakeId, lease }) => ask(status, "POST", `${door.session(name).path}/wakes/${wakeId}/done`, { lease })

test("an agent of a namespace is called in each of its sessions, old and new, with secrets that nobody sees", { timeout: TEST_TIMEOUT_MS }, async t => {
  const receiver = await Receiver.start({ server })
  t.after(() => receiver.stop())
  const names = ["räume😀:old", "räume😀:new", "räume😀:later"]
  await door.session(names[0]).send("before there was an agent")
  const rooms = namespace("räume😀")
  await rooms.name({ id: "bot", name: "Bot", endpoint: receiver.url, headers: { "X-Token": "s3cret" }, bodyTemplate: { tenant: "s3cret" } })
  const shown = { id: "bot", name: "Bot", endpoint: receiver.url, triggers: "user-messages", mentions: ["@bot"], debounceMs: 0, onlyWhenWatched: false }
  assert.deepEqual(await rooms.agents(), [shown])
  const { eventId } = await door.session(names[0]).send("and now")
  await door.session(names[1]).send("hello")
  // What a namespace names is there after a crash, and so is what it is called with.
  await server.kill()
  await server.restart()
  await door.session(names[2]).send("hello again")
  await door.session("elsewhere:one").send("nobody hears that")
  await eventually(WAIT_MS, () => new Set(receiver.calls.map(({ body }) => body.sessionName)).size === 3, "calls for three sessions")
  for (const { headers, body } of receiver.calls) {
    assert.ok(names.includes(body.sessionName))
    assert.deepEqual([headers["x-token"], body.tenant, body.agentId], ["s3cret", "s3cret", "bot"])
    if (body.sessionName === names[0]) assert.equal(body.inputEventId, eventId)
  }
  assert.deepEqual(receiver.refused, [])
  for (const name of names) assert.deepEqual(await agentsOf(name), [{ ...shown, namespace: "räume😀" }])
  const seen = JSON.stringify([await rooms.agents(), await agentsOf(names[0]), await door.session(names[0]).export(), await wakesOf(names[0])])
  assert.ok(!seen.includes("s3cret"))
  assert.deepEqual(await agentsOf("elsewhere:one"), [])
})

test("what a namespace changes holds in sessions that know of it, also for a wake that somebody has", { timeout: TEST_TIMEOUT_MS }, async () => {
  const [one, other] = ["team:one", "team:other"]
  const team = namespace("team")
  await team.name({ id: "bot" }, { id: "kept", triggers: "mention" })
  for (const name of [one, other]) await door.session(name).send("hello @kept")
  assert.deepEqual(await wokenIn(one), ["bot", "kept"])
  const { body: wake } = await claimIn(one, "bot")
  assert.equal(wake.sessionName, one)
  await team.remove("bot")
  for (const name of [one, other]) assert.deepEqual(await wokenIn(name), ["kept"], name)
  await doneIn(409, one, wake)
  assert.equal((await claimIn(other, "bot")).status, 204)
  await ask(404, "POST", `${door.session(one).path}/agents/bot/wake`, { inputEventId: "e" })
  const { body: kept } = await claimIn(one, "kept")
  await doneIn(204, one, kept)
  // A namespace that names none any more is not another one: what is said wakes nobody.
  await team.remove("kept")
  await door.session(one).send("hello @kept")
  assert.deepEqual([await wokenIn(one), await agentsOf(one)], [[], []])
  await team.name({ id: "bot" })
  await door.session(one).send("hello")
  assert.deepEqual(await wokenIn(one), ["bot"])
})

test("a session's own agent takes the place of the namespace's, and another namespace's is none of its business", { timeout: TEST_TIMEOUT_MS }, async () => {
  await namespace("own").name({ id: "bot" }, { id: "other" })
  await ask(200, "POST", `${door.session("own:x").path}/agents`, { agents: [{ id: "bot", triggers: "invocation" }] })
  await door.session("own:x").send("hello")
  await door.session("own:y").send("hello")
  assert.deepEqual([await wokenIn("own:x"), await wokenIn("own:y")], [["other"], ["bot", "other"]])
  assert.deepEqual((await agentsOf("own:x")).map(({ id, namespace }) => [id, namespace]), [["bot", undefined], ["other", "own"]])
  await ask(204, "DELETE", `${door.session("own:x").path}/agents/bot`)
  await door.session("own:x").send("hello")
  assert.deepEqual(await wokenIn("own:x"), ["bot", "other"])
  await namespace("own").remove("other")

  // All other sessions have the agents of "*".
  await namespace("*").name({ id: "rest" })
  for (const name of ["plain", "unnamed:x", "own:z"]) await door.session(name).send("hello")
  assert.deepEqual([await wokenIn("plain"), await wokenIn("unnamed:x"), await wokenIn("own:z")], [["rest"], ["rest"], ["bot"]])
  await namespace("*").remove("rest")
  assert.deepEqual([await wokenIn("plain"), await agentsOf("plain")], [[], []])
})

test("a session that is erased while its wake is out begins anew with the agents of its namespace", { timeout: TEST_TIMEOUT_MS }, async () => {
  await namespace("gone").name({ id: "bot" })
  const session = door.session("gone:x")
  await session.send("first")
  const { body: wake } = await claimIn("gone:x", "bot")
  assert.equal((await session.erase()).status, 204)
  await doneIn(409, "gone:x", wake)
  assert.deepEqual(await wakesOf("gone:x"), [])
  const { eventId } = await session.send("second")
  const { body: next } = await claimIn("gone:x", "bot")
  assert.deepEqual(next.inputEventIds, [eventId])
  await doneIn(204, "gone:x", next)
})

test("what a namespace may not name is refused, and changes nothing", { timeout: TEST_TIMEOUT_MS }, async () => {
  const key = server.keys[0]
  const as = capability => new DoorClient({ url: server.url, authorization: bearer(jwt(key, { capability })) })
  await namespace("fixed").name({ id: "bot" })
  const agents = { agents: [{ id: "bot", triggers: "all" }] }
  for (const capability of [{ "fixed:one": ["agent-manage"] }, { "fixed": ["agent-manage"] }, { "fixed:*": ["subscribe"] }]) {
    await ask(401, "POST", "/namespaces/fixed/agents", agents, as(capability))
    await ask(401, "DELETE", "/namespaces/fixed/agents/bot", undefined, as(capability))
  }
  await ask(401, "POST", "/namespaces/*/agents", agents, as({ "fixed:*": ["agent-manage"] }))
  for (const id of ["a:b", "a*", "x".repeat(129), "a\u0007"]) await ask(400, "POST", `/namespaces/${encodeURIComponent(id)}/agents`, agents)
  await ask(400, "POST", "/namespaces/fixed/agents", {})
  await ask(400, "POST", "/namespaces/fixed/agents", { agents: [{ id: "bot", endpoint: "http://10.0.0.1/" }] })
  await ask(400, "POST", "/namespaces/fixed/agents", { agents: Array.from({ length: 16 }, (_, n) => ({ id: `a${n}` })) })
  await ask(405, "PUT", "/namespaces/fixed/agents", agents)
  assert.deepEqual((await namespace("fixed").agents()).map(({ id, triggers }) => [id, triggers]), [["bot", "user-messages"]])
  // Whoever may name agents in all sessions may name them for all.
  await namespace("fixed", as({ "*": ["agent-manage", "subscribe"] })).name({ id: "bot", triggers: "mention" })
  await namespace("fixed", as({ "fixed:*": ["agent-manage"] })).remove("bot")
  server.assertNoErrorLogged()
})

// ---- Workers of all sessions ---------------------------------------------------------------------

const claim = (agentId, more, client = door) => client.request("POST", "/wakes/claim", { agentId, ...more })

test("a worker gets what there is to do in any session, what has waited longest first, and one of ten gets it", { timeout: TEST_TIMEOUT_MS }, async () => {
  await namespace("desk").name({ id: "clerk" }, { id: "slow", debounceMs: 300 })
  assert.equal((await claim("clerk")).status, 204)
  const names = ["desk:1", "desk:2", "desk:räume😀"]
  for (const name of names) await door.session(name).send(`hello from ${name}`)
  const got = []
  for (const _ of names) got.push((await claim("clerk")).body)
  assert.deepEqual(got.map(({ sessionName }) => sessionName), names)
  assert.equal((await claim("clerk")).status, 204)
  for (const wake of got) await doneIn(204, wake.sessionName, wake)
  // What becomes due while somebody waits is given out at that time.
  assert.deepEqual(new Set((await Promise.all(names.map(() => claim("slow", { waitMs: 20_000 })))).map(({ body }) => body.sessionName)), new Set(names))

  const claims = Array.from({ length: 10 }, (_, n) => claim("clerk", { worker: `host-${n}`, waitMs: 2_000 }))
  await door.session("desk:2").send("one of you?")
  const answers = await Promise.all(claims)
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(9).fill(204)])
  const { body: wake } = answers.find(({ status }) => status === 200)
  assert.equal(wake.sessionName, "desk:2")
  await doneIn(204, "desk:2", wake)
})

test("whoever waits for a wake gets it, one each, also of a worker that has died and after a crash", { timeout: TEST_TIMEOUT_MS }, async () => {
  await namespace("shop").name({ id: "keeper" })
  const waiting = Array.from({ length: 4 }, () => claim("keeper", { waitMs: 20_000, leaseMs: 1_000 }))
  const names = [1, 2, 3, 4].map(n => `shop:${n}`)
  await Promise.all(names.map(name => door.session(name).send("hello")))
  const given = (await Promise.all(waiting)).map(({ body }) => body)
  assert.deepEqual(given.map(({ sessionName }) => sessionName).sort(), names)
  for (const wake of given.slice(1)) await doneIn(204, wake.sessionName, wake)
  // The worker that had the first is not heard of any more, nor is the server, for a while.
  await server.kill()
  await server.restart()
  const { status, body: again } = await claim("keeper", { waitMs: 20_000 })
  assert.equal(status, 200)
  assert.deepEqual([again.sessionName, again.wakeId, again.attempt], [given[0].sessionName, given[0].wakeId, 2])
  await doneIn(409, again.sessionName, given[0])
  await doneIn(204, again.sessionName, again)
})

test("a worker gets only what is in sessions that it may work in, and rests when a person has the control", { timeout: TEST_TIMEOUT_MS }, async () => {
  const key = server.keys[0]
  const as = (capability, clientId) => new DoorClient({ url: server.url, authorization: bearer(jwt(key, { capability, clientId })) })
  await namespace("*").name({ id: "nurse" })
  const hidden = Array.from({ length: 300 }, (_, n) => `hidden:${n}`)
  await Promise.all(hidden.map(name => door.session(name).send("hello")))
  const some = as({ "ward:*": ["agent-work"], "single": ["agent-work"] }, "nurse")
  assert.equal((await claim("nurse", {}, some)).status, 204)
  const waits = claim("nurse", { waitMs: 20_000 }, some)
  await door.session("hidden:0").send("not for it")
  await door.session("ward:a").send("for it")
  const { body: wake } = await waits
  assert.equal(wake.sessionName, "ward:a")
  await ask(204, "POST", `${door.session("ward:a").path}/wakes/${wake.wakeId}/done`, { lease: wake.lease }, some)
  await door.session("single").send("for it")
  assert.equal((await claim(undefined, {}, some)).body.sessionName, "single")

  await ask(200, "POST", `${door.session("ward:a").path}/control`, { mode: "person" })
  await door.session("ward:a").send("I speak myself")
  assert.equal((await claim("nurse", {}, some)).status, 204)
  const rests = claim("nurse", { waitMs: 20_000 }, some)
  await ask(200, "POST", `${door.session("ward:a").path}/control`, { mode: "agent" })
  assert.equal((await rests).body.sessionName, "ward:a")

  assert.equal((await claim("nurse", {}, as({ "ward:*": ["agent-work"] }, "other"))).status, 401)
  for (const capability of [{ "*": ["agent-manage", "agent-invoke", "subscribe"] }, { "ward:a": ["publish"] }]) {
    const { status, body } = await claim("nurse", {}, as(capability))
    assert.deepEqual([status, body.code], [401, 40160])
  }
  assert.equal((await claim("nurse", {}, new DoorClient({ url: server.url }))).status, 401)
  for (const body of [{ waitMs: 25_001 }, { leaseMs: 1 }, { worker: "" }, { agentId: "" }]) await ask(400, "POST", "/wakes/claim", { agentId: "nurse", ...body })
  await namespace("*").remove("nurse")
  assert.equal((await claim("nurse")).status, 204)
  server.assertNoErrorLogged()
})
