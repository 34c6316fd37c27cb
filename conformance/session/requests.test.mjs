// What people are asked in sessions: whoever answers first has answered, on every door.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { REMOVED } from "../aitransport/agent.mjs"
import { afterTool, answerTo } from "../aitransport/model.mjs"
import { Scene } from "../aitransport/scene.mjs"
import { WAIT_MS } from "../aitransport/viewer.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { bearer, jwt } from "../lib/tokens.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
/** For each format. */
const ROUNDS = FULL ? 100 : 5
/** How long a claim waits for something to do, and how long it may. */
const CLAIM_MS = 1_000
const MAX_CLAIM_MS = 25_000
const TEST_TIMEOUT_MS = FULL ? 1_200_000 : 120_000
const ALREADY_DECIDED = 40982
const NOT_ASKED = 40983

let server, door
before(async () => {
  server = await AppServer.start({ keys: [{}] })
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr })
})
after(() => server?.end())

const as = (clientId, capability = { "*": ["publish", "history", "channel-metadata"] }, claims = {}) =>
  new DoorClient({ url: server.url, authorization: bearer(jwt(server.keys[0], { clientId, capability, claims })) })

const path = (session, rest = "") => `/sessions/${encodeURIComponent(session)}/requests${rest}`
const ask = async (session, body, by = door) => {
  const answer = await by.request("POST", path(session), body)
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  return answer.body
}
const decide = (session, id, body, by = door) => by.request("POST", path(session, `/${encodeURIComponent(id)}/decisions`), body)
const get = async (session, id) => door.get(path(session, `/${encodeURIComponent(id)}`))
const notices = async session => (await server.history(session)).filter(({ name }) => name === "parley.request").map(({ data }) => data)

/** What an error says, and what has caused it. */
function* reasons(error) {
  for (let reason = error; reason; reason = reason.cause) yield reason
}

async function waitingForApproval(t, format, viewers) {
  const scene = await Scene.open(t, { server, binary: format === "MessagePack", trouble: "none" })
  const [agent, ...people] = await Promise.all([scene.agent(), ...viewers.map(name => scene.viewer(name))])
  const serve = invocation => within(WAIT_MS, agent.serve(invocation), "the agent to be done")
  return { scene, agent, people, serve }
}

const answers = async scene => (await scene.history()).filter(({ extras }) => extras?.ai?.codec?.kind === "tool-approval-response")

/**
 * Instances of one agent: of each wake, whoever claims it first serves it. `served`: how each has ended. Runs until the test is over.
 */
function instances(t, { channel }, agents) {
  const waking = `/sessions/${encodeURIComponent(channel)}/wakes`
  const served = []
  let stopped = false
  const work = async (agent, worker) => {
    while (!stopped) {
      const { status, body: wake } = await door.request("POST", `${waking}/claim`, { agentId: "agent", worker, waitMs: CLAIM_MS })
      if (status === 204) continue
      assert.equal(status, 200, JSON.stringify(wake))
      const { inputEventId, sessionName, inputEventIds, wakeId, lease } = wake
      const how = await agent.serve({ inputEventId, sessionName })
      const done = await door.request("POST", `${waking}/${wakeId}/done`, { lease })
      assert.equal(done.status, 204, JSON.stringify(done.body))
      served.push({ wakeId, inputEventIds, how })
    }
  }
  const works = agents.map((agent, i) => work(agent, `host-${i}`))
  // What fails is told at the end, by the wait for these.
  works.forEach(one => one.catch(() => {}))
  t.after(() => Promise.all([(stopped = true), ...works]))
  return { served, first: count => Promise.race([eventually(WAIT_MS, () => served.length >= count, `${count} wakes to be served`), ...works]) }
}

