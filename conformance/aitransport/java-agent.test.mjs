// Shows that people whose pages use @ably/ai-transport, unmodified, can work with an agent in Java: what it says, that they
// can stop it, steer it, and approve what it does.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { createInterface } from "node:readline"
import { after, before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { AppServer } from "../lib/app-server.mjs"
import { jdkProgram } from "../lib/jdk.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { Viewer, WAIT_MS } from "./viewer.mjs"

const TEST_TIMEOUT_MS = 120_000
const PROGRAM = fileURLToPath(new URL("java/JavaAgent.java", import.meta.url))
const [CLASSES, LIBRARIES] = ["classes", "lib"].map(name => fileURLToPath(new URL(`../../client/target/${name}`, import.meta.url)))

let server
let sessions = 0
before(async () => {
  assert.ok(existsSync(LIBRARIES), `the Java client is not built: run "mvn -pl client -am -DskipTests package"`)
  server = await AppServer.start()
})
after(() => server?.end())

/** An agent in a process of its own, and two people. */
async function scene(t) {
  const channel = `java:${++sessions}`
  const java = await jdkProgram(server.pid, "java")
  const args = ["-cp", `${CLASSES}:${LIBRARIES}/*`, PROGRAM, server.url, server.keys[0].keyStr, channel]
  const agent = spawn(java, args, { stdio: ["pipe", "pipe", "inherit"] })
  t.after(async () => {
    if (agent.exitCode !== null || agent.signalCode !== null) return
    const exited = once(agent, "exit")
    agent.stdin.end()
    await exited
  })
  const lines = createInterface({ input: agent.stdout })
  await within(WAIT_MS, once(lines, "line"), "the agent to be ready")
  const open = name =>
    Viewer.open({ channel, options: server.options({ clientId: name, disableConnectivityCheck: true }) })
  const people = await Promise.all(["ann", "bob"].map(open))
  t.after(() => Promise.all(people.map(viewer => viewer.close())))
  return { agent, people, ann: people[0], bob: people[1], open }
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
  await eventually(WAIT_MS, () => cast.bob.texts.at(-1)?.startsWith("0 1 2 3 "), "the answer to grow")
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

async function approval(viewer) {
  const asked = await viewer.pendingTool("remove", "approval-requested")
  return [asked, asked.toolCallId]
}
