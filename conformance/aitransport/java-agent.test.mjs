// Shows that people whose pages use @ably/ai-transport, unmodified, can work with an agent in Java: what it says, that they
// can stop it, steer it, and approve what it does.
import assert from "node:assert/strict"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { after, before, test } from "node:test"
import { AppServer } from "../lib/app-server.mjs"
import { removeFolder } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { compilePrograms, endProgram, startProgram } from "./java-process.mjs"
import { FORMATS, ofEachScenario, playAll, TROUBLES } from "./plays.mjs"
import { Viewer, WAIT_MS } from "./viewer.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const TEST_TIMEOUT_MS = 120_000
const ANSWERS = 300
const ANSWERS_IN_SHORT = 10
/** After which time the server ends the run of an agent that has died. A client in Java may take seconds to notice a dead network. */
const RUN_GRACE_MS = 10_000

let server
let programs
let sessions = 0
before(async () => {
  server = await AppServer.start({ settings: { "realtime.run-grace": RUN_GRACE_MS } })
  programs = await compilePrograms(server.pid)
})
after(async () => {
  await server?.end()
  if (programs) await removeFolder(programs.folder)
})

/** An agent that stays in a session and answers what is said, and two people. */
async function scene(t) {
  const channel = `java:${++sessions}`
  const start = async () => {
    const child = startProgram(programs, "JavaAgent", [server.url, server.keys[0].keyStr, channel])
    t.after(() => endProgram(child))
    await within(WAIT_MS, once(createInterface({ input: child.stdout }), "line"), "the agent to be ready")
    return child
  }
  const agent = await start()
  const open = name =>
    Viewer.open({ channel, options: server.options({ clientId: name, disableConnectivityCheck: true }) })
  const people = await Promise.all(["ann", "bob"].map(open))
  t.after(() => Promise.all(people.map(viewer => viewer.close())))
  return { agent, people, ann: people[0], bob: people[1], open, start }
}

const all = (people, does) => Promise.all(people.map(does))

async function assertAllAgree({ people, open }) {
  const late = await open("late")
  const seen = await all([...people, late], viewer => viewer.conversation())
  await late.close()
  for (const other of seen.slice(1)) assert.deepEqual(other, seen[0])
  for (const viewer of people) assert.deepEqual(viewer.complaints, [])
}

test("an agent in Java answers", { timeout: TEST_TIMEOUT_MS }, async t => {
  const cast = await scene(t)
  await cast.ann.send("hello")
  await all(cast.people, viewer => viewer.shows("answer to hello"))
  await cast.bob.send("and now?")
  await all(cast.people, viewer => viewer.shows("answer to and now?"))
  await all(cast.people, viewer => viewer.runsAre(2, "complete"))
  await assertAllAgree(cast)
})

test("an agent in Java is stopped in mid-answer", { timeout: TEST_TIMEOUT_MS }, async t => {
  const cast = await scene(t)
  const run = await cast.ann.send("for ever")
  await eventually(WAIT_MS, async () => (await cast.bob.texts()).at(-1)?.startsWith("0 1 2 3 "), "the answer to grow")
  await run.cancel()
  await all(cast.people, viewer => viewer.runsAre(1, "cancelled"))
  await assertAllAgree(cast)
})

test("an agent in Java is steered", { timeout: TEST_TIMEOUT_MS }, async t => {
  const cast = await scene(t)
  const run = await cast.ann.send("wait for me")
  await all(cast.people, viewer => viewer.shows("answer to wait for me"))
  const { outcome } = cast.ann.steer(run, "by train")
  assert.deepEqual(await within(WAIT_MS, outcome, "the fate of the steer"), { consumed: true, runTerminalReason: "complete" })
  await all(cast.people, viewer => viewer.shows("answer to by train"))
  await assertAllAgree(cast)
})

test("an agent in Java waits for an approval", { timeout: TEST_TIMEOUT_MS }, async t => {
  const cast = await scene(t)
  await cast.ann.send("use remove")
  await cast.bob.approve(...(await approval(cast.bob)))
  await all(cast.people, viewer => viewer.shows("It is removed."))
  await all(cast.people, viewer => viewer.runsAre(1, "complete"))
  await assertAllAgree(cast)
})

test("an approval reaches an agent in Java that was not there when it was given", { timeout: TEST_TIMEOUT_MS }, async t => {
  const cast = await scene(t)
  await cast.ann.send("use remove")
  const asked = await approval(cast.bob)
  await endProgram(cast.agent, "SIGKILL")
  await cast.bob.approve(...asked)
  await cast.start()
  await all(cast.people, viewer => viewer.shows("It is removed."))
  await all(cast.people, viewer => viewer.runsAre(1, "complete"))
  await assertAllAgree(cast)
})

test("an agent in Java ends its runs when its process is asked to end", { timeout: TEST_TIMEOUT_MS }, async t => {
  const cast = await scene(t)
  await cast.ann.send("for ever")
  await eventually(WAIT_MS, async () => (await cast.bob.texts()).at(-1)?.startsWith("0 1 2 3 "), "the answer to grow")
  await endProgram(cast.agent, "SIGTERM")
  await all(cast.people, viewer => viewer.runsAre(1, "cancelled"))
  await assertAllAgree(cast)
})

async function approval(viewer) {
  const asked = await viewer.pendingTool("remove", "approval-requested")
  return [asked, asked.toolCallId]
}

// The same scenarios as with agents of the npm library, with people who use that.
const answers = FULL ? ANSWERS : ANSWERS_IN_SHORT
// Each scenario is played in both formats: the next trouble's is the other one.
const play = index => (trouble, next) => [
  { trouble, agents: "Java", people: "npm", format: FORMATS[(index + next) % FORMATS.length], answers },
]
playAll(ofEachScenario(index => TROUBLES.flatMap(play(index))), { runGrace: RUN_GRACE_MS })