for (const format of ["JSON", "MessagePack"]) {
  test(`of two devices that answer at the same instant, one wins, and one of two agents acts once (${format})`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const scene = await Scene.open(t, { server, binary: format === "MessagePack", trouble: "none" })
    const agents = await Promise.all([scene.agent(), scene.agent()])
    const people = await Promise.all(["ann", "ben"].map(name => scene.viewer(name)))
    assert.equal((await door.request("POST", `/sessions/${encodeURIComponent(scene.channel)}/agents`, { agents: [{ id: "agent" }] })).status, 200)
    const { served, first } = instances(t, scene, agents)
    const calls = []
    for (let round = 1; round <= ROUNDS; round++) {
      await people[round % 2].send("use remove")
      const pending = await Promise.all(people.map(person => person.pendingTool("remove", "approval-requested")))
      const { toolCallId } = pending[0]
      assert.equal(pending[1].toolCallId, toolCallId)
      const { requests } = await door.get(path(scene.channel, "?status=open&limit=1000"))
      assert.deepEqual(requests.map(open => [open.toolCallId, open.title]), [[toolCallId, "remove"]])
      assert.equal((await door.session(scene.channel).summary()).pendingRequests, 1)

      const results = await Promise.allSettled(people.map((person, i) => person.approve(pending[i], toolCallId)))
      const winners = people.filter((_, i) => results[i].status === "fulfilled")
      assert.equal(winners.length, 1, "one answer is accepted")
      const { reason } = results.find(({ status }) => status === "rejected")
      const refusal = [...reasons(reason)].find(({ code }) => code === ALREADY_DECIDED)
      assert.ok(refusal, `the code ${ALREADY_DECIDED} in ${reason}`)
      assert.ok(refusal.message.includes(`${winners[0].name} was first`), refusal.message)
      const { status, decisions } = await get(scene.channel, requests[0].requestId)
      assert.equal(status, "approved")
      assert.deepEqual(decisions.map(({ by, key }) => [by, key]), [[winners[0].name, server.keys[0].keyName]])
      assert.ok(decisions[0].connectionId)
      await first(2 * round)
      calls.push(toolCallId)
    }
    // A wake for what was said, and one for the answer that has won; a call of the tool is done once, by whichever instance.
    assert.deepEqual(served.map(({ how }) => how), calls.flatMap(() => ["suspend", "complete"]))
    assert.ok(served.every(({ inputEventIds }) => inputEventIds.length === 1))
    assert.deepEqual(agents.flatMap(({ removed }) => removed).toSorted(), calls.toSorted())
    const log = await answers(scene)
    assert.deepEqual(log.map(({ extras }) => extras.ai.codec.toolCallId).toSorted(), calls.toSorted(), "one answer for each request is in the log")
    server.assertNoErrorLogged()
  })
}

test("an approval is given over HTTP after a restart, and a late answer is refused on every door", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, people: [viewer], serve } = await waitingForApproval(t, "JSON", ["viewer"])
  assert.equal(await serve((await viewer.send("use remove")).toInvocation().toJSON()), "suspend")
  const pending = await viewer.pendingTool("remove", "approval-requested")
  await server.kill()
  await server.restart()
  const { requests: [open] } = await door.get(`/requests?prefix=${encodeURIComponent(scene.channel)}&kind=approval`)
  assert.equal(open.sessionId, scene.channel)
  assert.ok(open.arguments, "the arguments are those of the call")
  const approve = (approved, by) => by.request("POST", `/sessions/${encodeURIComponent(scene.channel)}/approvals/${encodeURIComponent(open.requestId)}`, { approved })
  assert.equal((await approve(true, as("eve"))).status, 204)
  const late = await approve(false, as("zoe"))
  assert.deepEqual([late.status, late.body.code, late.body.request.status], [409, ALREADY_DECIDED, "approved"])
  assert.match(late.body.error, /eve was first/)
  assert.equal(late.body.request.decisions[0].by, "eve")
  await assert.rejects(viewer.approve(pending, pending.toolCallId), error => [...reasons(error)].some(({ code }) => code === ALREADY_DECIDED))
  const [{ extras, ...answer }] = await answers(scene)
  assert.equal((await answers(scene)).length, 1)
  assert.equal(answer.clientId, "eve")
  assert.equal(await serve({ inputEventId: extras.ai.transport["event-id"], sessionName: scene.channel }), "complete")
  await viewer.shows(answerTo(afterTool("remove")).text)
  const parts = (await viewer.messages()).flatMap(({ message }) => message.parts)
  assert.ok(parts.some(part => part.toolCallId && part.output === REMOVED))
})

