// Two agents that one message wakes, as a page made with the unmodified npm library shows their answers.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { Scene } from "../aitransport/scene.mjs"
import { textOf, WAIT_MS } from "../aitransport/viewer.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { within } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"

const TEST_TIMEOUT_MS = 60_000

let server, door
before(async () => {
  server = await AppServer.start({ keys: [{}] })
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "caller" })
})
after(() => server?.end())

/** What an agent says that says its name. */
const saying = name => ({
  name,
  rounds: [[
    { type: "start", messageId: crypto.randomUUID() },
    { type: "text-start", id: "text" },
    { type: "text-delta", id: "text", delta: `I am ${name}.` },
    { type: "text-end", id: "text" },
    { type: "finish" },
  ]],
})

/** A session with two agents that are woken by one message. */
async function open(t) {
  const scene = await Scene.open(t, { server, binary: false, trouble: "none" })
  const [viewer, first, second] = await Promise.all([scene.viewer("viewer"), scene.agent("first"), scene.agent("second")])
  const session = door.session(scene.channel)
  const post = async (path, body) => (await door.request("POST", `${session.path}/${path}`, body)).body
  await post("agents", { agents: [{ id: "first" }, { id: "second" }] })
  await session.send("who is there?")
  const claim = agentId => post("wakes/claim", { agentId, waitMs: 5_000 })
  const done = ({ wakeId, lease }) => post(`wakes/${wakeId}/done`, { lease })
  const serve = async (agent, name, invocation) => {
    assert.equal(await within(WAIT_MS, agent.serve(invocation, { script: saying(name) }), `the answer of ${name}`), "complete")
  }
  return { scene, viewer, first, second, session, claim, done, serve }
}

const shownBy = async viewer =>
  (await viewer.conversation()).messages.map(({ message, alternatives }) => [textOf(message), alternatives.length])

test("two agents that answer the same input are alternatives in the view of the npm library", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { viewer, first, second, session, claim, done, serve } = await open(t)
  const wakes = [await claim("first"), await claim("second")]
  await serve(first, "first", wakes[0])
  await serve(second, "second", wakes[1])
  for (const wake of wakes) await done(wake)
  await viewer.runsAre(1, "complete")
  // That is what a run is to the library whose parent is another run's: one that was generated anew.
  await viewer.shows("I am second.")
  assert.deepEqual(await shownBy(viewer), [["who is there?", 1], ["I am second.", 2]])
  // The session has both, and so have views of it as a room.
  assert.deepEqual((await session.messages()).map(({ parts }) => parts.find(({ type }) => type === "text").text), ["who is there?", "I am first.", "I am second."])
})

test("an agent that answers behind another one's answer is shown beside it, and has read it", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { scene, viewer, first, second, session, claim, done, serve } = await open(t)
  const wakes = [await claim("first"), await claim("second")]
  await serve(first, "first", wakes[0])
  await done(wakes[0])
  await viewer.shows("I am first.")
  // An input without content, behind what the first has said, is what the second is invoked for.
  const answered = (await viewer.messages()).at(-1).codecMessageId
  const eventId = `after-${wakes[1].wakeId}`
  const transport = { "event-id": eventId, parent: answered, role: "user", "run-client-id": "caller" }
  const published = await new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "second" }).ofChannels(
    "POST",
    `/channels/${encodeURIComponent(scene.channel)}/messages`,
    { id: eventId, clientId: "second", name: "ai-input", data: "", extras: { ai: { transport } } },
  )
  assert.equal(published.status, 201)
  await serve(second, "second", { ...wakes[1], inputEventId: eventId })
  await done(wakes[1])
  const both = [["who is there?", 1], ["I am first.", 1], ["I am second.", 1]]
  await viewer.shows("I am second.")
  assert.deepEqual(await shownBy(viewer), both)
  await viewer.runsAre(2, "complete")
  // It wakes nobody, and what is said next goes on behind both.
  const { body: left } = await door.request("GET", `${session.path}/wakes`)
  assert.deepEqual(left.wakes, [])
  await session.send("thanks, both")
  await viewer.shows("thanks, both")
  const latecomer = await scene.viewer("latecomer")
  assert.deepEqual(await shownBy(latecomer), [...both, ["thanks, both", 1]])
  assert.deepEqual(await shownBy(viewer), [...both, ["thanks, both", 1]])
})
