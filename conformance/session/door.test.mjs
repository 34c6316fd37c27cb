// The session door beside the unmodified @ably/ai-transport: whoever says something, everybody has the same conversation.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { REMOVED } from "../aitransport/agent.mjs"
import { afterTool, answerTo } from "../aitransport/model.mjs"
import { Scene } from "../aitransport/scene.mjs"
import { textOf, WAIT_MS } from "../aitransport/viewer.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { basic, bearer, jwt } from "../lib/tokens.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"

const TEST_TIMEOUT_MS = 120_000

let server, door
before(async () => {
  server = await AppServer.start({ keys: [{}, { capability: JSON.stringify({ "guarded": ["*"] }) }] })
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "caller" })
})
after(() => server?.end())

const open = async t => {
  const scene = await Scene.open(t, { server, binary: false, trouble: "none" })
  const [viewer, agent] = await Promise.all([scene.viewer("viewer"), scene.agent()])
  return { scene, viewer, agent, session: door.session(scene.channel) }
}

const invocation = (scene, { eventId }) => ({ inputEventId: eventId, sessionName: scene.channel })
/** The invocation by the last input: the answers to tools have no body that says it. */
async function byLastInput(scene) {
  const { extras } = (await scene.history()).findLast(({ name }) => name === "ai-input")
  return invocation(scene, { eventId: extras.ai.transport["event-id"] })
}

const texts = async session => (await session.messages()).map(message => [message.role, textOf(message)])
const serve = (agent, invocation) => within(WAIT_MS, agent.serve(invocation), "the agent to be done")

/** Waits until the door shows an agent's message that says just this. */
const shows = (session, text) =>
  eventually(WAIT_MS, async () => (await texts(session)).some(([role, said]) => role === "assistant" && said === text), text)

test("what is said over HTTP is what @ably/ai-transport shows, and the other way round", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, viewer, agent, session } = await open(t)
  const first = await session.send("by HTTP")
  assert.equal(await serve(agent, invocation(scene, first)), "complete")
  await viewer.shows(answerTo("by HTTP").text)

  assert.equal(await serve(agent, (await viewer.send("by the library")).toInvocation().toJSON()), "complete")

  const said = [
    ["user", "by HTTP"],
    ["assistant", answerTo("by HTTP").text],
    ["user", "by the library"],
    ["assistant", answerTo("by the library").text],
  ]
  assert.deepEqual(await texts(session), said)
  assert.deepEqual((await viewer.conversation()).messages.map(({ message }) => [message.role, textOf(message)]), said)
  const [mine, answer] = await session.messages()
  assert.equal(mine.clientId, "caller")
  assert.equal(mine.messageId, first.messageId)
  assert.equal(answer.clientId, "agent")
  const runs = (await session.conversation()).filter(node => node.type === "run")
  assert.deepEqual(runs.map(({ status }) => status), ["complete", "complete"])
  assert.equal(runs[0].parent, first.messageId)

  await server.kill()
  await server.restart()
  assert.deepEqual(await texts(session), said)
})

test("an agent is stopped over HTTP: its run, its message, or all that it does", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, viewer, agent, session } = await open(t)
  const ways = {
    "by run": (run, asked) => ({ runId: run.id }),
    "by question": (run, asked) => ({ messageId: asked.messageId }),
    "by answer": run => ({ messageId: run.messages[0].messageId }),
    "all": () => ({}),
  }
  for (const [index, [way, what]] of Object.entries(ways).entries()) {
    const question = `slowly, ${way}`
    const asked = await session.send(question)
    const serving = agent.serve(invocation(scene, asked))
    await shows(session, answerTo(question).shown[0])
    const run = (await session.conversation()).findLast(node => node.type === "run")
    assert.equal(run.status, "active")
    assert.deepEqual((await session.summary()).runs.map(({ runId, status }) => [runId, status]), [[run.id, "active"]])
    await session.stop(what(run, asked))
    assert.equal(await within(WAIT_MS, serving, "the end of the run"), "cancelled", way)
    await viewer.runsAre(index + 1, "cancelled")
    assert.equal((await session.summary()).openRuns, 0)
  }
  await session.stop()
})