test("a request needs who is asked, and as many as it says", { timeout: TEST_TIMEOUT_MS }, async () => {
  const session = "räum 🏠 of requests"
  const asked = await ask(session, { kind: "approval", title: "Refund", arguments: { amount: 120 }, clientIds: ["ann", "ben", "cid"], quorum: 2, actorId: "bot" })
  assert.deepEqual([asked.status, asked.by, asked.quorum, asked.arguments.amount], ["open", "bot", 2, 120])
  const yes = { decision: "approve", comment: "well", deviceId: "telephone", arguments: { amount: 100 } }
  const other = await decide(session, asked.requestId, yes, as("dan"))
  assert.deepEqual([other.status, other.body.code], [403, NOT_ASKED])
  assert.equal((await decide(session, asked.requestId, yes, as("ann"))).body.status, "open")
  const again = await decide(session, asked.requestId, yes, as("ann"))
  assert.deepEqual([again.status, again.body.code], [409, ALREADY_DECIDED])
  const both = await Promise.all(["ben", "cid"].map(name => decide(session, asked.requestId, yes, as(name))))
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 409])
  const { status, decisions, closedAt } = await get(session, asked.requestId)
  assert.equal(status, "approved")
  assert.ok(closedAt >= asked.createdAt)
  assert.deepEqual(decisions.map(({ by, deviceId, comment, arguments: { amount } }) => [by, deviceId, comment, amount])[0], ["ann", "telephone", "well", 100])
  assert.equal(decisions.length, 2)
  assert.ok(decisions.every(({ key }) => key === server.keys[0].keyName))
  const said = await notices(session)
  assert.deepEqual(said.map(({ status, decision }) => status ?? decision), ["open", "approve", "approve", "approved"])
  assert.ok(said.every(({ requestId }) => requestId === asked.requestId))

  // One denial is enough; the same under the same id is done once.
  const second = { requestId: "mine", kind: "approval", quorum: 2 }
  await ask(session, second)
  await ask(session, second)
  const no = { decision: "deny", txid: "no" }
  const first = await decide(session, "mine", no, as("ann"))
  assert.equal(first.body.status, "denied")
  assert.deepEqual((await decide(session, "mine", no, as("ann"))).body, first.body)
  assert.equal((await door.request("POST", path(session), { ...second, quorum: 3 })).body.code, 40031)

  // Who may only publish sees what has become of it, and not what was said.
  const blind = as("eve", { "*": ["publish"] })
  const shown = await ask(session, { kind: "question", title: "Which?", arguments: { secret: 1 } }, blind)
  assert.equal(shown.arguments, undefined)
  const answered = await decide(session, shown.requestId, { decision: "answer", answer: { place: "here" } }, as("ann"))
  assert.deepEqual([answered.body.status, answered.body.decisions[0].answer.place], ["answered", "here"])
  const late = await decide(session, shown.requestId, { decision: "answer", answer: 2 }, blind)
  assert.deepEqual([late.body.code, late.body.request.decisions[0].answer, late.body.request.decisions[0].by], [ALREADY_DECIDED, undefined, "ann"])
})

test("a request that is due is closed, also after a crash, and takes no late answer", { timeout: TEST_TIMEOUT_MS }, async () => {
  const session = "requests that are due"
  const ids = []
  for (const whenDue of ["expire", "approve", "deny"]) {
    ids.push((await ask(session, { kind: "approval", due: Date.now() + 1_500, whenDue })).requestId)
  }
  const escalation = await ask(session, { kind: "escalation", due: Date.now() + 600_000 })
  assert.deepEqual((await door.get(`/requests?prefix=${encodeURIComponent(session)}&dueBefore=${escalation.due}`)).requests.map(({ requestId }) => requestId).toSorted(), ids.toSorted())
  await server.kill()
  await server.restart()
  const statuses = async () => Promise.all(ids.map(async id => (await get(session, id)).status))
  await eventually(WAIT_MS, async () => !(await statuses()).includes("open"), "requests to be closed")
  assert.deepEqual(await statuses(), ["expired", "approved", "denied"])
  const late = await decide(session, ids[0], { decision: "approve" }, as("ann"))
  assert.deepEqual([late.status, late.body.code, late.body.request.status], [409, ALREADY_DECIDED, "expired"])
  assert.equal((await notices(session)).filter(({ status }) => ["expired", "approved", "denied"].includes(status)).length, 3)
  assert.deepEqual((await door.get(`/requests?prefix=${encodeURIComponent(session)}`)).requests.map(({ kind }) => kind), ["escalation"])
})

