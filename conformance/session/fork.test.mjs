// A session is forked: it has what was said up to a message, goes on by itself, and keeps that when its source is erased.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, test } from "node:test"
import { answerTo } from "../aitransport/model.mjs"
import { Scene } from "../aitransport/scene.mjs"
import { textOf, WAIT_MS } from "../aitransport/viewer.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { bearer, jwt } from "../lib/tokens.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"

const TEST_TIMEOUT_MS = 120_000

let server, door
before(async () => {
  server = await AppServer.start()
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "caller" })
})
after(() => server?.end())

const texts = async session => (await session.messages()).map(message => [message.role, textOf(message)])

/** Forks a session and gives the fork. */
async function fork(session, body, by = door) {
  const answer = await by.request("POST", `${session.path}/fork`, body)
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  assert.equal(answer.body.offset, "-1")
  assert.equal(answer.body.streamUrl, `/v1/stream/sessions/${encodeURIComponent(answer.body.sessionId)}`)
  return Object.assign(door.session(answer.body.sessionId), { id: answer.body.sessionId })
}

const status = async session => (await door.request("GET", session.path)).status

async function open(t) {
  const scene = await Scene.open(t, { server, binary: false, trouble: "none" })
  const agent = await scene.agent()
  const session = door.session(scene.channel)
  const ask = async (content, more) => {
    const asked = await session.send(content, more)
    return { asked, serving: agent.serve({ inputEventId: asked.eventId, sessionName: scene.channel }) }
  }
  const answered = async (content, more) => {
    const { asked, serving } = await ask(content, more)
    await within(WAIT_MS, serving, "the agent to be done")
    return asked
  }
  return { scene, session, ask, answered }
}

test("a fork has the history up to a message, and both go on by themselves", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, session, answered } = await open(t)
  const first = await answered("first", { messageId: randomUUID() })
  await answered("second")
  const whole = await session.messages()
  const { streamUrl, ...summary } = await session.summary()
  assert.equal(summary.forkOf, undefined)
  const named = { agents: [{ id: "bot", endpoint: `${server.url}/health`, headers: { "X-Secret": "kept" }, triggers: "invocation" }] }
  assert.equal((await door.request("POST", `${session.path}/agents`, named)).status, 200)

  const name = `fork 🍴 ${randomUUID()}`
  for (const [at, count] of [[first.messageId, 1], [whole[1].messageId, 2], [whole[1].runId, 2], [whole[2].messageId, 3], [null, 4]]) {
    const made = await fork(session, { atMessageId: at, newSessionId: at === null ? name : null })
    const own = await made.messages()
    assert.deepEqual(own, whole.slice(0, count), `at ${at}: the same messages with the same serials`)
    assert.deepEqual((await made.conversation()).filter(({ type }) => type === "run").map(({ status }) => status), Array(count >> 1).fill("complete"))
    const its = await made.summary()
    assert.deepEqual([its.forkOf, its.openRuns], [scene.channel, 0])
    assert.deepEqual((await door.get(`${made.path}/agents`)).agents.map(({ id, endpoint }) => [id, endpoint]), [["bot", named.agents[0].endpoint]])
  }

  // The same request again has the same answer, also when more was said since; a name that is taken is refused.
  const made = door.session(name)
  await made.send("third, in the fork")
  await answered("third, in the source")
  await fork(session, { newSessionId: name })
  assert.deepEqual((await texts(made)).at(-1), ["user", "third, in the fork"])
  assert.equal((await texts(made)).length, 5)
  assert.deepEqual((await texts(session)).slice(-2), [["user", "third, in the source"], ["assistant", answerTo("third, in the source").text]])
  for (const newSessionId of [scene.channel, name]) {
    const refused = await door.request("POST", `${session.path}/fork`, { newSessionId, atMessageId: first.messageId })
    assert.deepEqual([refused.status, refused.body.statusCode], [409, 409])
  }
  // What was said before under an id is known in the fork.
  await made.send("first", { messageId: first.messageId })
  assert.equal((await texts(made)).length, 5)

  await server.kill()
  await server.restart()
  assert.equal((await texts(made)).length, 5)
  assert.deepEqual((await made.messages()).slice(0, 4), whole)
})