test("edit and regenerate make branches, and the newest are the conversation", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, viewer, agent, session } = await open(t)
  const asked = await session.send("first")
  await serve(agent, invocation(scene, asked))
  await serve(agent, invocation(scene, await session.regenerate(asked.messageId)))
  await viewer.shows(answerTo("first", 2).text)
  assert.deepEqual(await texts(session), [["user", "first"], ["assistant", answerTo("first", 2).text]])
  const [, answer] = await session.messages()
  await serve(agent, invocation(scene, await session.regenerate(answer.messageId)))
  assert.deepEqual(await texts(session), [["user", "first"], ["assistant", answerTo("first", 3).text]])

  await serve(agent, invocation(scene, await session.edit(asked.messageId, "second")))
  assert.deepEqual(await texts(session), [["user", "second"], ["assistant", answerTo("second").text]])
  assert.equal((await session.conversation()).length, 6)
  const { alternatives } = (await viewer.conversation()).messages[0]
  assert.deepEqual(alternatives.map(textOf), ["first", "second"])
})

test("tools are answered and approved over HTTP", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, viewer, agent, session } = await open(t)
  assert.equal(await serve(agent, invocation(scene, await session.send("use location"))), "suspend")
  assert.equal((await session.summary()).runs[0].status, "suspended")
  const call = (await session.messages()).at(-1).parts.find(part => part.toolCallId)
  await session.toolResult(call.toolCallId, { place: "here" })
  assert.equal(await serve(agent, await byLastInput(scene)), "complete")
  await viewer.shows(answerTo(afterTool("location")).text)

  assert.equal(await serve(agent, invocation(scene, await session.send("use remove"))), "suspend")
  const { approval } = (await session.messages()).at(-1).parts.find(part => part.approval)
  await session.answer(approval.id, true)
  assert.equal(await serve(agent, await byLastInput(scene)), "complete")
  await viewer.shows(answerTo(afterTool("remove")).text)
  const parts = (await session.messages()).flatMap(({ parts }) => parts)
  assert.ok(parts.some(part => part.toolCallId && part.output === REMOVED))
})

test("a conversation is followed by what changes in it", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, viewer, agent, session } = await open(t)
  const path = `${session.path}/conversation`
  let known = new Map(), position, deltas = 0
  /** Asks for what has changed, and has then what a whole answer has. */
  async function follow(whole = false) {
    const { position: now, nodes, ids, ...answer } = await door.get(position ? `${path}?since=${position}` : path)
    assert.equal(answer.whole, position && whole)
    const all = new Map(nodes.map(node => [node.id, node]))
    if (ids) {
      deltas += nodes.length
      known = new Map(ids.map(id => [id, all.get(id) ?? known.get(id)]))
    } else known = all
    position = now
    assert.deepEqual([...known.values()], await session.conversation())
  }
  await follow()
  const asked = await session.send("followed")
  await follow()
  const serving = agent.serve(invocation(scene, asked))
  await shows(session, answerTo("followed").text)
  await serving
  await follow()
  await follow()
  assert.equal(deltas, 3, "the input, the run with the input, and nothing")
  await serve(agent, invocation(scene, await session.regenerate(asked.messageId)))
  await follow()
  await serve(agent, invocation(scene, await session.edit(asked.messageId, "followed, edited")))
  await follow()
  assert.equal(await serve(agent, invocation(scene, await session.send("use location"))), "suspend")
  await follow()
  const call = (await session.messages()).at(-1).parts.find(part => part.toolCallId)
  await session.toolResult(call.toolCallId, { place: "here" })
  await follow()
  assert.equal(await serve(agent, await byLastInput(scene)), "complete")
  await follow()
  await viewer.send("by the library")
  await eventually(WAIT_MS, async () => (await texts(session)).at(-1)[1] === "by the library", "the message")
  await follow()
  const [{ serial }] = await scene.history()
  await server.rest().channels.get(scene.channel).deleteMessage({ serial })
  await follow()
  assert.equal((await door.request("POST", `${session.path}/reset`)).status, 200)
  await follow(true)
  await session.send("after the reset")
  await follow()
})

