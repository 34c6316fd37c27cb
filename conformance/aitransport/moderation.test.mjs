// What becomes of an answer that somebody else deletes or edits while the agent of @ably/ai-transport, unmodified, goes on with
// it, and of one that grows as far as a message may.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { AppServer } from "../lib/app-server.mjs"
import { within } from "../lib/wait.mjs"
import { answerTo } from "./model.mjs"
import { Scene } from "./scene.mjs"
import { WAIT_MS } from "./viewer.mjs"

const TEST_TIMEOUT_MS = 240_000
const FORMATS = ["JSON", "MessagePack"]
/** What the SDK says when its repair of a stream was refused. */
const RECOVERY_FAILED = 104000
/** An answer whose first stage fills its message, so that nothing of it is refused before the test goes on. */
const LONG_QUESTION = "slowly, what shall we do today, and tomorrow, and on the day after that?"
const MAX_BYTES = Buffer.byteLength(answerTo(LONG_QUESTION).shown[0])

let server
let narrow
before(async () => {
  server = await AppServer.start()
  narrow = await AppServer.start({ settings: { "realtime.message-bytes": MAX_BYTES, "realtime.grown-bytes": MAX_BYTES } })
})
after(() => Promise.all([server?.end(), narrow?.end()]))

/** An agent in mid-answer: the first stage is shown, and the message that says it is in the history. */
async function midAnswer(t, { on = server, format, question = "slowly, what shall we do today?" }) {
  const scene = await Scene.open(t, { server: on, binary: format === "MessagePack", trouble: "none" })
  const [asker, agent] = await Promise.all([scene.viewer("asker"), scene.agent()])
  const { shown, text } = answerTo(question)
  const serving = agent.serve((await asker.send(question)).toInvocation().toJSON())
  serving.catch(() => {})
  await asker.shows(shown[0])
  const channel = on.rest({ clientId: "moderator" }).channels.get(scene.channel)
  const { serial } = (await scene.history()).find(({ name, data }) => name === "ai-output" && data === shown[0])
  return {
    scene,
    asker,
    agent,
    channel,
    serial,
    text,
    said: shown[0],
    /**
     * The rest of the answer at once: the SDK leaves the promise of a refused append unhandled until its stream closes, and
     * Node ends a process for that.
     */
    goOn() {
      for (let stage = 0; stage < shown.length - 1; stage++) scene.model.release(question, 1, stage)
      return within(WAIT_MS, serving, "the agent to be done")
    },
    message: () => channel.getMessage(serial),
    versions: async () => (await channel.getMessageVersions(serial)).items.map(({ action, data }) => [action, data]),
  }
}

/** The run has ended for everybody, with an error that names the SDK's failure; the agent goes on with others. */
async function assertFailedVisibly({ asker, agent }) {
  await asker.runsAre(1, "error")
  assert.equal(asker.view.runs()[0].error.code, RECOVERY_FAILED)
  assert.equal(await within(WAIT_MS, agent.serve((await asker.send("b")).toInvocation().toJSON()), "another run"), "complete")
  await asker.shows(answerTo("b").text)
  assert.deepEqual(agent.complaints, [])
}

for (const format of FORMATS) {
  test(`an answer that was deleted stays so to the end of the run (${format})`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const story = await midAnswer(t, { format })
    await story.channel.deleteMessage({ serial: story.serial, data: "" })
    assert.equal(await story.goOn(), "error")
    const { action, data } = await story.message()
    assert.deepEqual([action, data], ["message.delete", ""])
    assert.deepEqual(await story.versions(), [
      ["message.create", ""],
      ["message.update", story.said],
      ["message.delete", ""],
    ])
    await assertFailedVisibly(story)
    // Who has deleted it may change their mind.
    await story.channel.updateMessage({ serial: story.serial, data: "restored" })
    assert.equal((await story.message()).data, "restored")
  })

  test(`a run whose answer was deleted can be cancelled (${format})`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const story = await midAnswer(t, { format })
    await story.channel.deleteMessage({ serial: story.serial, data: "" })
    await story.asker.session.cancel(story.asker.view.runs()[0].runId)
    assert.equal(await story.goOn(), "error")
    assert.equal((await story.message()).action, "message.delete")
    await assertFailedVisibly(story)
  })

  test(`an answer goes on behind an edit (${format})`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const story = await midAnswer(t, { format })
    await story.channel.updateMessage({ serial: story.serial, data: "[removed]" })
    assert.equal(await story.goOn(), "complete")
    const now = "[removed]" + story.text.slice(story.said.length)
    assert.equal((await story.message()).data, now)
    assert.deepEqual(await story.versions(), [
      ["message.create", ""],
      ["message.update", story.said],
      ["message.update", "[removed]"],
      ["message.update", now],
    ])
    await story.asker.runsAre(1, "complete")
  })

  test(`an answer that has grown as far as it may ends its own run alone (${format})`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const story = await midAnswer(t, { on: narrow, format, question: LONG_QUESTION })
    assert.equal(await story.goOn(), "error")
    assert.equal((await story.message()).data, story.said, "all that was said up to the limit, and nothing behind it")
    await assertFailedVisibly(story)
  })
}
