// Agents whose endpoint answers with server-sent events, which the server says in the session as runs: what all kinds of clients see of
// them, and what becomes of a run whose endpoint stalls, dies, floods or talks nonsense, and of one whose server is killed.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { createStateSchema } from "@durable-streams/state"
import { createStreamDB } from "@durable-streams/state/db"
import { Scene } from "../aitransport/scene.mjs"
import { textOf, WAIT_MS } from "../aitransport/viewer.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { seededRandom } from "../lib/random.mjs"
import { basic } from "../lib/tokens.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"
import { SseAgent } from "./sse-agent.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const KILLS = FULL ? 60 : 2
const KILL_WITHIN_MS = 400
const TEST_TIMEOUT_MS = FULL ? 1_800_000 : 90_000
const SILENCE_MS = 1_500
const SOON_MS = 150
const anything = { "~standard": { version: 1, vendor: "conformance", validate: value => ({ value }) } }
const schema = createStateSchema({ chunks: { type: "chunk", primaryKey: "id", schema: anything } })

let server, door
before(async () => {
  server = await AppServer.start()
  door = doorOf(server)
})
after(() => server?.end())

const doorOf = ({ url, keys }) => new DoorClient({ url, key: keys[0].keyStr, actorId: "caller" })

let sessions = 0