test("a message that is sent twice is said once", { timeout: TEST_TIMEOUT_MS }, async () => {
  const session = door.session("twice")
  const answers = await Promise.all([1, 2, 3].map(() => session.send("once", { messageId: "mine" })))
  assert.deepEqual(new Set(answers.map(({ serial }) => serial)).size, 1)
  await server.kill()
  await server.restart()
  const again = await session.send("once", { messageId: "mine" })
  assert.equal(again.serial, answers[0].serial)
  assert.equal(again.eventId, answers[0].eventId)
  assert.deepEqual(await texts(session), [["user", "once"]])
})

test("files and data come through, and names may be anything", { timeout: TEST_TIMEOUT_MS }, async () => {
  for (const name of ["a/b?c#d", "räum 🏠", "%41", "x:y"]) {
    const session = door.session(name)
    const file = { type: "file", mediaType: "text/plain", url: "data:text/plain;base64,aGk=" }
    const data = { type: "data-place", data: { lat: 1.5 } }
    await session.send("see", { parts: [file, data] })
    const [{ parts }] = await session.messages()
    assert.deepEqual(parts.map(({ type }) => type), ["text", "file", "data-place"])
    assert.equal(parts[1].url, file.url)
    assert.deepEqual(parts[2].data, data.data)
    assert.equal((await session.summary()).sessionId, name)
  }
})

test("sessions are listed by prefix, activity and open runs, page by page", { timeout: TEST_TIMEOUT_MS }, async t => {
  const names = Array.from({ length: 25 }, (_, i) => `list:${String(i).padStart(2, "0")}`)
  for (const name of names) await door.session(name).send("hello")
  const found = []
  for (let next = ""; next !== undefined; ) {
    const page = await door.list(`?prefix=list:&limit=10${next && `&cursor=${encodeURIComponent(next)}`}`)
    assert.ok(page.sessions.length <= 10)
    found.push(...page.sessions.map(({ sessionId }) => sessionId))
    next = page.next
  }
  assert.deepEqual(found, names)

  const { lastActivity } = await door.session(names[20]).summary()
  const { sessions } = await door.list(`?prefix=list:&activeSince=${lastActivity + 1}`)
  assert.ok(sessions.every(session => session.lastActivity > lastActivity))
  const { scene, agent, session } = await open(t)
  const asked = await session.send("slowly, an open run")
  const serving = agent.serve(invocation(scene, asked))
  await shows(session, answerTo("slowly, an open run").shown[0])
  const open_ = await door.list("?openRuns=true")
  assert.deepEqual(open_.sessions.map(({ sessionId }) => sessionId), [scene.channel])
  await session.stop()
  await within(WAIT_MS, serving, "the end of the run")
})

/** All pages of a list, as ids. */
async function listed(query) {
  const found = []
  for (let next = ""; next !== undefined; ) {
    const page = await door.list(`?limit=3&${query}${next && `&cursor=${encodeURIComponent(next)}`}`)
    assert.ok(page.sessions.length <= 3)
    found.push(...page.sessions.map(({ sessionId }) => sessionId))
    next = page.next
  }
  return found
}

test("a session is made once, and stays although nothing is said in it", { timeout: TEST_TIMEOUT_MS }, async () => {
  const id = "made/räum 🏠"
  const before = Date.now()
  const answers = await Promise.all([1, 2, 3].map(() => door.session(id).make()))
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 200, 201])
  for (const { body } of answers) {
    assert.equal(body.sessionId, id)
    assert.equal(body.streamUrl, `/v1/stream/sessions/${encodeURIComponent(id)}`)
    assert.equal(body.createdBy, "caller")
    assert.ok(body.createdAt >= before && body.lastActivity === body.createdAt)
    assert.deepEqual([body.labels, body.participants, body.runs], [{}, [], []])
  }
  await door.session(id).send("first")
  assert.equal((await door.session(id).make()).status, 200)
  assert.deepEqual(await texts(door.session(id)), [["user", "first"]])
  assert.equal((await door.session("made/other").make({ topic: "x" })).status, 201)

  await server.kill()
  await server.restart()
  assert.deepEqual(await listed("prefix=made/"), ["made/other", id])
  const { createdAt, labels } = await door.session("made/other").summary()
  assert.deepEqual(labels, { topic: "x" })
  assert.deepEqual(await listed(`prefix=made/&activeSince=${createdAt + 1}`), [])
  assert.equal((await door.session("said").send("hello")).messageId.length > 0, true)
  assert.equal((await door.session("said").summary()).createdAt, undefined)
})

