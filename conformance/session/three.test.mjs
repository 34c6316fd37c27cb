// One session, and three kinds of clients at once: @ably/ai-transport, StreamDB of @durable-streams/state, and plain HTTP. All see
// the same conversation, and each speaks, stops and approves.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, test } from "node:test"
import { createStateSchema } from "@durable-streams/state"
import { createStreamDB } from "@durable-streams/state/db"
import { afterTool, answerTo } from "../aitransport/model.mjs"
import { Scene } from "../aitransport/scene.mjs"
import { textOf, WAIT_MS } from "../aitransport/viewer.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { basic } from "../lib/tokens.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"

const TEST_TIMEOUT_MS = 120_000
const anything = { "~standard": { version: 1, vendor: "conformance", validate: value => ({ value }) } }
const schema = createStateSchema({
  chunks: { type: "chunk", primaryKey: "id", schema: anything },
  requests: { type: "request", primaryKey: "id", schema: anything },
})

let server, door
before(async () => {
  server = await AppServer.start()
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "by HTTP" })
})
after(() => server?.end())

/** A page with StreamDB, which writes as its reference does: over the session door, and waits to read what it has written. */
class Page {
  static async open(t, session) {
    const page = new Page()
    page.path = session.path
    page.door = new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "by StreamDB" })
    const url = `${server.url}/v1/stream${session.path}`
    page.db = createStreamDB({ streamOptions: { url, headers: { Authorization: basic(server.keys[0].keyStr) } }, live: "sse", state: schema })
    t.after(() => page.db.close())
    await within(WAIT_MS, page.db.preload(), "the preload")
    return page
  }

  async write(path, body) {
    const txid = randomUUID()
    const seen = this.db.utils.awaitTxId(txid, WAIT_MS)
    const answer = await this.door.request("POST", `${this.path}/${path}`, { ...body, txid })
    assert.ok(answer.status < 300, `${path} got ${answer.status}: ${JSON.stringify(answer.body)}`)
    await seen
    return answer.body
  }

  rows = name => [...this.db.collections[name].values()]

  texts() {
    const messages = new Map()
    for (const { messageId, role, chunk } of this.rows("chunks").sort((a, b) => a.seq - b.seq)) {
      const { type, delta, message } = JSON.parse(chunk)
      if (!messages.has(messageId)) messages.set(messageId, [role, ""])
      const known = messages.get(messageId)
      if (type === "user-message") known[1] += message.parts.map(({ content }) => content).join("")
      if (type === "content") known[1] += delta
    }
    return [...messages.values()]
  }

  ends = () => this.rows("chunks").sort((a, b) => a.seq - b.seq).map(({ chunk }) => JSON.parse(chunk)).filter(({ type }) => ["done", "stop"].includes(type)).map(({ type, finishReason }) => finishReason ?? type)
}

test("three kinds of clients speak, stop and approve in one session", { timeout: TEST_TIMEOUT_MS }, async t => {
  const scene = await Scene.open(t, { server, binary: false, trouble: "none" })
  const [viewer, agent] = await Promise.all([scene.viewer("viewer"), scene.agent()])
  const session = door.session(scene.channel)
  await session.make()
  const page = await Page.open(t, session)

  const invocation = eventId => ({ inputEventId: eventId, sessionName: scene.channel })
  const speak = {
    "by the library": async text => (await viewer.send(text)).toInvocation().toJSON(),
    "by HTTP": async text => invocation((await session.send(text)).eventId),
    "by StreamDB": async text => invocation((await page.write("messages", { messageId: randomUUID(), content: text, role: "user" })).eventId),
  }
  const serve = asked => within(WAIT_MS, agent.serve(asked), "the agent to be done")
  const said = []
  /** What is said in one run is one message for StreamDB, and for the others one with the call of a tool and one with the answer. */
  const together = texts => texts.reduce((all, [role, text]) => (role === "assistant" && all.at(-1)?.[0] === role ? [...all.slice(0, -1), [role, all.at(-1)[1] + text]] : [...all, [role, text]]), [])
  /** All show just what was said. */
  async function agree() {
    const shown = {
      "the library": async () => (await viewer.conversation()).messages.map(({ message }) => [message.role, textOf(message)]),
      HTTP: async () => (await session.messages()).map(message => [message.role, textOf(message)]),
      StreamDB: async () => page.texts(),
    }
    for (const [who, texts] of Object.entries(shown)) {
      await eventually(WAIT_MS, async () => JSON.stringify(together(await texts())) === JSON.stringify(said), who).catch(async () => assert.deepEqual(together(await texts()), said, who))
    }
  }

  for (const [who, say] of Object.entries(speak)) {
    const text = `spoken ${who}`
    assert.equal(await serve(await say(text)), "complete")
    said.push(["user", text], ["assistant", answerTo(text).text])
    await agree()
  }

  const stop = { "by the library": run => viewer.cancel(run), "by HTTP": () => session.stop(), "by StreamDB": () => page.write("stop", { messageId: null }) }
  for (const [index, [who, stopIt]] of Object.entries(stop).entries()) {
    const text = `slowly, to be stopped ${who}`
    const serving = agent.serve(await Object.values(speak)[(index + 1) % 3](text))
    await eventually(WAIT_MS, () => page.texts().at(-1)[1] === answerTo(text).shown[0], "the beginning of the answer")
    const [{ runId }] = (await session.summary()).runs
    await stopIt(runId)
    assert.equal(await within(WAIT_MS, serving, "the end of the run"), "cancelled", who)
    said.push(["user", text], ["assistant", textOf((await session.messages()).at(-1))])
    await agree()
    await eventually(WAIT_MS, () => page.ends().at(-1) === "stop", "the stop")
  }

  const approve = {
    "by the library": async () => viewer.approve(...await asked(viewer)),
    "by HTTP": approvalId => session.answer(approvalId, true),
    "by StreamDB": approvalId => page.write(`approvals/${encodeURIComponent(approvalId)}`, { approved: true }),
  }
  async function asked(person) {
    const pending = await person.pendingTool("remove", "approval-requested")
    return [pending, pending.toolCallId]
  }
  for (const [index, [who, approveIt]] of Object.entries(approve).entries()) {
    assert.equal(await serve(await Object.values(speak)[(index + 2) % 3]("use remove")), "suspend")
    await eventually(WAIT_MS, () => page.rows("requests").length === 1, "the request, as a row")
    const [{ requestId, status, title }] = page.rows("requests")
    assert.deepEqual([status, title], ["open", "remove"])
    await approveIt(requestId)
    await eventually(WAIT_MS, () => page.rows("requests").length === 0, "the end of the request")
    const { extras } = (await scene.history()).findLast(({ name }) => name === "ai-input")
    assert.equal(await serve(invocation(extras.ai.transport["event-id"])), "complete", who)
    said.push(["user", "use remove"], ["assistant", textOf((await session.messages()).at(-1))])
    assert.ok(said.at(-1)[1].endsWith(answerTo(afterTool("remove"), index + 1).text), said.at(-1)[1])
    await agree()
  }
  server.assertNoErrorLogged()
})
