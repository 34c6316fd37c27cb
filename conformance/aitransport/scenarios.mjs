// What people and agents do with a session. Each scenario calls scene.strike() in the middle of something, where trouble may
// come or not, and ends when nothing moves any more.
import assert from "node:assert/strict"
import { isDeepStrictEqual } from "node:util"
import { REMOVED } from "./agent.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { afterTool, answerTo } from "./model.mjs"
import { endsIn } from "./record.mjs"
import { ALL_KINDS, ALL_KINDS_SHOWN, ALMOST, almostDone, asksFor, DUET, duetText, MOMENTS, QUESTION } from "./scripts.mjs"
import { textOf, WAIT_MS } from "./viewer.mjs"

const PAGE_MESSAGES = 7
const LAST_STAGE = answerTo("").shown.length - 1

/** Two people, and an agent in this process. */
async function cast(scene) {
  const [asker, watcher, agent] = await Promise.all([scene.viewer("asker"), scene.viewer("watcher"), scene.agent()])
  return { asker, watcher, agent, both: [asker, watcher] }
}

const all = (viewers, see) => Promise.all(viewers.map(see))
const allShow = (viewers, text) => all(viewers, viewer => viewer.shows(text))
const served = (agent, run, options) => settled(agent.serve(run.toInvocation().toJSON(), options))

/** A promise that is awaited later, and does not end the process when it fails before. */
function settled(promise) {
  promise.catch(() => {})
  return promise
}

const performed = (agent, run, script) => served(agent, run, { script })

/** The parts of a message as all clients know them: the npm library does not say how far a text is. */
const plainParts = ({ message }) =>
  message.parts.map(({ state, ...part }) => (part.toolCallId ? { state, ...part } : part))

/** Waits until the answer to the last message that a person has sent has just these parts. */
function answers(viewer, parts) {
  const expected = JSON.parse(JSON.stringify(parts))
  let seen
  const fits = async () => {
    const messages = await viewer.messages()
    const last = messages.findLastIndex(({ message }) => message.role === "user")
    seen = JSON.parse(JSON.stringify(messages.slice(last + 1).flatMap(plainParts)))
    return isDeepStrictEqual(seen, expected)
  }
  return eventually(WAIT_MS, fits, `${viewer.name} to see the parts`).catch(() => assert.deepEqual(seen, expected, viewer.name))
}

/** Waits until the newest of `count` runs has this status; gives its id. */
async function lastRunIs(viewer, count, status) {
  let runs
  const fits = async () => {
    runs = await viewer.runs()
    return runs.length === count && runs.at(-1).status === status
  }
  await eventually(WAIT_MS, fits, `${viewer.name} to see run ${count} as ${status}`).catch(error => {
    throw new Error(`${error.message}; it sees ${JSON.stringify(runs)}`)
  })
  return runs.at(-1).runId
}

/** Each of `count` runs has ended, and has ended once. */
async function assertAllEndedOnce(scene, count) {
  const ends = [...endsIn(await scene.history()).values()]
  assert.deepEqual(ends, Array.from({ length: count }, () => 1))
}

const outcome = serving => within(WAIT_MS, serving, "the agent to be done")