test("a request asks for a role, or for whoever may do something", { timeout: TEST_TIMEOUT_MS }, async t => {
  const session = "requests by role"
  const asked = await ask(session, { kind: "approval", clientIds: ["ann"], roles: ["chef 👩‍🍳", "owner"], capability: "control" })
  assert.deepEqual([asked.clientIds, asked.roles, asked.capability], [["ann"], ["chef 👩‍🍳", "owner"], "control"])
  const some = ["publish", "history"]
  const cook = as("ben", { "*": some }, { "parley-roles": ["cook", "chef"] })
  const other = as("ben", { "other": ["control"], "*": some })
  const yes = { decision: "approve" }
  for (const one of [as("ben"), cook, other]) {
    const { status, body } = await decide(session, asked.requestId, yes, one)
    assert.deepEqual([status, body.code], [403, NOT_ASKED])
  }
  const chef = as("ben", { "*": some }, { "parley-roles": ["chef 👩‍🍳"] })
  assert.equal((await decide(session, asked.requestId, yes, chef)).body.status, "approved")
  const second = await ask(session, { kind: "approval", capability: "control" })
  assert.equal((await decide(session, second.requestId, yes, as("ben", { [session]: [...some, "control"] }))).body.status, "approved")
  assert.deepEqual((await notices(session))[0].roles, ["chef 👩‍🍳", "owner"])
  assert.equal((await door.request("POST", path(session), { kind: "approval", capability: "everything" })).status, 400)
  const many = as("ben", { "*": some }, { "parley-roles": Array(33).fill("x") })
  assert.equal((await many.request("GET", path(session))).status, 401)

  // Answers by @ably/ai-transport are judged in the same way.
  const { scene, people: [viewer], serve } = await waitingForApproval(t, "JSON", ["viewer"])
  assert.equal(await serve((await viewer.send("use remove")).toInvocation().toJSON()), "suspend")
  const pending = await viewer.pendingTool("remove", "approval-requested")
  const { requests: [{ runId, messageId, toolCallId }] } = await door.get(path(scene.channel, "?status=open"))
  await ask(scene.channel, { kind: "approval", runId, messageId, toolCallId, roles: ["chef"] })
  await assert.rejects(viewer.approve(pending, toolCallId), error => [...reasons(error)].some(({ code }) => code === NOT_ASKED))
  await ask(scene.channel, { kind: "approval", runId, messageId, toolCallId, capability: "control" })
  await viewer.approve(pending, toolCallId)
  assert.deepEqual((await answers(scene)).map(({ clientId }) => clientId), ["viewer"])
})

test("a call that nobody approves in time is answered in the conversation, whatever becomes of it", { timeout: TEST_TIMEOUT_MS }, async t => {
  for (const [whenDue, approved] of [["approve", true], ["expire", false]]) {
    const { scene, people: [viewer, other], serve } = await waitingForApproval(t, "JSON", ["viewer", "other"])
    assert.equal((await door.request("POST", `/sessions/${encodeURIComponent(scene.channel)}/agents`, { agents: [{ id: "agent", triggers: "invocation" }] })).status, 200)
    assert.equal(await serve((await viewer.send("use remove")).toInvocation().toJSON()), "suspend")
    const pending = await viewer.pendingTool("remove", "approval-requested")
    const { requests: [asked] } = await door.get(path(scene.channel, "?status=open"))
    const { runId, messageId, toolCallId } = asked
    const due = { kind: "approval", title: "remove", requestId: "in time 🕰", runId, messageId, toolCallId, whenDue, due: Date.now() + 1_000 }
    await ask(scene.channel, due)
    await ask(scene.channel, due)
    if (!approved) {
      await server.kill()
      await server.restart()
    }
    const claimed = await door.request("POST", `/sessions/${encodeURIComponent(scene.channel)}/wakes/claim`, { agentId: "agent", waitMs: MAX_CLAIM_MS })
    assert.equal(claimed.status, 200)
    const [{ extras, clientId }, ...more] = await answers(scene)
    assert.deepEqual(more, [])
    assert.equal(clientId, undefined)
    assert.deepEqual([extras.ai.codec.approved, extras.ai.codec.toolCallId], [String(approved), toolCallId])
    assert.deepEqual(claimed.body.inputEventIds, [extras.ai.transport["event-id"]])
    await assert.rejects(other.approve(pending, toolCallId), error => [...reasons(error)].some(({ code }) => code === ALREADY_DECIDED))
    assert.equal((await answers(scene)).length, 1)
    assert.equal(await serve({ inputEventId: extras.ai.transport["event-id"], sessionName: scene.channel }), "complete")
    for (const person of [viewer, other]) {
      await eventually(WAIT_MS, async () => {
        const parts = (await person.messages()).flatMap(({ message }) => message.parts)
        const part = parts.find(part => part.toolCallId === toolCallId)
        return approved ? part?.output === REMOVED : part?.approval?.approved === false
      }, "the outcome to be seen")
    }
  }
})