test("sessions are found by labels, participants and runs, in any combination", { timeout: TEST_TIMEOUT_MS }, async t => {
  const ids = Array.from({ length: 10 }, (_, i) => `found:${i}`)
  for (const [i, id] of ids.entries()) {
    await door.session(id).make({ even: String(i % 2 === 0), "third key": i % 3 === 0 ? "a:b" : "" })
    if (i < 5) await door.session(id).send("hello", { actorId: "ann" })
  }
  const select = wanted => ids.filter((_, i) => wanted(i))
  const label = (key, value) => `label=${encodeURIComponent(`${key}:${value}`)}`
  assert.deepEqual(await listed(label("even", "true")), select(i => i % 2 === 0))
  assert.deepEqual(await listed(label("even", "tru")), [])
  assert.deepEqual(await listed(`${label("even", "true")}&${label("third key", "a:b")}`), select(i => i % 6 === 0))
  assert.deepEqual(await listed(`prefix=found:&${label("third key", "")}`), select(i => i % 3 > 0))
  assert.deepEqual(await listed("prefix=found:&participant=ann"), select(i => i < 5))
  assert.deepEqual(await listed(`participant=ann&${label("even", "false")}`), select(i => i < 5 && i % 2 > 0))
  assert.deepEqual(await listed(`participant=ann&${label("even", "true")}&openRuns=true`), [])

  const client = server.realtime({ clientId: "ben" })
  t.after(() => client.close())
  await client.channels.get(ids[7]).presence.enter()
  await client.channels.get(ids[7]).publish({ name: "ai-run-start", extras: { ai: { transport: { "run-id": "run", "run-client-id": "ben" } } } })
  assert.deepEqual(await listed("participant=ben"), [ids[7]])
  assert.deepEqual(await listed(`openRuns=true&participant=ben&${label("even", "false")}`), [ids[7]])
  assert.deepEqual((await door.session(ids[7]).summary()).participants, ["ben"])

  const changed = await door.session(ids[0]).label({ even: null, new: "🏠" })
  assert.deepEqual(changed.labels, { "new": "🏠", "third key": "a:b" })
  assert.deepEqual((await door.session(ids[2]).relabel({ only: "" })).labels, { only: "" })
  assert.deepEqual((await door.session(ids[4]).make({})).body.labels, {})
  await server.kill()
  await server.restart()
  assert.deepEqual(await listed(label("even", "true")), select(i => i % 2 === 0 && i > 4))
  assert.deepEqual(await listed(label("new", "🏠")), [ids[0]])
  const { sessions } = await door.list(`?${label("only", "")}`)
  assert.deepEqual(sessions.map(({ labels }) => labels), [{ only: "" }])
})

test("shared objects are shown whole", { timeout: TEST_TIMEOUT_MS }, async () => {
  const path = "/sessions/with%20objects/objects"
  assert.deepEqual((await door.get(path)).objects, {})
  const set = (key, value) => ({ objectId: "root", mapSet: { key, value } })
  for (const operation of [set("place", { string: "here" }), set("räum", { number: 2 }), { path: "votes", counterCreate: { count: 3 } }]) {
    const { status, body } = await door.ofChannels("POST", "/channels/with%20objects/object", operation)
    assert.equal(status, 201, JSON.stringify(body))
  }
  assert.deepEqual((await door.get(path)).objects, { place: "here", räum: 2, votes: 3 })
})