export const scenarios = {
  async "an answer is seen growing by two viewers, a late joiner and a refreshed page"(scene) {
    const { asker, watcher, agent } = await cast(scene)
    const question = "slowly, what shall we do today?"
    const answer = answerTo(question)
    const serving = served(agent, await asker.send(question))
    const viewers = [asker, watcher]
    for (const [stage, shown] of answer.shown.entries()) {
      await allShow(viewers, shown)
      if (stage === 0) viewers.push(await scene.viewer("late joiner"))
      if (stage === 1) await Promise.all([asker.refresh(), scene.strike()])
      await allShow(viewers, shown)
      if (stage < LAST_STAGE) scene.model.release(question, 1, stage)
    }
    assert.equal(await outcome(serving), "complete")
    await all(viewers, viewer => viewer.runsAre(1, "complete"))
  },

  async "one client cancels what another has asked for"(scene) {
    const { asker, watcher, agent, both } = await cast(scene)
    const question = "slowly, tell me all"
    const run = await asker.send(question)
    const serving = served(agent, run)
    const [shown] = answerTo(question).shown
    await allShow(both, shown)
    const [{ runId }] = await watcher.runs()
    const [cancelled] = await Promise.all([outcome(serving), scene.strike(), watcher.cancel(runId)])
    assert.equal(cancelled, "cancelled")
    await all(both, viewer => viewer.runsAre(1, "cancelled"))
    await allShow(both, shown)
    // Who asked again gets an answer.
    assert.equal(await outcome(served(agent, await watcher.send("again"))), "complete")
    await allShow(both, answerTo("again").text)
  },

  async "a cancel from before the agent has come is not lost"(scene) {
    const [asker, watcher] = await Promise.all([scene.viewer("asker"), scene.viewer("watcher")])
    const question = "slowly, never mind"
    const run = await asker.send(question)
    await run.cancel()
    await scene.strike()
    const agent = await scene.agent()
    assert.equal(await outcome(served(agent, run)), "cancelled")
    await allShow([asker, watcher], question)
  },

  async "a cancel between an input and the start of its run"(scene) {
    const { asker, watcher, agent, both } = await cast(scene)
    const run = await asker.send("never mind")
    await run.cancel()
    await scene.strike()
    await eventually(WAIT_MS, async () => (await scene.history()).some(({ name }) => name === "ai-cancel"), "the cancel")
    assert.equal(await outcome(performed(agent, run, almostDone("never"))), "cancelled")
    await allShow(both, "never mind")
    // Whether a run is begun and ended at once, or not begun, is up to the agent's library.
    const begun = endsIn(await scene.history()).size
    await assertAllEndedOnce(scene, begun)
    await all(both, viewer => viewer.runsAre(begun, "cancelled"))
    assert.equal(await outcome(served(agent, await watcher.send("again"))), "complete")
    await allShow(both, answerTo("again").text)
  },

  async "a cancel at every moment of an agent's work"(scene) {
    const { asker, watcher, agent, both } = await cast(scene)
    for (const [index, { left, ...script }] of MOMENTS.entries()) {
      const run = await asker.send(`stop ${script.name}`)
      const serving = performed(agent, run, script)
      const [runId] = await all(both, viewer => lastRunIs(viewer, index + 1, "active"))
      await all(both, viewer => answers(viewer, left))
      const cancel = index % 2 ? run.cancel() : watcher.cancel(runId)
      // Trouble comes once, at a moment that differs from session to session.
      const [cancelled] = await Promise.all([outcome(serving), cancel, index === scene.number % MOMENTS.length && scene.strike()])
      assert.equal(cancelled, "cancelled", script.name)
      await all(both, viewer => lastRunIs(viewer, index + 1, "cancelled"))
      await all(both, viewer => answers(viewer, left))
    }
    await assertAllEndedOnce(scene, MOMENTS.length)
    await all(both, viewer => viewer.runsAre(MOMENTS.length, "cancelled"))
  },

  async "a cancel crosses the end of its run, comes twice, and comes too late"(scene) {
    const { asker, watcher, agent, both } = await cast(scene)
    const ends = ["complete", "cancelled"]
    const crossed = await asker.send("done soon")
    const crossing = performed(agent, crossed, almostDone("crossed"))
    await all(both, viewer => answers(viewer, ALMOST))
    const [{ runId }] = await watcher.runs()
    const [end] = await Promise.all([outcome(crossing), watcher.cancel(runId), scene.open("crossed", 0)])
    assert.ok(ends.includes(end), end)
    await all(both, viewer => lastRunIs(viewer, 1, end))

    const twice = await asker.send("stop, stop")
    const stopping = performed(agent, twice, almostDone("twice"))
    await all(both, viewer => answers(viewer, ALMOST))
    const stopped = await lastRunIs(watcher, 2, "active")
    await Promise.all([twice.cancel(), watcher.cancel(stopped), scene.strike()])
    assert.equal(await outcome(stopping), "cancelled")
    await all(both, viewer => lastRunIs(viewer, 2, "cancelled"))

    const late = await asker.send("is it too late?")
    assert.equal(await outcome(served(agent, late)), "complete")
    await Promise.all([late.cancel(), watcher.cancel(await lastRunIs(watcher, 3, "complete"))])
    assert.equal(await outcome(served(agent, await watcher.send("again"))), "complete")
    await allShow(both, answerTo("again").text)
    await all(both, viewer => lastRunIs(viewer, 4, "complete"))
    await assertAllEndedOnce(scene, 4)
    assert.deepEqual((await watcher.runs()).map(({ status }) => status), [end, "cancelled", "complete", "complete"])
  },

  async "a cancel of a run that waits for an approval"(scene) {
    const { asker, watcher, agent, both } = await cast(scene)
    assert.equal(await outcome(performed(agent, await asker.send("remove it"), asksFor("removal"))), "suspend")
    const pending = await watcher.pendingTool("remove", "approval-requested")
    await Promise.all([watcher.cancel(pending.runId), scene.strike()])
    // Nobody works on the run, and so it stays as it is until an agent goes on with it: one in Java ends it then, while the npm
    // library has forgotten the cancel. (An agent in Java that serves the session ends it at once: AgentTest.)
    const end = scene.agentsAre === "Java" ? "cancelled" : "complete"
    const run = await watcher.approve(pending, pending.toolCallId)
    const serving = performed(agent, run, almostDone("after all"))
    await scene.open("after all", 0)
    assert.equal(await outcome(serving), end)
    await all(both, viewer => viewer.runsAre(1, end))
    await assertAllEndedOnce(scene, 1)
  },

  async "files, data and sources are the same for everybody"(scene) {
    const { asker, watcher, agent } = await cast(scene)
    const serving = performed(agent, await asker.send(QUESTION), ALL_KINDS)
    const viewers = [asker, watcher]
    for (const [stage, shown] of ALL_KINDS_SHOWN.entries()) {
      await all(viewers, viewer => answers(viewer, shown))
      if (stage === 0) viewers.push(await scene.viewer("late joiner"))
      if (stage === 1) await Promise.all([asker.refresh(), scene.strike()])
      await all(viewers, viewer => answers(viewer, shown))
      await scene.open(ALL_KINDS.name, stage)
    }
    assert.equal(await outcome(serving), "complete")
    await all(viewers, viewer => viewer.runsAre(1, "complete"))
    for (const viewer of viewers) assert.deepEqual(plainParts((await viewer.messages())[0]), QUESTION)
    const kinds = (await scene.history()).map(({ extras }) => extras?.ai?.codec?.kind)
    assert.ok(!kinds.includes("data-passing"), "data that passes was kept")
  },

  async "two agents, one of each library, answer one message at once"(scene) {
    const [asker, watcher, resident, ...agents] = await Promise.all([
      scene.viewer("asker"), scene.viewer("watcher"), scene.inJava("resident"), scene.agent("poet", "npm"), scene.agent("critic", "Java"),
    ])
    const asked = await asker.send("a poem, please")
    const servings = agents.map((agent, n) => performed(agent, asked, DUET[n]))
    for (const gate of [0, 1]) {
      const said = DUET.map(({ name }) => `${name}: the ${name} ${["says ", "says one ☃ "][gate]}`).sort()
      await eventually(WAIT_MS, async () => isDeepStrictEqual((await resident.room()).slice(1).sort(), said), "both to speak")
      if (gate === 0) await scene.strike()
      for (const { name } of DUET) await scene.open(name, gate)
    }
    for (const serving of servings) assert.equal(await outcome(serving), "complete")
    const expected = ["asker: a poem, please", ...DUET.map(({ name }) => `${name}: ${duetText(name)}`)]
    await eventually(WAIT_MS, async () => isDeepStrictEqual((await resident.room()).sort(), expected.sort()), "the room to be whole")
    // A view has room for one answer: both are alternatives of each other, and the later is shown.
    for (const viewer of [asker, watcher]) {
      await viewer.runsAre(1, "complete")
      const view = await viewer.createView()
      const [{ codecMessageId: question }, answer, ...more] = await view.messages()
      assert.deepEqual(more, [])
      assert.equal(await view.alternatives(question), 1)
      assert.equal(await view.alternatives(answer.codecMessageId), DUET.length)
      const texts = []
      for (const index of DUET.keys()) {
        await view.select((await view.messages())[1].codecMessageId, index)
        texts.push(textOf((await view.messages())[1].message))
      }
      assert.deepEqual(texts.sort(), DUET.map(({ name }) => duetText(name)).sort())
      await view.close()
    }
    await assertAllEndedOnce(scene, DUET.length)
  },

  async "a person steers a running answer"(scene) {
    const { asker, agent, both } = await cast(scene)
    const question = "slowly, plan a trip"
    const run = await asker.send(question)
    const serving = served(agent, run)
    await allShow(both, answerTo(question).shown[0])
    const { published, outcome: steered } = asker.steer(run, "by train")
    settled(steered)
    await Promise.all([within(WAIT_MS, published, "the steer to be published"), scene.strike()])
    // The agent must have it before it is done with the first answer.
    await eventually(WAIT_MS, () => agent.steers === 1, "the agent to be steered")
    for (let stage = 0; stage < LAST_STAGE; stage++) scene.model.release(question, 1, stage)
    assert.equal(await outcome(serving), "complete")
    assert.deepEqual(await within(WAIT_MS, steered, "the fate of the steer"), { consumed: true, runTerminalReason: "complete" })
    await allShow(both, answerTo(question).text)
    await allShow(both, answerTo("by train").text)
  },

  async "two people ask at the same time and both are answered"(scene) {
    const { asker, watcher, agent, both } = await cast(scene)
    const questions = ["slowly, first", "slowly, second"]
    const first = await asker.send(questions[0])
    const servings = [served(agent, first)]
    await allShow(both, answerTo(questions[0]).shown[0])
    servings.push(served(agent, await watcher.send(questions[1])))
    for (const [stage] of answerTo("").shown.entries()) {
      for (const question of questions) await allShow(both, answerTo(question).shown[stage])
      if (stage === 0) await scene.strike()
      if (stage < LAST_STAGE) for (const question of questions) scene.model.release(question, 1, stage)
    }
    for (const serving of servings) assert.equal(await outcome(serving), "complete")
    await all(both, viewer => viewer.runsAre(2, "complete"))
  },

  async "regenerated and edited messages make branches that two clients see alike"(scene) {
    const { asker, watcher, agent, both } = await cast(scene)
    assert.equal(await outcome(served(agent, await asker.send("one"))), "complete")
    await allShow(both, answerTo("one").text)

    const [, { codecMessageId: answerId }] = await watcher.messages()
    const again = settled(watcher.regenerate(answerId))
    await scene.strike()
    assert.equal(await outcome(served(agent, await again)), "complete")
    await watcher.shows(answerTo("one", 2).text)

    const [{ codecMessageId: questionId }] = await asker.messages()
    assert.equal(await outcome(served(agent, await asker.edit(questionId, "two"))), "complete")
    await asker.shows(answerTo("two").text)

    for (const viewer of both) {
      const view = await viewer.createView()
      const texts = async () => (await view.messages()).map(({ message }) => textOf(message))
      const choose = async (id, index, expected) => {
        await view.select(id, index)
        await eventually(WAIT_MS, async () => isDeepStrictEqual(await texts(), expected), `${viewer.name}: ${expected}`)
          .catch(async () => assert.deepEqual(await texts(), expected))
      }
      await eventually(WAIT_MS, async () => (await view.alternatives(questionId)) === 2, "both questions")
      await choose(questionId, 1, ["two", answerTo("two").text])
      await choose(questionId, 0, ["one", answerTo("one", 2).text])
      await choose((await view.messages())[1].codecMessageId, 0, ["one", answerTo("one", 1).text])
      await choose((await view.messages())[1].codecMessageId, 1, ["one", answerTo("one", 2).text])
      await view.close()
    }
  },

  async "a tool runs at the client, in the same run"(scene) {
    const { asker, watcher, agent, both } = await cast(scene)
    assert.equal(await outcome(served(agent, await asker.send("use location"))), "suspend")
    await all(both, viewer => viewer.runsAre(1, "suspended"))
    const pending = await watcher.pendingTool("location", "input-available")
    await scene.strike()
    const run = await watcher.sendToolResult(pending, pending.toolCallId, { city: "Bern ☃" })
    assert.equal(await outcome(served(agent, run)), "complete")
    await allShow(both, answerTo(afterTool("location")).text)
    await all(both, viewer => viewer.runsAre(1, "complete"))
  },

  async "a tool runs at the client, and its result makes a run of its own"(scene) {
    const { asker, agent, both } = await cast(scene)
    assert.equal(await outcome(served(agent, await asker.send("use location"))), "suspend")
    const pending = await asker.pendingTool("location", "input-available")
    const forking = asker.sendToolResultFork(pending, pending.toolCallId, { city: "Bern ☃" })
    const [run] = await Promise.all([forking, scene.strike()])
    assert.equal(await outcome(served(agent, run)), "complete")
    await allShow(both, answerTo(afterTool("location")).text)
  },

  async "another client approves when the agent's process has ended, and a new process goes on"(scene) {
    const [asker, watcher, agent] = await Promise.all([
      scene.viewer("asker"), scene.viewer("watcher"), scene.agentProcess(),
    ])
    assert.equal(await outcome(served(agent, await asker.send("use remove"))), "suspend")
    await agent.end()
    const pending = await watcher.pendingTool("remove", "approval-requested")
    await scene.strike()
    const run = await watcher.approve(pending, pending.toolCallId)
    const next = await scene.agentProcess()
    assert.equal(await outcome(served(next, run)), "complete")
    for (const viewer of [asker, watcher]) {
      await viewer.shows(answerTo(afterTool("remove")).text)
      const parts = (await viewer.messages()).flatMap(({ message }) => message.parts)
      assert.ok(parts.some(part => part.toolCallId && part.output === REMOVED), "the tool's result is not shown")
    }
  },

  async "an agent dies in mid-answer, and the server ends its run"(scene) {
    const [asker, watcher, agent] = await Promise.all([
      scene.viewer("asker"), scene.viewer("watcher"), scene.agentProcess(),
    ])
    const question = "slowly, to be continued"
    served(agent, await asker.send(question))
    const [shown] = answerTo(question).shown
    await allShow([asker, watcher], shown)
    await agent.kill()
    await scene.strike()
    await all([asker, watcher], viewer => viewer.runsAre(1, "error"))
    await allShow([asker, watcher], shown)
    // Who wanted to know has been told before; the viewers, who do not know of it, see the run as they would without.
    const [{ runId }] = await asker.runs()
    const away = (await scene.history()).filter(({ name }) => name === "parley.agent-away")
    assert.ok(away.length > 0, "nobody was told that the agent is away")
    for (const { data } of away) assert.equal(data.runId, runId)
  },

  async "an agent dies in mid-answer, and another takes over in time"(scene) {
    const [asker, watcher, first, second] = await Promise.all([
      scene.viewer("asker"), scene.viewer("watcher"), scene.agentProcess("first agent"), scene.agentProcess("second agent"),
    ])
    const question = "slowly, come what may"
    const { shown, text } = answerTo(question)
    const run = await asker.send(question)
    const stepId = "answer"
    served(first, run, { stepId })
    await first.release(question, 1, 0)
    await allShow([asker, watcher], shown[1])
    await first.kill()
    const [{ runId }] = await asker.runs()
    const taken = settled(second.takeOver(run.toInvocation().toJSON(), { runId, stepId }))
    // The second agent begins from the start, and what it says takes the place of what the first one has said.
    await allShow([asker, watcher], shown[0])
    await scene.strike()
    for (let stage = 0; stage < LAST_STAGE; stage++) await second.release(question, 1, stage)
    assert.equal(await outcome(taken), "complete")
    await allShow([asker, watcher], text)
    await all([asker, watcher], viewer => viewer.runsAre(1, "complete"))
  },

  async "a long history is read page by page"(scene, { answers }) {
    const { asker, agent } = await cast(scene)
    const texts = []
    for (let n = 0; n < answers; n++) {
      if (n === Math.floor(answers / 2)) await scene.strike()
      const question = `question ${n}`
      assert.equal(await outcome(served(agent, await asker.send(question))), "complete")
      texts.push(question, answerTo(question).text)
    }
    const reader = await scene.viewer("reader", { lazy: true })
    while (reader.hasOlder()) {
      const left = texts.length - (await reader.texts()).length
      const loaded = await reader.loadOlder(PAGE_MESSAGES)
      const least = Math.min(PAGE_MESSAGES, left)
      assert.ok(reader.loadsExactly ? loaded === least : loaded >= least, `${loaded} messages came with a page, of ${least}`)
      const shown = await reader.texts()
      const expected = texts.slice(-shown.length)
      for (const [n, text] of shown.entries()) assert.equal(text, expected[n])
    }
    assert.equal((await reader.texts()).length, texts.length)
  },

  async "a page and the agent are both started again, and the agent knows what was said"(scene) {
    const { asker, agent, both } = await cast(scene)
    assert.equal(await outcome(served(agent, await asker.send("my name is Ada"))), "complete")
    await agent.detach()
    const [next] = await Promise.all([scene.agent("next agent"), asker.refresh(), scene.strike()])
    assert.equal(await outcome(served(next, await asker.send("what is my name?"))), "complete")
    await allShow(both, answerTo("what is my name?").text)
    const prompt = scene.model.prompts.at(-1).map(({ content }) => content.map(part => part.text).join(""))
    assert.deepEqual(prompt, ["my name is Ada", answerTo("my name is Ada").text, "what is my name?"])
  },
}
