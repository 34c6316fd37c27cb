// Agents that sessions name: what wakes them, who does it, and what becomes of it when somebody dies.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { answerTo } from "../aitransport/model.mjs"
import { Scene } from "../aitransport/scene.mjs"
import { textOf, WAIT_MS } from "../aitransport/viewer.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { seededRandom } from "../lib/random.mjs"
import { bearer, jwt } from "../lib/tokens.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"
import { Receiver } from "./receiver.mjs"
import { WakeWorker } from "./wake-worker.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const KILLS = FULL ? 200 : 4
const TEST_TIMEOUT_MS = FULL ? 3_600_000 : 120_000
/** A kill comes at some point of this time after a message was sent. */
const KILL_WITHIN_MS = 300

let server, door
before(async () => {
  server = await AppServer.start({ keys: [{}] })
  door = new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId: "caller" })
})
after(() => server?.end())

/** What the session door has about agents and wakes of a session. */
function waking(path, client = door) {
  const ask = async (status, method, name, body) => {
    const answer = await client.request(method, `${path}/${name}`, body)
    assert.equal(answer.status, status, `${method} ${name} got ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  return {
    name: (...agents) => ask(200, "POST", "agents", { agents }),
    agents: async () => (await ask(200, "GET", "agents")).agents,
    wakes: async () => (await ask(200, "GET", "wakes")).wakes,
    claim: (agentId, more) => client.request("POST", `${path}/wakes/claim`, { agentId, ...more }),
    done: (wake, status = 204) => ask(status, "POST", `wakes/${wake.wakeId}/done`, { lease: wake.lease }),
    ask,
  }
}

const nothingToDo = waker => eventually(WAIT_MS, async () => (await waker.wakes()).length === 0, "nothing to be done")
const notices = async channel => (await server.history(channel)).filter(({ name }) => name === "parley.wake").map(({ data }) => data)

test("an agent that is down is woken when it is back: one message, one run", { timeout: TEST_TIMEOUT_MS }, async t => {
  const scene = await Scene.open(t, { server, binary: false, trouble: "none" })
  const [viewer, agent] = await Promise.all([scene.viewer("viewer"), scene.agent()])
  const session = door.session(scene.channel)
  const waker = waking(session.path)
  const gone = await Receiver.start({ server })
  const { port, url } = gone
  await gone.stop()
  await waker.name({ id: "agent", endpoint: url, headers: { Authorization: "Bearer s3cret" }, bodyTemplate: { tenant: "t" } })

  await session.send("are you there?")
  await eventually(WAIT_MS, async () => (await waker.wakes())[0]?.attempts > 0, "a call in vain")
  await server.kill()
  await server.restart()
  const receiver = await Receiver.start({ server, port, serve: async body => (await agent.serve(body), 200) })
  t.after(() => receiver.stop())
  await viewer.shows(answerTo("are you there?").text)
  await nothingToDo(waker)
  await viewer.runsAre(1, "complete")
  assert.equal(receiver.calls.length, 1)
  const [{ headers, body }] = receiver.calls
  assert.equal(headers.authorization, "Bearer s3cret")
  assert.equal(body.tenant, "t")
  assert.equal(body.sessionName, scene.channel)
  assert.ok(body.attempt > 1)
  assert.deepEqual(receiver.refused, [])
})

test("forged, changed and replayed calls are refused by a receiver, and what it gets is a secret to others", { timeout: TEST_TIMEOUT_MS }, async t => {
  const receiver = await Receiver.start({ server })
  t.after(() => receiver.stop())
  const session = door.session("signed")
  const waker = waking(session.path)
  await waker.name({ id: "bot", name: "Bot", endpoint: receiver.url, headers: { "X-Token": "s3cret" }, bodyTemplate: { hidden: "s3cret" } })
  assert.deepEqual(await waker.agents(), [
    { id: "bot", name: "Bot", endpoint: receiver.url, triggers: "user-messages", mentions: ["@bot"], debounceMs: 0, onlyWhenWatched: false },
  ])
  await session.send("hello")
  await nothingToDo(waker)
  const [{ headers, raw }] = receiver.calls
  const post = (signature, body) => fetch(receiver.url, { method: "POST", headers: { "Webhook-Signature": signature }, body })
  const signature = headers["webhook-signature"]
  const calls = [
    [signature, raw, "replayed"],
    [signature, Buffer.from(`${raw} `), "forged"],
    [signature.replace(/t=\d+/, "t=1700000000"), raw, "forged"],
    [signature.replace(/kid=[^,]+/, "kid=ds_other"), raw, "unknown key"],
    ["", raw, "unknown key"],
  ]
  for (const [signed, body] of calls) assert.equal((await post(signed, body)).status, 401)
  assert.deepEqual(receiver.refused, calls.map(([, , why]) => why))
  assert.equal(receiver.calls.length, 1)
  assert.ok(!JSON.stringify([await waker.wakes(), await session.export(), await session.summary()]).includes("s3cret"))
})

test("of ten instances one works, and only it settles the wake", { timeout: TEST_TIMEOUT_MS }, async () => {
  const session = door.session("ten")
  const waker = waking(session.path)
  await waker.name({ id: "bot" })
  const claims = Array.from({ length: 10 }, (_, n) => waker.claim("bot", { worker: `host-${n}`, waitMs: 1_500 }))
  const { eventId } = await session.send("one of you?")
  const answers = await Promise.all(claims)
  const given = answers.filter(({ status }) => status === 200)
  assert.equal(given.length, 1)
  assert.equal(answers.filter(({ status }) => status === 204).length, 9)
  const [{ body: wake }] = given
  assert.equal(wake.inputEventId, eventId)
  assert.equal(wake.sessionName, "ten")
  const [shown] = await waker.wakes()
  assert.equal(shown.state, "claimed")
  assert.match(shown.holder, /^host-\d$/)

  // What is said meanwhile is the next wake.
  await session.send("and more")
  const last = await session.send("and the last")
  await waker.done({ ...wake, lease: wake.lease + 1 }, 409)
  await waker.done(wake)
  await waker.done(wake, 409)
  const { body: next } = await waker.claim("bot")
  assert.deepEqual(next.inputEventIds.at(-1), last.eventId)
  assert.equal(next.inputEventIds.length, 2)
  await waker.ask(204, "POST", `wakes/${next.wakeId}/extend`, { lease: next.lease, leaseMs: 60_000 })
  await waker.ask(204, "POST", `wakes/${next.wakeId}/release`, { lease: next.lease, giveUp: true })
  assert.deepEqual(await waker.wakes(), [])
  assert.deepEqual((await notices("ten")).map(({ agentId, state, wakeId }) => [agentId, state, wakeId]), [["bot", "given-up", next.wakeId]])
})

test("an agent accepts a wake and settles it later, and one that is gone is not called again", { timeout: TEST_TIMEOUT_MS }, async t => {
  let status = 202
  const receiver = await Receiver.start({ server, serve: () => status })
  t.after(() => receiver.stop())
  const session = door.session("later")
  const waker = waking(session.path)
  await waker.name({ id: "bot", endpoint: receiver.url })
  await session.send("take your time")
  const { body } = await eventually(WAIT_MS, () => receiver.calls[0], "the call")
  await eventually(WAIT_MS, async () => (await waker.wakes())[0].leaseUntil > Date.now() + 60_000, "a longer lease")
  await waker.done(body)
  status = 410
  await session.send("and now?")
  await nothingToDo(waker)
  assert.equal((await notices("later"))[0].state, "given-up")
  assert.equal(receiver.calls.length, 2)
})

test("two agents that one message wakes both answer it", { timeout: TEST_TIMEOUT_MS }, async t => {
  const scene = await Scene.open(t, { server, binary: false, trouble: "none" })
  const [first, second] = await Promise.all([scene.agent("first"), scene.agent("second")])
  const session = door.session(scene.channel)
  const waker = waking(session.path)
  await waker.name({ id: "first" }, { id: "second", triggers: "mention" })
  await session.send("hello @Second, and everybody")
  const serve = async (id, agent) => {
    const { status, body } = await waker.claim(id, { waitMs: 5_000 })
    assert.equal(status, 200)
    await within(WAIT_MS, agent.serve(body), `the answer of ${id}`)
    await waker.done(body)
  }
  await serve("first", first)
  await serve("second", second)
  const runs = (await session.conversation()).filter(node => node.type === "run")
  assert.deepEqual(runs.map(({ status }) => status), ["complete", "complete"])
  assert.deepEqual(await waker.wakes(), [])
})

test("two agents that answer each other stop, and a person wakes them again", { timeout: TEST_TIMEOUT_MS }, async () => {
  const session = door.session("loop")
  const waker = waking(session.path)
  await waker.name({ id: "ping", triggers: "all" }, { id: "pong", triggers: "mention" })
  const speakers = ["ping", "pong"].map(actorId => [actorId, new DoorClient({ url: server.url, key: server.keys[0].keyStr, actorId })])
  await session.send("@pong begin")
  let said = 0
  for (let isQuiet = false; !isQuiet; ) {
    isQuiet = true
    for (const [id, speaker] of speakers) {
      const { status, body } = await waker.claim(id)
      if (status === 200) {
        isQuiet = false
        await speaker.session("loop").send(`@pong @ping ${++said}`)
        await waker.done(body)
      }
    }
    assert.ok(said < 50, "agents talk to each other for ever")
  }
  assert.ok(said > 2)
  assert.deepEqual((await notices("loop")).map(({ state, turns }) => [state, turns]), [["loop-ended", 8]])
  await session.send("go on, @ping")
  assert.equal((await waker.claim("ping")).status, 200)
})

test("who may do what with agents, and where they may be called", { timeout: TEST_TIMEOUT_MS }, async () => {
  const session = door.session("rights")
  const key = server.keys[0]
  const as = (operations, clientId) =>
    new DoorClient({ url: server.url, authorization: bearer(jwt(key, { capability: { "rights": operations }, clientId })) })
  const status = async (client, method, path, body) => (await client.request(method, `${session.path}/${path}`, body)).status
  const agents = { agents: [{ id: "bot" }] }
  const reader = as(["subscribe", "publish"], "reader")
  assert.equal(await status(reader, "POST", "agents", agents), 401)
  assert.equal(await status(reader, "DELETE", "agents/bot"), 401)
  assert.equal(await status(reader, "POST", "agents/bot/wake", { inputEventId: "e" }), 401)
  assert.equal(await status(reader, "POST", "wakes/claim", {}), 401)
  assert.equal(await status(reader, "POST", "wakes/w1-0/done", { lease: 1 }), 401)
  assert.equal(await status(reader, "GET", "agents"), 200)
  assert.equal(await status(reader, "GET", "wakes"), 200)
  const manager = as(["agent-manage", "agent-invoke"], "manager")
  assert.equal(await status(manager, "POST", "agents", agents), 200)
  assert.equal(await status(manager, "GET", "wakes"), 401)
  assert.equal(await status(manager, "POST", "agents/other/wake", { inputEventId: "e" }), 404)
  assert.equal(await status(manager, "POST", "agents/bot/wake", { inputEventId: "e" }), 200)
  // An agent works for itself.
  const other = as(["agent-work"], "other")
  const bot = as(["agent-work"], "bot")
  assert.equal(await status(other, "POST", "wakes/claim", { agentId: "bot" }), 401)
  const { body: wake } = await bot.request("POST", `${session.path}/wakes/claim`, {})
  assert.equal(wake.inputEventId, "e")
  assert.equal(await status(other, "POST", `wakes/${wake.wakeId}/done`, { lease: wake.lease }), 401)
  assert.equal(await status(bot, "POST", `wakes/${wake.wakeId}/done`, {}), 400)
  assert.equal(await status(bot, "POST", `wakes/${wake.wakeId}/done`, { lease: wake.lease }), 204)
  assert.equal(await status(bot, "POST", `wakes/${wake.wakeId}/done`, { lease: wake.lease }), 409)

  for (const endpoint of ["http://10.0.0.1/", "https://169.254.169.254/", "http://agent.example/", "https://u:p@agent.example/", "file:///etc/passwd"]) {
    assert.equal(await status(manager, "POST", "agents", { agents: [{ id: "bot", endpoint }] }), 400, endpoint)
  }
  const wrong = [
    {}, { id: "" }, { id: "b", triggers: "never" }, { id: "b", mentions: ["bot"] }, { id: "b", mentions: ["@a*b"] },
    { id: "b", debounceMs: -1 }, { id: "b", method: "GET" }, { id: "b", headers: { a: "b" } },
    { id: "b", endpoint: "https://agent.example/", headers: { Host: "inside" } },
    { id: "b", endpoint: "https://agent.example/", headers: { a: "b\r\nc: d" } },
    { id: "b", endpoint: "https://agent.example/", bodyTemplate: [] },
  ]
  for (const agent of wrong) assert.equal(await status(manager, "POST", "agents", { agents: [agent] }), 400, JSON.stringify(agent))
  assert.equal(await status(manager, "POST", "agents", { agents: Array.from({ length: 17 }, (_, n) => ({ id: `a${n}` })) }), 400)
  assert.equal(await status(manager, "DELETE", "agents/bot"), 204)
  assert.equal(await status(manager, "DELETE", "agents/bot"), 204)
  assert.deepEqual(await waking(session.path).agents(), [])
})

test(`every wake has one run in the log when server and agent are killed, ${KILLS} times`, { timeout: TEST_TIMEOUT_MS }, async t => {
  const random = seededRandom(t)
  const session = door.session("kills")
  const waker = waking(session.path)
  await waker.name({ id: "bot" })
  const start = () => WakeWorker.start({ url: server.url, key: server.keys[0].keyStr, agentId: "bot", channel: "kills" })
  let worker = await start()
  t.after(() => worker.kill())
  /** The server may be killed meanwhile: what is sent under an id is said once. */
  const send = async (content, messageId) => {
    for (;;) {
      try {
        return await session.send(content, { messageId })
      } catch (error) {
        // A server that has only just started to recover its data says so.
        if (error.code === "ERR_ASSERTION" && !/ got 503: .*NOT_READY/.test(error.message)) throw error
        await setTimeout(20)
      }
    }
  }
  const events = []
  for (let round = 0; round < KILLS; round++) {
    const sent = [0, 1, 2].map(n => send(`message ${round}.${n}`, `m-${round}-${n}`))
    await setTimeout(random.between(0, KILL_WITHIN_MS))
    if (round % 2 === 0) {
      await worker.kill()
      worker = await start()
    } else {
      await server.kill()
      await server.restart()
    }
    events.push(...(await Promise.all(sent)).map(({ eventId }) => eventId))
  }
  await nothingToDo(waker)
  const history = await server.history("kills")
  const runs = history.filter(({ name }) => name === "ai-run-start").map(({ extras }) => extras.ai.transport["run-id"])
  assert.equal(new Set(runs).size, runs.length, "a wake has two runs")
  const givenUp = (await notices("kills")).length
  assert.equal(givenUp, 0)
  const answered = history.filter(({ name }) => name === "ai-output").flatMap(({ data }) => data.split(" "))
  assert.deepEqual(answered.toSorted(), events.toSorted(), "each input is answered by one run")
})

test("an agent that wants an audience is woken when somebody is there to see it", { timeout: TEST_TIMEOUT_MS }, async t => {
  const session = door.session("watched😀")
  const waker = waking(session.path)
  await waker.name({ id: "shy", onlyWhenWatched: true }, { id: "other", triggers: "invocation" })
  const somebody = clientId => {
    const client = server.realtime({ clientId })
    t.after(() => client.close())
    return client.channels.get("watched😀").presence
  }
  const states = async () => (await waker.wakes()).map(({ state }) => state)

  const { eventId } = await session.send("is it worth it?")
  await somebody("other").enter()
  assert.deepEqual(await states(), ["unwatched"])
  assert.equal((await waker.claim("shy")).status, 204)
  // Whoever waits for something to do gets it when somebody enters, also after a crash.
  await server.kill()
  await server.restart()
  assert.deepEqual(await states(), ["unwatched"])
  const waits = waker.claim("shy", { waitMs: 20_000 })
  const ann = somebody("ann")
  await ann.enter()
  const { status, body: wake } = await waits
  assert.deepEqual([status, wake?.inputEventId], [200, eventId])
  await ann.leave()
  await waker.done(wake)

  await session.send("and now?")
  assert.deepEqual(await states(), ["unwatched"])
  await ann.enter()
  assert.deepEqual(await states(), ["due"])
  await waker.done((await waker.claim("shy")).body)
})