/** A session, at this door, with an agent that answers as `serve` says. */
async function open(t, serve, { agent: more, name = `sse:${++sessions}😀`, at = door } = {}) {
  const agent = await SseAgent.start({ serve })
  t.after(() => agent.stop())
  const session = at.session(name)
  const ask = async (status, method, path, body) => {
    const answer = await at.request(method, `${session.path}/${path}`, body)
    assert.equal(answer.status, status, `${method} ${path} got ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  await ask(200, "POST", "agents", { agents: [{ id: "bot", endpoint: agent.url, answers: "sse", ...more }] })
  const wakes = async () => (await ask(200, "GET", "wakes")).wakes
  const settled = () => eventually(WAIT_MS, async () => (await wakes()).length === 0, "nothing to be done")
  const runs = async () => (await session.conversation()).filter(node => node.type === "run")
  return { agent, name, session, ask, wakes, settled, runs, texts: async () => (await session.messages()).map(textOf) }
}

const historyOf = name => server.history(name)
const transportOf = ({ extras }) => extras?.ai?.transport ?? {}
const ends = async name => (await historyOf(name)).filter(each => each.name === "ai-run-end").map(each => transportOf(each)["run-reason"])
const growing = async name => (await historyOf(name)).filter(each => transportOf(each).status === "streaming").length

test("all kinds of clients see an answer grow, character by character, as a run of the agent", { timeout: TEST_TIMEOUT_MS }, async t => {
  const scene = await Scene.open(t, { server, binary: false, trouble: "none" })
  const viewer = await scene.viewer("viewer")
  const text = "Grüße 😀, all."
  const seen = new Set()
  const goOn = []
  const { agent, session, settled, runs } = await open(
    t,
    async answer => {
      await answer.raw(": a comment\n\ndata: no json\n\nevent: x\n")
      let so = ""
      for (const delta of text) {
        so += delta
        await answer.chunk({ type: "content", delta, content: so, role: "assistant" })
        // The next one comes when the viewer has shown this one.
        await new Promise(resolve => goOn.push([so, resolve]))
      }
      await answer.done()
    },
    { name: scene.channel, agent: { headers: { Authorization: "Bearer s3cret" }, bodyTemplate: { model: "small", stream: "no" } } },
  )
  await session.make()
  const db = createStreamDB({
    streamOptions: { url: `${server.url}/v1/stream${session.path}`, headers: { Authorization: basic(server.keys[0].keyStr) } },
    live: "sse",
    state: schema,
  })
  t.after(() => db.close())
  await within(WAIT_MS, db.preload(), "the preload")
  await session.send("hello?")
  for (let shown = 0; shown < [...text].length; shown++) {
    const [so, resolve] = await eventually(WAIT_MS, () => goOn[shown], `character ${shown}`)
    await viewer.shows(so)
    seen.add(so)
    resolve()
  }
  assert.equal(seen.size, [...text].length)
  await settled()
  await viewer.runsAre(1, "complete")
  assert.deepEqual((await session.messages()).map(textOf), ["hello?", text])
  const [run] = await runs()
  assert.equal(run.status, "complete")
  const chunks = () => [...db.collections.chunks.values()].sort((a, b) => a.seq - b.seq).map(({ chunk }) => JSON.parse(chunk))
  await eventually(WAIT_MS, () => chunks().some(({ type }) => type === "done"), "the end in the stream")
  assert.equal(chunks().filter(({ type }) => type === "content").map(({ content }) => content).join(""), text)
  const said = (await historyOf(scene.channel)).filter(({ name }) => name?.startsWith("ai-run") || name === "ai-output")
  assert.ok(said.every(({ clientId }) => clientId === "bot"))

  // What is called has the conversation, its secrets and nothing else.
  const [{ headers, body }] = agent.calls
  assert.deepEqual(body, { model: "small", messages: [{ role: "user", content: "hello?" }], stream: true })
  assert.equal(headers.authorization, "Bearer s3cret")
  assert.match(headers["webhook-signature"], /^t=\d+,kid=ds_[^,]+,ed25519=/)
  const { agents } = (await door.request("GET", `${session.path}/agents`)).body
  assert.deepEqual(agents.map(({ id, answers, headers, bodyTemplate }) => [id, answers, headers, bodyTemplate]), [["bot", "sse", undefined, undefined]])
  await session.send("and again")
  const [, again] = await eventually(WAIT_MS, () => agent.calls.length === 2 && agent.calls, "the second call")
  assert.deepEqual(again.body.messages, [{ role: "user", content: "hello?" }, { role: "assistant", content: text }, { role: "user", content: "and again" }])
  await session.stop()
  await settled()
})

test("calls of tools, approvals and thoughts, in both forms of TanStack AI, and the run goes on after an approval", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { agent, name, session, settled, runs, texts } = await open(t, async (answer, { body }) => {
    const { role, content } = body.messages.at(-1)
    if (role === "tool" && content.includes('"approved":true')) {
      await answer.chunk({ type: "TOOL_CALL_RESULT", toolCallId: "c2", content: '{"removed":1}' })
      await answer.chunk({ type: "TEXT_MESSAGE_START", messageId: "m", role: "assistant" })
      await answer.chunk({ type: "TEXT_MESSAGE_CONTENT", messageId: "m", delta: "It is gone." })
      await answer.chunk({ type: "TEXT_MESSAGE_END", messageId: "m" })
      await answer.chunk({ type: "RUN_FINISHED", runId: "r", finishReason: "stop" })
      return answer.response.end()
    }
    await answer.chunk({ type: "thinking", delta: "Let me look.", content: "Let me look." })
    await answer.chunk({ type: "tool_call", index: 0, toolCall: { id: "c1", type: "function", function: { name: "look", arguments: '{"at":' } } })
    await answer.chunk({ type: "tool_call", index: 0, toolCall: { id: "c1", type: "function", function: { name: "look", arguments: '{"at":"😀"}' } } })
    await answer.chunk({ type: "done", finishReason: "tool_calls" })
    await answer.chunk({ type: "tool_result", toolCallId: "c1", content: '{"found":2}' })
    // Half a character in each of two pieces.
    await answer.raw('data: {"type":"content","delta":"Found \\ud83d","content":"Found \\ud83d"}\ndata: {"type":"content","delta":"\\ude00."}\n')
    await answer.chunk({ type: "approval-requested", toolCallId: "c2", toolName: "remove", input: { which: 1 }, approval: { id: "approval_c2", needsApproval: true } })
    await answer.done("tool_calls")
  })
  await session.send("remove it")
  await settled()
  const [waiting] = await runs()
  assert.equal(waiting.status, "suspended")
  const { requests } = (await door.request("GET", `${session.path}/requests`)).body
  assert.deepEqual(requests.map(({ requestId, title, arguments: args, status }) => [requestId, title, args, status]), [["approval_c2", "remove", { which: 1 }, "open"]])
  await session.answer("approval_c2", true)
  await eventually(WAIT_MS, async () => (await runs())[0].status === "complete", "the end of the run")
  await settled()
  assert.deepEqual(await texts(), ["remove it", "Found 😀.", "It is gone."])
  assert.equal((await runs()).length, 1)
  const { messages } = agent.calls[1].body
  assert.deepEqual(messages.map(({ role, toolCallId, toolCalls }) => [role, toolCallId, toolCalls?.map(({ function: f }) => [f.name, f.arguments])]), [
    ["user", undefined, undefined],
    ["assistant", undefined, [["look", '{"at":"😀"}'], ["remove", '{"which":1}']]],
    ["tool", "c1", undefined],
    ["tool", "c2", undefined],
  ])
  assert.deepEqual(JSON.parse(messages[2].content), { found: 2 })
  assert.equal(await growing(name), 0)
})

test("whoever stops a run, at the session door or with Ably's client, hangs up on the agent", { timeout: TEST_TIMEOUT_MS }, async t => {
  const scene = await Scene.open(t, { server, binary: false, trouble: "none" })
  const viewer = await scene.viewer("viewer")
  const { agent, session, settled } = await open(t, async answer => {
    await answer.text("for ever")
    // A comment shows that somebody is there.
    for (; !answer.response.destroyed; await setTimeout(SOON_MS)) await answer.raw(": still here\n\n")
  }, { name: scene.channel })
  const stop = [async () => session.stop(), async () => viewer.cancel((await session.summary()).runs[0].runId), async eventId => session.stop({ messageId: eventId })]
  for (const [round, how] of stop.entries()) {
    const { eventId } = await session.send(`say it, ${round}`)
    await viewer.runsAre(round + 1, "active", "cancelled")
    await eventually(WAIT_MS, async () => (await session.messages()).length === 2 * (round + 1), "the answer")
    await how(eventId)
    assert.equal(await within(WAIT_MS, agent.calls[round].aborted, "the end of the call"), true)
    await settled()
    await viewer.runsAre(round + 1, "cancelled")
  }
  assert.equal(await growing(scene.channel), 0)
  assert.equal(agent.calls.length, stop.length)
})

test("an endpoint that is not there, answers something else or dies before it has said anything is called again", { timeout: TEST_TIMEOUT_MS }, async t => {
  const troubles = [
    ({ response }) => response.socket.destroy(),
    ({ response }) => response.writeHead(503).end(),
    ({ response }) => response.writeHead(200, { "Content-Type": "application/json" }).end("{}"),
  ]
  const { agent, settled, session, runs, texts } = await open(t, async answer => {
    const trouble = troubles.shift()
    if (trouble) return trouble(answer)
    await answer.text("at last")
    await answer.done()
  })
  await session.send("are you there?")
  await settled()
  assert.deepEqual(await texts(), ["are you there?", "at last"])
  assert.equal((await runs()).length, 1)
  assert.equal(agent.calls.length, 4)
})

test("an endpoint that is gone is given up", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { agent, name, settled, session } = await open(t, ({ response }) => response.writeHead(410).end())
  await session.send("are you there?")
  await settled()
  assert.deepEqual((await historyOf(name)).filter(each => each.name === "parley.wake").map(({ data }) => [data.agentId, data.state]), [["bot", "given-up"]])
  assert.equal(agent.calls.length, 1)
})

const spoilt = {
  "dies in mid-answer": async answer => {
    await answer.text("begun")
    answer.response.socket.destroy()
  },
  "says that it has failed": async answer => {
    await answer.text("begun")
    await answer.chunk({ type: "error", error: { message: "no quota" } })
  },
  "sends a line without an end": async answer => {
    await answer.text("begun")
    for (let i = 0; i < 20 && !answer.response.destroyed; i++) await answer.raw("x".repeat(32_768))
  },
  "floods the session": async answer => {
    await answer.text("begun")
    const delta = "flood".repeat(4_000)
    for (let i = 0; i < 400 && !answer.response.destroyed; i++) await answer.raw(`data: ${JSON.stringify({ type: "content", delta })}\n\n`)
  },
}

for (const [what, serve] of Object.entries(spoilt)) {
  test(`the run of an endpoint that ${what} ends with an error, once`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const { agent, name, session, settled, runs, texts } = await open(t, serve)
    await session.send("say it")
    await settled()
    const [run] = await runs()
    assert.equal(run.status, "error", JSON.stringify(run))
    assert.ok(run.error.message.length > 5)
    if (what.startsWith("says")) assert.equal(run.error.message, "no quota")
    assert.deepEqual([(await texts())[0], (await texts())[1].slice(0, 5)], ["say it", "begun"])
    assert.equal(await growing(name), 0)
    assert.deepEqual(await ends(name), ["error"])
    // It is not called again for this, and is for the next message.
    assert.equal(agent.calls.length, 1)
    await session.send("once more")
    await eventually(WAIT_MS, () => agent.calls.length === 2, "the next call")
    await settled()
  })
}

test("the run of an agent that sends nothing ends with an error, however much others say", { timeout: TEST_TIMEOUT_MS }, async t => {
  const impatient = await AppServer.start({ settings: { "webhooks.agent-silence": SILENCE_MS } })
  t.after(() => impatient.end())
  const at = doorOf(impatient)
  const { agent, name, session, settled, runs } = await open(t, answer => answer.text("begun"), { at })
  const talk = async () => {
    const response = await fetch(`${impatient.url}/channels/${encodeURIComponent(name)}/messages`, {
      method: "POST",
      headers: { Authorization: basic(impatient.keys[0].keyStr), "Content-Type": "application/json" },
      body: JSON.stringify({ name: "chatter", data: "and on" }),
    })
    assert.equal(response.status, 201)
  }
  await session.send("say it")
  await eventually(WAIT_MS, async () => (await runs()).length === 1, "a run")
  for (; (await runs())[0].status !== "error"; await setTimeout(SOON_MS)) await talk()
  assert.match((await runs())[0].error.message, /nothing for too long/)
  await settled()
  assert.equal(agent.calls.length, 1)
  assert.equal((await impatient.history(name)).filter(each => transportOf(each).status === "streaming").length, 0)
})

test("a person who takes over ends the run in mid-answer, and nothing of the agent stands behind it", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { agent, name, session, ask, settled, runs } = await open(t, async answer => {
    for (let i = 0; !answer.response.destroyed; i++) {
      await answer.text(`${i} `)
      await setTimeout(5)
    }
  })
  await session.send("talk")
  await eventually(WAIT_MS, async () => ((await session.messages())[1] ?? { parts: [] }).parts.length > 0, "an answer")
  await ask(200, "POST", "control", { mode: "person", actorId: "eve" })
  assert.equal(await within(WAIT_MS, agent.calls[0].aborted, "the end of the call"), true)
  await settled()
  const [run] = await runs()
  assert.deepEqual([run.status, run.error.code], ["error", 40980])
  const log = await session.export()
  const taken = log.findIndex(({ message }) => message?.name === "parley.control")
  assert.ok(!log.slice(taken).some(({ message }) => message?.name === "ai-output" && message.action === "create"))
  assert.equal(await growing(name), 0)
  await session.send("for later")
  assert.equal(agent.calls.length, 1)
  await ask(200, "POST", "control", { mode: "agent", actorId: "eve" })
  await eventually(WAIT_MS, () => agent.calls.length === 2, "a call for what was said meanwhile")
  await session.stop()
  await ask(204, "DELETE", "agents/bot")
})

test("an agent that is named no longer says nothing more", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { agent, name, session, ask, settled } = await open(t, answer => answer.text("begun"))
  await session.send("talk")
  await eventually(WAIT_MS, async () => (await session.messages()).length === 2, "an answer")
  await ask(204, "DELETE", "agents/bot")
  assert.equal(await within(WAIT_MS, agent.calls[0].aborted, "the end of the call"), true)
  await settled()
  assert.deepEqual(await ends(name), ["error"])
  assert.equal(await growing(name), 0)
})

test(`each wake has one run when the server is killed in mid-answer, ${KILLS} times`, { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  const { name, session, settled, runs } = await open(t, async answer => {
    for (const word of ["one ", "two ", "three ", "four ", "five "]) {
      await answer.text(word)
      await setTimeout(60)
    }
    await answer.done()
  })
  const inputs = []
  for (let round = 0; round < KILLS; round++) {
    const messageId = randomUUID()
    inputs.push(messageId)
    await session.send(`round ${round}`, { messageId })
    await setTimeout(random.between(0, KILL_WITHIN_MS))
    await server.kill()
    await server.restart()
    await settled()
  }
  const log = await historyOf(name)
  const starts = log.filter(each => each.name === "ai-run-start").map(transportOf)
  const over = log.filter(each => each.name === "ai-run-end").map(transportOf)
  assert.deepEqual(starts.map(each => each["input-codec-message-id"]).toSorted(), inputs.toSorted(), "each message has one run")
  assert.deepEqual(over.map(each => each["run-id"]).toSorted(), starts.map(each => each["run-id"]).toSorted(), "each run has one end")
  assert.ok(over.every(each => ["error", "complete"].includes(each["run-reason"])))
  assert.deepEqual([...new Set((await runs()).map(({ status }) => status))].filter(status => status === "active"), [])
  assert.equal(await growing(name), 0)
})

test("who may be called, and what a description says", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { ask, session } = await open(t, answer => answer.done())
  const status = async agent => (await door.request("POST", `${session.path}/agents`, { agents: [agent] })).status
  for (const endpoint of ["http://10.0.0.1/", "https://169.254.169.254/", "http://agent.example/"]) {
    assert.equal(await status({ id: "b", endpoint, answers: "sse" }), 400, endpoint)
  }
  for (const wrong of [{ answers: "sse" }, { answers: "json", endpoint: "https://agent.example/" }, { answers: "sse", endpoint: "https://agent.example/", headers: { "Parley-Wake-Id": "x" } }]) {
    assert.equal(await status({ id: "b", ...wrong }), 400, JSON.stringify(wrong))
  }
  assert.equal(await status({ id: "b", endpoint: "https://agent.example/", answers: "status", triggers: "invocation" }), 200)
  const { agents } = await ask(200, "GET", "agents")
  assert.deepEqual(agents.map(({ id, answers }) => [id, answers]), [["b", undefined], ["bot", "sse"]])
})
