// A person takes over from an agent of @ably/ai-transport, unmodified, in mid-answer.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { AppServer } from "../lib/app-server.mjs"
import { within } from "../lib/wait.mjs"
import { answerTo } from "./model.mjs"
import { Scene } from "./scene.mjs"
import { WAIT_MS } from "./viewer.mjs"

const TEST_TIMEOUT_MS = 240_000
const FORMATS = ["JSON", "MessagePack"]
const QUESTION = "slowly, what shall we do today?"
/** What agents are refused with while a person has the control, and a person while another one has. */
const TAKEN_OVER = 40980
const HELD = 40981

let server
before(async () => {
  server = await AppServer.start({ keys: [{}, { capability: '{"*":["publish","subscribe","history","control"]}' }, { capability: '{"*":["publish","subscribe"]}' }] })
})
after(() => server?.end())

async function request(method, path, body, key = 0) {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      Authorization: `Basic ${Buffer.from(server.keys[key].keyStr).toString("base64")}`,
      "Content-Type": "application/json",
    },
    body: body && JSON.stringify(body),
  })
  const answer = await response.json()
  return { status: response.status, ...answer, code: answer.code ?? answer.error?.code }
}

const path = channel => `/v1/sessions/${encodeURIComponent(channel)}/control`
const control = (channel, body, key) => request("POST", path(channel), body, key)

/** An agent in mid-answer: the first stage is shown. */
async function midAnswer(t, format) {
  const scene = await Scene.open(t, { server, binary: format === "MessagePack", trouble: "none" })
  const [asker, agent] = await Promise.all([scene.viewer("asker"), scene.agent()])
  const { shown } = answerTo(QUESTION)
  const serving = agent.serve((await asker.send(QUESTION)).toInvocation().toJSON())
  serving.catch(() => {})
  await asker.shows(shown[0])
  return {
    scene,
    asker,
    agent,
    said: shown[0],
    /** The rest of the answer at once, since Node ends a process that does not handle refused appends in time. */
    goOn() {
      for (let stage = 0; stage < shown.length - 1; stage++) scene.model.release(QUESTION, 1, stage)
      return within(WAIT_MS, serving, "the agent to be done")
    },
  }
}

async function assertTakenOver({ scene, asker, agent, said, goOn }, holder) {
  await asker.runsAre(1, "error")
  assert.equal(asker.view.runs()[0].error.code, TAKEN_OVER)
  assert.match(asker.view.runs()[0].error.message, /has taken over/)
  assert.notEqual(await goOn(), "complete")
  const history = await scene.history()
  const output = history.filter(({ name, data }) => name === "ai-output" && data)
  assert.deepEqual(output.map(({ data }) => data), [said], "nothing was added to what was said before")
  const events = history.filter(({ name }) => name === "parley.control").map(({ data }) => data)
  assert.equal(events.filter(({ mode }) => mode === "person").at(-1)?.holder, holder)
  assert.equal((await request("GET", path(scene.channel))).holder, holder)
  // The first end counts, also for whoever comes later.
  assert.equal(asker.view.runs()[0].error.code, TAKEN_OVER)
  const refused = (await asker.send("and now?")).toInvocation().toJSON()
  await assert.rejects(agent.serve(refused), "no run begins")
  assert.equal((await control(scene.channel, { mode: "agent", actorId: holder })).mode, "agent")
  assert.equal(await within(WAIT_MS, agent.serve((await asker.send("b")).toInvocation().toJSON()), "another run"), "complete")
  await asker.shows(answerTo("b").text)
  assert.deepEqual(agent.complaints, [])
}

for (const format of FORMATS) {
  test(`a person takes over in mid-answer, and the run ends with that reason (${format})`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const story = await midAnswer(t, format)
    const taken = await control(story.scene.channel, { mode: "person", actorId: "eve" })
    assert.deepEqual([taken.status, taken.mode, taken.holder], [200, "person", "eve"])
    await assertTakenOver(story, "eve")
  })

  test(`a person takes over by writing (${format})`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const story = await midAnswer(t, format)
    assert.equal((await control(story.scene.channel, { mode: "agent", onWrite: true, actorId: "eve" })).onWrite, true)
    const eve = await story.scene.viewer("eve")
    await eve.send("let me help")
    await assertTakenOver(story, "eve")
  })
}

test("who has the control, and who is refused, over HTTP", { timeout: TEST_TIMEOUT_MS }, async () => {
  const channel = "handover \u{1F91D}"
  assert.deepEqual(await request("GET", path(channel)), { status: 200, mode: "agent", onWrite: false, code: undefined })
  const until = Date.now() + 3_600_000
  const taken = await control(channel, { mode: "person", until, actorId: "ann" }, 1)
  assert.deepEqual([taken.holder, taken.until], ["ann", until])
  const output = { name: "ai-output", data: "token" }
  const messages = `/channels/${encodeURIComponent(channel)}/messages`
  for (const body of [output, [{ name: "chat", data: "x" }, output], { name: "ai-run-start", data: "" }]) {
    const refused = await request("POST", messages, body)
    assert.deepEqual([refused.status, refused.code], [409, TAKEN_OVER])
  }
  assert.equal((await request("POST", messages, { name: "chat", data: "x" })).status, 201)
  const second = await control(channel, { mode: "person", actorId: "ben" }, 1)
  assert.deepEqual([second.status, second.code], [409, HELD])
  assert.match(JSON.stringify(second), /ann has the control/)
  // The first key may take it from others; the last one may not take it at all.
  assert.equal((await control(channel, { mode: "shared", actorId: "ben" })).holder, "ben")
  assert.equal((await request("POST", messages, output)).status, 201)
  assert.equal((await control(channel, { mode: "person", actorId: "cid" }, 2)).code, 40160)
  for (const body of [{}, { mode: "nobody" }, { mode: "person", actorId: "a", until: 1 }, { mode: "agent", until }, { mode: "agent", onWrite: "yes" }]) {
    assert.deepEqual([(await control(channel, body)).status, (await control(channel, body)).code], [400, 40003], JSON.stringify(body))
  }
  assert.equal((await control(channel, { mode: "person" })).code, 40012)
  assert.equal((await control(channel, { mode: "agent", actorId: "ben" })).mode, "agent")
})

test("the control goes back at its time, also after a crash", { timeout: TEST_TIMEOUT_MS }, async () => {
  const channel = "handover that ends"
  await control(channel, { mode: "person", until: Date.now() + 1_000, actorId: "ann" })
  await server.kill()
  await server.restart()
  const deadline = Date.now() + WAIT_MS
  while ((await request("GET", path(channel))).mode !== "agent") {
    assert.ok(Date.now() < deadline, "the control does not go back")
  }
  const events = (await server.history(channel)).map(({ name, data }) => [name, data.reason])
  assert.deepEqual(events.sort(), [["parley.control", "asked"], ["parley.control", "expired"]])
})