test("an export has the whole log, with who has done what and all versions", { timeout: TEST_TIMEOUT_MS }, async () => {
  const client = server.realtime({ clientId: "ann" })
  const channel = client.channels.get("exported")
  await channel.presence.enter("here")
  const { serials: [serial] } = await channel.publish("note", "first")
  await channel.updateMessage({ serial, data: "second" }, { clientId: "ann", description: "better" })
  const large = "x".repeat(60_000)
  for (let i = 0; i < 40; i++) await channel.publish("large", `${i} ${large}`)
  await channel.deleteMessage({ serial, data: "" })
  client.close()

  const lines = await door.session("exported").export()
  assert.deepEqual(lines.map(({ position }) => position), lines.map(({ position }) => position).toSorted())
  const messages = lines.filter(({ type }) => type === "message")
  assert.equal(messages.length, 41)
  assert.deepEqual(messages.filter(({ message }) => message.name === "large").map(({ message }) => message.data), Array.from({ length: 40 }, (_, i) => `${i} ${large}`))
  const note = messages.find(({ message }) => message.serial === serial)
  assert.deepEqual(note.versions.map(({ data }) => data), ["first", "second", ""])
  assert.equal(note.versions[1].version.description, "better")
  assert.ok(messages.every(({ message }) => message.clientId === "ann"))
  assert.ok(lines.some(({ type, presence }) => type === "presence" && presence.clientId === "ann"))
})

// ---- Who may do what, and what is refused --------------------------------------------------------

/** Every operation, with what it needs: [method, path, body, capability of the session or of everything, status]. */
const OPERATIONS = [
  ["GET", "/sessions", undefined, { "*": ["channel-metadata"] }],
  ["GET", "/sessions/guarded", undefined, { guarded: ["channel-metadata"] }],
  ["PUT", "/sessions/guarded", undefined, { guarded: ["session-create"] }],
  ["DELETE", "/sessions/guarded", undefined, { guarded: ["session-erase"] }, 204],
  ["PUT", "/sessions/guarded", undefined, { guarded: ["session-create"] }, 201],
  ["POST", "/sessions/guarded/messages", { content: "first", messageId: "first" }, { guarded: ["publish"] }],
  ["PUT", "/sessions/guarded/labels", { a: "b" }, { guarded: ["session-label"] }],
  ["PATCH", "/sessions/guarded/labels", { a: null }, { guarded: ["session-label"] }],
  ["GET", "/sessions/guarded/messages", undefined, { guarded: ["history"] }],
  ["GET", "/sessions/guarded/conversation", undefined, { guarded: ["history"] }],
  ["GET", "/sessions/guarded/objects", undefined, { guarded: ["object-subscribe"] }],
  ["GET", "/sessions/guarded/export", undefined, { guarded: ["history"] }],
  ["GET", "/sessions/guarded/presence", undefined, { guarded: ["presence-subscribe"] }],
  ["POST", "/sessions/guarded/presence", { deviceId: "y", status: "away" }, { guarded: ["presence"] }, 400],
  ["POST", "/sessions/guarded/login", { deviceId: "y" }, { guarded: ["presence"] }, 400],
  ["POST", "/sessions/guarded/logout", { allDevices: true }, { guarded: ["presence"] }, 400],
  ["POST", "/sessions/guarded/fork", { newSessionId: "guarded" }, { guarded: ["history"] }, 401],
  ["POST", "/sessions/guarded/reset", undefined, { guarded: ["session-erase"] }],
  ["POST", "/sessions/guarded/messages", { content: "first", messageId: "first" }, { guarded: ["publish"] }],
  ["GET", "/sessions/guarded/control", undefined, { guarded: ["subscribe"] }],
  ["GET", "/sessions/guarded/control/changes", undefined, { guarded: ["history"] }],
  ["GET", "/sessions/guarded/timeline", undefined, { guarded: ["channel-metadata"] }],
  ["POST", "/sessions/guarded/control", { mode: "agent" }, { guarded: ["control"] }],
  ["POST", "/sessions/guarded/requests", { kind: "question", requestId: "asked" }, { guarded: ["publish"] }, 201],
  ["GET", "/sessions/guarded/requests", undefined, { guarded: ["history"] }],
  ["GET", "/sessions/guarded/requests/asked", undefined, { guarded: ["history"] }],
  ["POST", "/sessions/guarded/requests/asked/decisions", { decision: "answer", answer: 1 }, { guarded: ["publish"] }],
  ["GET", "/requests", undefined, { "*": ["history"] }],
  ["POST", "/namespaces/guarded/agents", { agents: [{ id: "none", triggers: "invocation" }] }, { "guarded:*": ["agent-manage"] }],
  ["GET", "/namespaces/guarded/agents", undefined, { "guarded:*": ["subscribe"] }],
  ["DELETE", "/namespaces/guarded/agents/none", undefined, { "guarded:*": ["agent-manage"] }, 204],
  ["PUT", "/namespaces/guarded/notify", { endpoint: "http://127.0.0.1:9/" }, { "guarded:*": ["agent-manage"] }],
  ["GET", "/namespaces/guarded/notify", undefined, { "guarded:*": ["subscribe"] }],
  ["DELETE", "/namespaces/guarded/notify", undefined, { "guarded:*": ["agent-manage"] }, 204],
  ["POST", "/sessions/guarded/messages", { content: "x" }, { guarded: ["publish"] }],
  ["PUT", "/sessions/guarded/messages/first", { content: "y" }, { guarded: ["publish"] }],
  ["POST", "/sessions/guarded/regenerate", { fromMessageId: "none" }, { guarded: ["publish"] }, 404],
  ["POST", "/sessions/guarded/stop", {}, { guarded: ["publish"] }],
  ["POST", "/sessions/guarded/tool-results", { toolCallId: "none", output: 1 }, { guarded: ["publish"] }, 404],
  ["POST", "/sessions/guarded/approvals/none", { approved: true }, { guarded: ["publish"] }, 404],
]

