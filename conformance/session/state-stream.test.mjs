// A session as a stream of the state protocol: StreamDB of @durable-streams/state, unmodified, reads what Ably's clients and
// the session door write, through refreshes and a crash.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { createStateSchema } from "@durable-streams/state"
import { createStreamDB } from "@durable-streams/state/db"
import { answerTo } from "../aitransport/model.mjs"
import { Scene } from "../aitransport/scene.mjs"
import { WAIT_MS } from "../aitransport/viewer.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { basic, bearer, jwt } from "../lib/tokens.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"

const TEST_TIMEOUT_MS = 120_000

const anything = { "~standard": { version: 1, vendor: "conformance", validate: value => ({ value }) } }
const schema = createStateSchema({
  chunks: { type: "chunk", primaryKey: "id", schema: anything },
  presence: { type: "presence", primaryKey: "id", schema: anything },
  agents: { type: "agent", primaryKey: "agentId", schema: anything },
})

let server, door
before(async () => {
  server = await AppServer.start()
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "caller" })
})
after(() => server?.end())

const urlOf = session => `${server.url}/v1/stream/sessions/${encodeURIComponent(session)}`

/** A page with a database on the stream of `session`; it has all that there is. */
class Tab {
  static async open(t, session, live = "sse") {
    const tab = new Tab()
    const streamOptions = { url: urlOf(session), headers: { Authorization: basic(server.keys[0].keyStr) } }
    tab.db = createStreamDB({ streamOptions, live, state: schema })
    t.after(() => tab.db.close())
    await within(WAIT_MS, tab.db.preload(), "the preload")
    return tab
  }

  rows(collection) {
    return [...this.db.collections[collection].values()].map(({ _seq, ...row }) => row).sort((a, b) => (a.id ?? a.agentId).localeCompare(b.id ?? b.agentId))
  }

  /** The messages that the chunks make, as a page of the reference puts them together. */
  messages() {
    const messages = new Map()
    for (const { messageId, role, seq, chunk, createdAt } of this.rows("chunks").sort((a, b) => a.seq - b.seq)) {
      const message = messages.get(messageId) ?? { id: messageId, role, text: "", ends: [], createdAt }
      messages.set(messageId, message)
      const { type, delta, message: whole, reason } = JSON.parse(chunk)
      assert.ok(Number.isSafeInteger(seq))
      if (type === "user-message") message.text += whole.parts.map(part => part.content ?? "").join("")
      if (type === "content") message.text += delta
      if (["done", "stop", "error"].includes(type)) message.ends.push(reason ?? type)
    }
    return [...messages.values()].sort((a, b) => a.createdAt.localeCompare(b.createdAt))
  }

  texts() {
    return this.messages().map(({ text }) => text)
  }

  shows(text) {
    return eventually(WAIT_MS, () => this.texts().includes(text), `a tab to show ${text}`)
  }

  all() {
    return Object.fromEntries(Object.keys(this.db.collections).map(name => [name, this.rows(name)]))
  }
}

/** Waits until all tabs have the rows of one that is opened now. */
async function agree(t, session, tabs) {
  const fresh = await Tab.open(t, session)
  for (const tab of tabs) {
    await eventually(WAIT_MS, () => JSON.stringify(tab.all()) === JSON.stringify(fresh.all()), "the tabs to agree")
      .catch(() => assert.deepEqual(tab.all(), fresh.all()))
  }
  return fresh
}

const open = async (t, trouble = "none") => {
  const scene = await Scene.open(t, { server, binary: false, trouble })
  const [viewer, agent] = await Promise.all([scene.viewer("viewer"), scene.agent()])
  await door.session(scene.channel).make()
  return { scene, viewer, agent, session: door.session(scene.channel) }
}

const serve = (agent, invocation) => within(WAIT_MS, agent.serve(invocation), "the agent to be done")