test("an agent is given the arguments that were approved instead of its own", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, people: [viewer], serve } = await waitingForApproval(t, "MessagePack", ["viewer"])
  assert.equal(await serve((await viewer.send("use remove")).toInvocation().toJSON()), "suspend")
  await viewer.pendingTool("remove", "approval-requested")
  const { requests: [asked] } = await door.get(path(scene.channel, "?status=open"))
  const edited = { place: "the cellar 🗝", only: [1, null] }
  const { status, body } = await decide(scene.channel, asked.requestId, { decision: "approve", arguments: edited, comment: "there" }, as("eve"))
  assert.equal(status, 200)
  assert.deepEqual(body.decisions[0].arguments, edited)
  const [{ extras, clientId }] = await answers(scene)
  assert.equal(clientId, "eve")
  assert.deepEqual([extras.ai.codec.approved, extras.ai.codec.reason], ["true", "there"])
  assert.deepEqual(JSON.parse(extras.ai.codec["parley-arguments"]), edited)
  assert.equal(await serve({ inputEventId: extras.ai.transport["event-id"], sessionName: scene.channel }), "complete")
})

test("decisions and changes of control are exported and listed when the messages are gone", { timeout: TEST_TIMEOUT_MS }, async t => {
  const key = `shop.backend:${"s".repeat(40)}`
  const dataDir = await temporaryFolder()
  const args = ["--set", `auth.keys=${key}`, "--set", "sessions.namespaces=[{id: small, retention-bytes: 2000}]"]
  const small = await startServer({ dataDir, port: 0, args })
  t.after(async () => {
    await small.stop()
    await removeFolder(dataDir)
  })
  const shop = new DoorClient({ url: small.url, key })
  const name = "small:🗄"
  const session = shop.session(name)
  await ask(name, { requestId: "closed", kind: "approval", arguments: { amount: 1 } }, shop)
  await ask(name, { requestId: "open 🔓", kind: "question" }, shop)
  const eve = { actorId: "eve", deviceId: "phone" }
  assert.equal((await decide(name, "closed", { decision: "deny", comment: "no", ...eve }, shop)).status, 200)
  for (const mode of ["person", "agent"]) assert.equal((await shop.request("POST", `${session.path}/control`, { mode, ...eve })).status, 200)
  await session.send("x".repeat(3_000))
  await eventually(WAIT_MS, async () => (await session.export()).every(({ type }) => type !== "message"), "the messages to be gone")

  const kept = await session.export()
  assert.deepEqual(kept.map(({ type }) => type), ["control", "control", "request", "request"])
  assert.deepEqual(kept.slice(0, 2).map(({ control }) => [control.mode, control.holder ?? control.by, control.reason]), [["person", "eve", "asked"], ["agent", "eve", "asked"]])
  assert.deepEqual(kept.slice(2).map(({ request }) => [request.requestId, request.status, request.decisions[0]?.by, request.decisions[0]?.key]), [["closed", "denied", "eve", "shop.backend"], ["open 🔓", "open", undefined, undefined]])
  assert.deepEqual((await shop.get(path(name))).requests, kept.slice(2).map(({ request }) => request))
  const { changes, next } = await shop.get(`${session.path}/control/changes?limit=1`)
  assert.deepEqual(changes, [{ position: kept[0].position, control: kept[0].control }])
  assert.deepEqual((await shop.get(`${session.path}/control/changes?cursor=${next}`)).changes.map(({ position }) => position), [kept[1].position])
  assert.equal((await decide(name, "open 🔓", { decision: "answer", answer: 1, ...eve }, shop)).status, 200)
  assert.equal((await session.erase()).status, 204)
  assert.equal((await shop.request("GET", `${session.path}/export`)).status, 404)
  assert.deepEqual((await shop.get(`${session.path}/control/changes`)).changes, [])
})