test("each operation needs just its own capability", { timeout: TEST_TIMEOUT_MS }, async () => {
  const key = server.keys[0]
  await door.session("guarded").send("first", { messageId: "first" })
  const all = ["session-create", "session-erase", "session-label", "channel-metadata", "history", "presence-subscribe", "publish", "subscribe", "presence", "push-subscribe", "object-subscribe"]
  const as = authorization => new DoorClient({ url: server.url, authorization })
  for (const [method, path, body, capability, status] of OPERATIONS) {
    const what = `${method} ${path}`
    const [[resource, [operation]]] = Object.entries(capability)
    const others = operation === "presence-subscribe" ? all.filter(o => o !== operation && o !== "subscribe") : all.filter(o => o !== operation)
    const refusals = {
      "nobody": [undefined, 40101],
      "a wrong key": [basic(`${key.keyName}:${"s".repeat(40)}`), 40101],
      "an expired token": [bearer(jwt(key, { lifetimeS: -60, capability })), 40142],
      "all others": [bearer(jwt(key, { capability: { [resource]: others } })), 40160],
      "another session": [bearer(jwt(key, { capability: { elsewhere: [operation] } })), 40160],
    }
    for (const [who, [authorization, code]] of Object.entries(refusals)) {
      const { status, body: refusal } = await as(authorization).request(method, path, body)
      assert.deepEqual([status, refusal.code, refusal.statusCode], [401, code, 401], `${what} by ${who}: ${JSON.stringify(refusal)}`)
      assert.equal(typeof refusal.error, "string")
    }
    const allowed = await as(bearer(jwt(key, { capability }))).request(method, path, body)
    assert.equal(allowed.status, status ?? (method === "POST" && path.endsWith("/stop") ? 204 : 200), `${what}: ${JSON.stringify(allowed.body)}`)
  }
  // Whoever may only make sessions does not label them.
  const maker = bearer(jwt(key, { capability: { guarded: ["session-create"] } }))
  const labelled = await as(maker).request("PUT", "/sessions/guarded", { labels: { a: "b" } })
  assert.deepEqual([labelled.status, labelled.body.code], [401, 40160])
  // A token's client cannot speak for another.
  const bound = bearer(jwt(key, { clientId: "ann", capability: { guarded: ["publish", "history"] } }))
  const { status, body } = await as(bound).request("POST", "/sessions/guarded/messages", { content: "x", actorId: "bob" })
  assert.deepEqual([status, body.code], [401, 40102])
})