for (const live of ["sse", "long-poll"]) {
  test(`two tabs read what Ably's clients write (${live})`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const { scene, viewer, agent, session } = await open(t)
    const tabs = [await Tab.open(t, scene.channel, live), await Tab.open(t, scene.channel, live)]
    assert.equal(await serve(agent, (await viewer.send("by the library")).toInvocation().toJSON()), "complete")
    const { eventId } = await session.send("by HTTP")
    assert.equal(await serve(agent, { inputEventId: eventId, sessionName: scene.channel }), "complete")
    const said = [
      { role: "user", text: "by the library", ends: [] },
      { role: "assistant", text: answerTo("by the library").text, ends: ["done"] },
      { role: "user", text: "by HTTP", ends: [] },
      { role: "assistant", text: answerTo("by HTTP").text, ends: ["done"] },
    ]
    const seen = tab => tab.messages().map(({ role, text, ends }) => ({ role, text, ends }))
    for (const tab of [...tabs, await agree(t, scene.channel, tabs)]) {
      await eventually(WAIT_MS, () => tab.messages().filter(({ ends }) => ends.length).length === 2, "both ends")
      assert.deepEqual(seen(tab), said)
    }
  })
}

test("a refresh and a crash in mid-answer lose nothing", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, viewer, agent } = await open(t, "crash")
  const question = "slowly, through a crash"
  const tab = await Tab.open(t, scene.channel)
  const serving = agent.serve((await viewer.send(question)).toInvocation().toJSON())
  await tab.shows(answerTo(question).shown[0])
  const refreshed = await Tab.open(t, scene.channel)
  assert.ok(refreshed.texts().includes(answerTo(question).shown[0]))
  await scene.strike()
  // A StreamDB ends when its connection breaks; a page opens another one.
  const after = await Tab.open(t, scene.channel)
  answerTo(question).shown.slice(1).forEach((_, stage) => scene.model.release(question, 1, stage))
  assert.equal(await within(WAIT_MS, serving, "the agent to be done"), "complete")
  await after.shows(answerTo(question).text)
  const fresh = await agree(t, scene.channel, [after])
  assert.deepEqual(fresh.messages().map(({ text, ends }) => ({ text, ends })), [
    { text: question, ends: [] },
    { text: answerTo(question).text, ends: ["done"] },
  ])
})

test("a tab knows its own change, and a stop is there once, in every tab", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, agent } = await open(t)
  const tabs = [await Tab.open(t, scene.channel), await Tab.open(t, scene.channel, "long-poll")]
  const question = "slowly, until it is stopped"
  const txid = crypto.randomUUID()
  const sent = await door.session(scene.channel).send(question, { txid })
  await tabs[0].db.utils.awaitTxId(txid, WAIT_MS)
  assert.deepEqual(tabs[0].texts(), [question])
  const serving = agent.serve({ inputEventId: sent.eventId, sessionName: scene.channel })
  for (const tab of tabs) await tab.shows(answerTo(question).shown[0])
  // A page knows an agent's message by the id that it has in the stream.
  await door.session(scene.channel).stop({ messageId: tabs[0].messages().at(-1).id })
  assert.equal(await within(WAIT_MS, serving, "the end of the run"), "cancelled")
  for (const tab of tabs) {
    await eventually(WAIT_MS, () => tab.messages().at(-1).ends.length > 0, "the stop")
    assert.deepEqual(tab.messages().map(({ ends }) => ends), [[], ["aborted"]])
  }
  await agree(t, scene.channel, tabs)
})

test("a reset while an agent answers stops it, and every tab loses what was said", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, viewer, agent, session } = await open(t)
  const tabs = [await Tab.open(t, scene.channel), await Tab.open(t, scene.channel, "long-poll")]
  const question = "slowly, until the reset"
  const asked = await session.send(question)
  const serving = agent.serve({ inputEventId: asked.eventId, sessionName: scene.channel }).catch(error => error.message)
  for (const tab of tabs) await tab.shows(answerTo(question).shown[0])
  await door.request("POST", `${session.path}/login`, { actorId: "ann", deviceId: "phone" })

  const { status, body } = await door.request("POST", `${session.path}/reset`, { clearPresence: true })
  assert.deepEqual([status, body.success, body.sessionId], [200, true, scene.channel])
  await within(WAIT_MS, serving, "the agent to stop")
  await eventually(WAIT_MS, async () => (await session.summary()).openRuns === 0, "the end of the run")
  assert.equal((await session.messages()).filter(({ role }) => role === "user").length, 0)
  await agree(t, scene.channel, tabs)
  for (const tab of tabs) assert.ok(tab.texts().every(text => text === ""), JSON.stringify(tab.texts()))
  assert.ok((await session.members()).every(({ connectionId }) => !connectionId.startsWith("device=")))

  await session.send("after the reset")
  for (const tab of tabs) await tab.shows("after the reset")
  await agree(t, scene.channel, tabs)
})