test("a fork while an answer grows has what there is of it, and no open run", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { session, ask } = await open(t)
  const question = "slowly, while it is forked"
  const { asked, serving } = await ask(question)
  const begun = answerTo(question).shown[0]
  await eventually(WAIT_MS, async () => (await texts(session)).some(([, text]) => text === begun), begun)
  const { runId } = (await session.messages()).at(-1)
  const whole = await fork(session, {})
  const atRun = await fork(session, { atMessageId: runId })
  const before = await fork(session, { atMessageId: asked.messageId })
  await session.stop()
  await within(WAIT_MS, serving, "the agent to stop")
  for (const made of [whole, atRun]) {
    const [, answer] = await made.messages()
    assert.ok(textOf(answer).startsWith(begun), textOf(answer))
    const [run] = (await made.conversation()).filter(({ type }) => type === "run")
    assert.deepEqual([run.id, run.status], [runId, "cancelled"])
    assert.equal((await made.summary()).openRuns, 0)
    await made.send("goes on")
    assert.deepEqual((await texts(made)).map(([role]) => role), ["user", "assistant", "user"])
  }
  assert.deepEqual(await texts(before), [["user", question]])
  assert.deepEqual((await before.conversation()).filter(({ type }) => type === "run"), [])
})

test("a fork keeps what it has when its source is erased, and goes with it if it should", { timeout: TEST_TIMEOUT_MS }, async () => {
  const chain = []
  const start = async () => {
    const session = Object.assign(door.session(`chain-${randomUUID()}`), {})
    await session.send("of the first")
    const middle = await fork(session, {})
    await middle.send("of the middle")
    const last = await fork(middle, {})
    chain.splice(0, 3, session, middle, last)
    return chain
  }
  let [first, middle, last] = await start()
  assert.equal((await first.erase()).status, 204)
  assert.deepEqual(await texts(middle), [["user", "of the first"], ["user", "of the middle"]])
  assert.equal((await door.request("POST", `${first.path}/fork`, {})).status, 410)
  // Also if it was erased before.
  assert.equal((await door.request("DELETE", `${first.path}?forks=true`)).status, 204)
  for (const session of [first, middle, last]) assert.equal(await status(session), 410)

  // The middle is gone, and the end of the chain is still known to have what the first one said.
  ;[first, middle, last] = await start()
  assert.equal((await middle.erase()).status, 204)
  assert.deepEqual((await texts(last)).length, 2)
  assert.equal((await first.erase({ forks: true })).status, 204)
  for (const session of [first, middle, last]) assert.equal(await status(session), 410)

  // Another session of the name has no forks yet.
  ;[first, middle, last] = await start()
  assert.equal((await first.erase()).status, 204)
  await first.send("of the next one")
  assert.equal((await first.erase({ forks: true })).status, 204)
  assert.deepEqual([await status(first), await status(middle), await status(last)], [410, 200, 200])

  // Nothing is erased by somebody who may not erase all of it.
  ;[first, middle, last] = await start()
  const firstOnly = bearer(jwt(server.keys[0], { capability: { [first.path.split("/").at(-1)]: ["session-erase"] } }))
  const refused = await new DoorClient({ url: server.url, authorization: firstOnly }).request("DELETE", first.path, { forks: true })
  assert.equal(refused.status, 401)
  for (const session of [first, middle, last]) assert.equal(await status(session), 200)
  // A name that a session had is not that of a fork.
  assert.equal((await middle.erase()).status, 204)
  assert.equal((await door.request("POST", `${first.path}/fork`, { newSessionId: middle.id })).status, 409)
  server.assertNoErrorLogged()
})

test("a fork needs to read the source, and to make and write the fork", { timeout: TEST_TIMEOUT_MS }, async () => {
  await door.session("may/source").send("said")
  await door.request("POST", "/sessions/may%2Fsource/agents", { agents: [{ id: "bot" }] })
  const all = { "may/source": ["history"], "may/fork": ["session-create", "publish"] }
  const as = capability => new DoorClient({ url: server.url, authorization: bearer(jwt(server.keys[0], { capability })) })
  const ask = capability => as(capability).request("POST", "/sessions/may%2Fsource/fork", { newSessionId: "may/fork" })
  for (const less of [{ ...all, "may/source": ["subscribe"] }, { ...all, "may/fork": ["publish"] }, { ...all, "may/fork": ["session-create"] }]) {
    assert.equal((await ask(less)).status, 401, JSON.stringify(less))
  }
  assert.equal((await ask(all)).status, 201)
  const made = door.session("may/fork")
  assert.deepEqual(await texts(made), [["user", "said"]])
  assert.deepEqual((await door.get(`${made.path}/agents`)).agents, [])
})