test("what is not valid is refused with a reason and changes nothing", { timeout: TEST_TIMEOUT_MS }, async () => {
  const before = await door.session("guarded").messages()
  const text = "x".repeat(200)
  for (const [method, path, body, status] of [
    ["POST", "/sessions/guarded/messages", "{", 400],
    ["POST", "/sessions/guarded/messages", "[]", 400],
    ["POST", "/sessions/guarded/messages", {}, 400],
    ["POST", "/sessions/guarded/messages", { content: 5 }, 400],
    ["POST", "/sessions/guarded/messages", { parts: {} }, 400],
    ["POST", "/sessions/guarded/messages", { parts: [5] }, 400],
    ["POST", "/sessions/guarded/messages", { parts: [{ type: "step-start" }] }, 400],
    ["POST", "/sessions/guarded/messages", { content: "x", messageId: text }, 400],
    ["POST", "/sessions/guarded/messages", { content: "x", messageId: "" }, 400],
    ["POST", "/sessions/guarded/messages", { content: "x".repeat(1_100_000) }, 413],
    ["POST", "/sessions/guarded/messages", { content: "x".repeat(2_200_000) }, 413],
    ["PUT", "/sessions/guarded/messages/none", { content: "x" }, 404],
    ["POST", "/sessions/guarded/control", {}, 400],
    ["POST", "/sessions/guarded/fork", "[]", 400],
    ["POST", "/sessions/guarded/fork", { atMessageId: "none" }, 404],
    ["POST", "/sessions/guarded/fork", { atMessageId: 5 }, 400],
    ["POST", "/sessions/guarded/fork", { newSessionId: "guarded" }, 409],
    ["POST", "/sessions/guarded/fork", { newSessionId: "[meta]x" }, 400],
    ["POST", "/sessions/no-such-session/fork", {}, 404],
    ["DELETE", "/sessions/guarded?forks=x", undefined, 400],
    ["POST", "/sessions/guarded/login", {}, 400],
    ["POST", "/sessions/guarded/login", { deviceId: "a:b" }, 400],
    ["POST", "/sessions/guarded/logout", {}, 400],
    ["POST", "/sessions/guarded/presence", { deviceId: "a", status: "x" }, 400],
    ["POST", "/sessions/no-such-session/logout", { deviceId: "a" }, 404],
    ["POST", "/sessions/no-such-session/reset", {}, 404],
    ["POST", "/sessions/guarded/reset", { clearPresence: 5 }, 400],
    ["POST", "/sessions/guarded/messages", { content: "x", role: "king" }, 400],
    ["POST", "/sessions/guarded/control", { mode: "nobody" }, 400],
    ["POST", "/sessions/guarded/control", { mode: "person", until: 1, actorId: "ann" }, 400],
    ["POST", "/sessions/guarded/regenerate", {}, 400],
    ["DELETE", "/sessions/guarded", "{", 400],
    ["DELETE", "/sessions/guarded", { txid: "" }, 400],
    ["DELETE", "/sessions/guarded", { txid: 5 }, 400],
    ["DELETE", `/sessions/guarded?txid=${"x".repeat(129)}`, undefined, 400],
    ["DELETE", "/sessions/no-such-session", undefined, 404],
    ["GET", "/sessions?erased=x", undefined, 400],
    ["PUT", "/sessions/guarded", "{", 400],
    ["PUT", "/sessions/guarded", [], 400],
    ["PUT", "/sessions/guarded", { labels: [] }, 400],
    ["PUT", "/sessions/guarded", { labels: { a: 5 } }, 400],
    ["PUT", "/sessions/%5Bmeta%5Dguarded", {}, 401],
    ["PUT", "/sessions/guarded/labels", undefined, 400],
    ["PUT", "/sessions/guarded/labels", { "": "x" }, 400],
    ["PUT", "/sessions/guarded/labels", { "a:b": "x" }, 400],
    ["PUT", "/sessions/guarded/labels", { ["k".repeat(65)]: "x" }, 400],
    ["PUT", "/sessions/guarded/labels", { a: "x".repeat(257) }, 400],
    ["PUT", "/sessions/guarded/labels", Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ""])), 400],
    ["PUT", "/sessions/guarded/labels", Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, null])), 400],
    ["PATCH", "/sessions/no-such-session/labels", {}, 404],
    ["GET", "/sessions?label=x", undefined, 400],
    ["GET", "/sessions?label=:x", undefined, 400],
    ["GET", `/sessions?${"label=a:b&".repeat(9)}`, undefined, 400],
    ["POST", "/sessions/guarded/stop", { runId: 5 }, 400],
    ["POST", "/sessions/guarded/tool-results", {}, 400],
    ["POST", "/sessions/guarded/approvals/x", {}, 400],
    ["POST", "/sessions/guarded/approvals/x", { approved: "yes" }, 400],
    ["POST", "/sessions/guarded/requests", {}, 400],
    ["POST", "/sessions/guarded/requests", "[]", 400],
    ["POST", "/sessions/guarded/requests", { kind: "wish" }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", quorum: 0 }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", quorum: 21 }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", quorum: 1.5 }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", quorum: 2, clientIds: ["a", "a"] }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", clientIds: [5] }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", clientIds: Array(101).fill("a") }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", due: 1 }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", due: Date.now() + 400 * 86_400_000 }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", whenDue: "shrug" }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", toolCallId: "alone" }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", requestId: text }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", title: "x".repeat(1_001) }, 400],
    ["POST", "/sessions/guarded/requests", { kind: "approval", arguments: "x".repeat(70_000) }, 413],
    ["POST", "/sessions/guarded/requests/none/decisions", { decision: "approve" }, 404],
    ["POST", "/sessions/guarded/requests/asked/decisions", {}, 400],
    ["POST", "/sessions/guarded/requests/asked/decisions", { decision: "approve" }, 400],
    ["POST", "/sessions/guarded/requests/asked/decisions", { decision: "answer" }, 400],
    ["POST", "/sessions/guarded/requests/asked/decisions", { decision: "answer", answer: 1, comment: "x".repeat(4_001) }, 400],
    ["GET", "/sessions/guarded/requests/none", undefined, 404],
    ["GET", "/sessions/guarded/requests?status=x", undefined, 400],
    ["GET", "/requests?status=x", undefined, 400],
    ["GET", "/requests?kind=x", undefined, 400],
    ["GET", "/requests?cursor=x", undefined, 400],
    ["GET", "/requests?dueBefore=x", undefined, 400],
    ["DELETE", "/requests", undefined, 405],
    ["GET", "/sessions?pendingRequests=x", undefined, 400],
    ["GET", "/sessions?limit=x", undefined, 400],
    ["GET", "/sessions?openRuns=x", undefined, 400],
    ["GET", "/sessions/guarded/messages?before=x", undefined, 400],
    ["GET", "/sessions/guarded/conversation?since=x", undefined, 400],
    ["GET", "/sessions/guarded/presence?cursor=x", undefined, 400],
    ["GET", "/sessions/guarded/export?after=x", undefined, 400],
    ["GET", "/sessions/guarded/messages?view=x", undefined, 400],
    ["GET", `/sessions/guarded/messages?${"select=x&".repeat(101)}`, undefined, 400],
    ["GET", "/sessions/%80", undefined, 400],
    ["GET", "/sessions/..%2F", undefined, 404],
    ["GET", "/sessions/no-such-session", undefined, 404],
    ["GET", "/sessions/guarded/nothing", undefined, 404],
    ["PATCH", "/sessions/guarded", {}, 405],
    ["DELETE", "/sessions/guarded/messages", undefined, 405],
  ]) {
    const answer = await door.request(method, path, body)
    assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)?.slice(0, 80)}: ${JSON.stringify(answer.body)}`)
    assert.equal(answer.body.statusCode, status)
    assert.ok(answer.body.error.length > 10 && answer.body.code >= 40000)
  }
  assert.deepEqual(await door.session("guarded").messages(), before)
  server.assertNoErrorLogged()
})

test("the description is served to everybody and has every route", { timeout: TEST_TIMEOUT_MS }, async () => {
  const response = await fetch(`${server.url}/v1/openapi.json`)
  const description = await response.json()
  assert.equal(description.openapi, "3.1.0")
  for (const [method, path] of OPERATIONS) {
    const template = path
      .replace("/namespaces/guarded", "/namespaces/{namespaceId}")
      .replace("/guarded", "/{sessionId}")
      .replace(/\/agents\/[^/]+/, "/agents/{agentId}")
      .replace(/\/messages\/.+/, "/messages/{messageId}")
      .replace(/\/approvals\/.+/, "/approvals/{approvalId}")
      .replace(/\/requests\/[^/]+/, "/requests/{requestId}")
    assert.ok(description.paths[`/v1${template}`]?.[method.toLowerCase()], `${method} ${template}`)
  }
})