test("members, agents, edited and deleted messages are rows that come and go", { timeout: TEST_TIMEOUT_MS }, async t => {
  const name = "state:rows"
  const client = server.realtime({ clientId: "ann" })
  t.after(() => client.close())
  const channel = client.channels.get(name)
  const { serials: [serial] } = await channel.publish("note", "first")
  await channel.publish("note", { json: true })
  await channel.presence.enter({ name: "Ann" })
  const tabs = [await Tab.open(t, name), await Tab.open(t, name, "long-poll")]
  for (const tab of tabs) {
    assert.deepEqual(tab.rows("presence").map(({ actorId, name, status }) => [actorId, name, status]), [["ann", "Ann", "online"]])
    assert.deepEqual(tab.texts(), ["first", ""])
  }
  await channel.updateMessage({ serial, data: "second" })
  for (const tab of tabs) await tab.shows("second")
  const named = await door.request("POST", `/sessions/${encodeURIComponent(name)}/agents`, { agents: [{ id: "bot", triggers: "invocation" }] })
  assert.equal(named.status, 200, JSON.stringify(named.body))
  for (const tab of tabs) await eventually(WAIT_MS, () => tab.rows("agents").length === 1, "the agent")
  assert.equal(tabs[0].rows("agents")[0].agentId, "bot")
  await agree(t, name, tabs)

  await channel.deleteMessage({ serial })
  await channel.presence.leave()
  assert.equal((await door.request("DELETE", `/sessions/${encodeURIComponent(name)}/agents/bot`)).status, 204)
  for (const tab of tabs) {
    await eventually(WAIT_MS, () => tab.rows("presence").length + tab.rows("agents").length === 0, "everybody to be gone")
    await eventually(WAIT_MS, () => tab.rows("chunks").length === 1, "the deleted message to be gone")
  }
  await agree(t, name, tabs)
})

test("the stream of a session is read with what the session asks for, and never written", { timeout: TEST_TIMEOUT_MS }, async () => {
  const key = server.keys[0]
  await door.session("guarded").make()
  const url = urlOf("guarded")
  const ask = (authorization, method = "GET", query = "") =>
    fetch(url + query, { method, headers: authorization ? { Authorization: authorization } : {} })
  const may = (...operations) => bearer(jwt(key, { capability: { guarded: operations } }))
  for (const method of ["GET", "HEAD"]) {
    for (const query of ["", "?offset=-1&live=sse", "?offset=now&live=long-poll"]) {
      const what = `${method} ${query}`
      assert.equal((await ask(undefined, method, query)).status, 401, what)
      assert.equal((await ask(basic(`${key.keyName}:${"s".repeat(40)}`), method, query)).status, 401, what)
      for (const operations of [["history"], ["subscribe"], ["read", "append", "create", "delete"], ["channel-metadata", "publish"]]) {
        assert.equal((await ask(may(...operations), method, query)).status, 403, `${what} with ${operations}`)
      }
      assert.equal((await ask(bearer(jwt(key, { capability: { elsewhere: ["history", "subscribe"] } })), method, query)).status, 403, what)
    }
    const allowed = await ask(may("history", "subscribe"), method)
    assert.equal(allowed.status, 200)
    assert.ok(allowed.headers.get("stream-next-offset"))
  }
  for (const method of ["PUT", "POST", "DELETE", "PATCH"]) {
    const refused = await ask(may("*"), method)
    assert.equal(refused.status, 405, method)
    assert.match((await refused.json()).error.message, /session door at \/v1\/sessions\/guarded/)
  }
  const stranger = (await server.makeApp()).keys[0].keyStr
  assert.equal((await ask(basic(stranger))).status, 404)
  assert.equal((await fetch(url.replace("/v1/stream/", "/v1/streams/"), { headers: { Authorization: may("history", "subscribe") } })).status, 200)
  for (const [path, status] of [["sessions/", 400], ["sessions/a/b", 404], ["sessions/%5Bmeta%5Dx", 400], ["sessions/%80", 400], ["sessions/guarded?offset=x", 400], ["sessions/guarded?live=x", 400]]) {
    const answer = await fetch(`${server.url}/v1/stream/${path}`, { headers: { Authorization: basic(key.keyStr) } })
    assert.equal(answer.status, status, path)
  }
})