test("the inbox has the open requests of all sessions, page by page", { timeout: TEST_TIMEOUT_MS }, async () => {
  const names = Array.from({ length: 12 }, (_, i) => `inbox:${String(i).padStart(2, "0")}`)
  for (const [i, name] of names.entries()) {
    await ask(name, { requestId: "r1", kind: i % 2 ? "question" : "approval", ...(i % 3 && { clientIds: [i % 3 === 1 ? "ann" : "ben"] }) })
  }
  await ask("inbox", { kind: "approval" })
  await decide(names[3], "r1", { decision: "answer", answer: "x" })
  const pages = async (query, what = "requests", field = "sessionId") => {
    const found = []
    for (let next = ""; next !== undefined; ) {
      const page = await door.get(`${what === "requests" ? "/requests" : "/sessions"}?prefix=inbox:&limit=4${query}${next && `&cursor=${encodeURIComponent(next)}`}`)
      assert.ok(page[what].length <= 4)
      found.push(...page[what].map(entry => entry[field]))
      next = page.next
    }
    return found
  }
  const open = names.filter((_, i) => i !== 3)
  assert.deepEqual(await pages(""), open)
  assert.deepEqual(await pages("&pendingRequests=true", "sessions"), open)
  assert.deepEqual(await pages("&status=closed"), [names[3]])
  assert.deepEqual(await pages("&status=denied"), [])
  assert.deepEqual(await pages("&kind=question"), names.filter((_, i) => i % 2 && i !== 3))
  assert.deepEqual(await pages("&clientId=ann"), names.filter((_, i) => i % 3 !== 2 && i !== 3))
  // Whoever has a role is asked by it, and nobody else is.
  await ask("inbox:role", { requestId: "r1", kind: "approval", roles: ["chï😀f", "owner"] })
  const everybodys = names.filter((_, i) => i % 3 === 0 && i !== 3)
  assert.deepEqual(await pages("&clientId=ann&kind=approval"), names.filter((_, i) => i % 3 !== 2 && i % 2 === 0))
  assert.deepEqual(await pages(`&role=${encodeURIComponent("chï😀f")}`), [...everybodys, "inbox:role"])
  assert.deepEqual(await pages("&role=clerk&role=owner&clientId=ben"), [...names.filter((_, i) => i % 3 !== 1 && i !== 3), "inbox:role"])
  assert.deepEqual(await pages("&role=clerk"), everybodys)
  assert.equal((await door.request("GET", `/requests?${"role=x&".repeat(101)}`)).status, 400)
  await decide("inbox:role", "r1", { decision: "deny" }, as("ann", { "*": ["publish"] }, { "parley-roles": ["owner"] }))
  // A credential for some sessions sees those.
  const some = as("ann", { "inbox:*": ["history"] })
  assert.equal((await some.get("/requests?prefix=inbox:")).requests.length, open.length)
  assert.equal((await some.request("GET", "/requests")).status, 401)
  assert.equal((await door.session(names[3]).summary()).pendingRequests, 0)
})

test("what closes a request wakes the agent that has asked, once", { timeout: TEST_TIMEOUT_MS }, async () => {
  const session = "requests of agents"
  const sessionPath = `/sessions/${encodeURIComponent(session)}`
  assert.equal((await door.request("POST", `${sessionPath}/agents`, { agents: [{ id: "bot", triggers: "invocation" }, { id: "other" }] })).status, 200)
  const claim = (agentId, waitMs) => door.request("POST", `${sessionPath}/wakes/claim`, { agentId, waitMs })
  const waiting = claim("bot", MAX_CLAIM_MS)
  const asked = await ask(session, { kind: "approval", title: "Refund", actorId: "bot" })
  const both = await Promise.all(["ann", "ben"].map(name => decide(session, asked.requestId, { decision: "approve" }, as(name))))
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 409])
  const { status, body: wake } = await waiting
  assert.equal(status, 200)
  assert.deepEqual(wake.inputEventIds, [asked.requestId])
  assert.equal((await door.request("POST", `${sessionPath}/wakes/${wake.wakeId}/done`, { lease: wake.lease })).status, 204)
  assert.deepEqual((await door.get(`${sessionPath}/wakes`)).wakes, [])
  assert.equal((await claim("other", 0)).status, 204)

  // Its time does it, too.
  const due = await ask(session, { kind: "question", due: Date.now() + 500, actorId: "bot" })
  assert.deepEqual((await claim("bot", MAX_CLAIM_MS)).body.inputEventIds, [due.requestId])
  assert.equal((await get(session, due.requestId)).status, "expired")
})
