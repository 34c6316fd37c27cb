// Applications are told of what happens in the sessions of their namespaces: at least once, with an id by which they know it again.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { AppServer } from "../lib/app-server.mjs"
import { bearer, jwt } from "../lib/tokens.mjs"
import { eventually } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"
import { Receiver } from "./receiver.mjs"

const WAIT_MS = 15_000
const TEST_TIMEOUT_MS = 60_000

let server
before(async () => {
  server = await AppServer.start({ keys: [{}] })
})
after(() => server?.end())

/** Somebody, by a token: a header has no names beyond Latin 1. */
const as = clientId => new DoorClient({ url: server.url, authorization: bearer(jwt(server.keys[0], { clientId, capability: { "*": ["*"] } })) })

async function ask(status, method, path, body, client = as("caller")) {
  const answer = await client.request(method, path, body)
  assert.equal(answer.status, status, `${method} ${path} got ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

const path = namespace => `/namespaces/${encodeURIComponent(namespace)}/notify`
const tell = (namespace, endpoint, more) => ask(200, "PUT", path(namespace), { endpoint, ...more })
const requestsOf = name => `/sessions/${encodeURIComponent(name)}/requests`
const decisions = (name, id) => `${requestsOf(name)}/${encodeURIComponent(id)}/decisions`

/** A receiver, and what it was told of a session. */
async function receiver(t, options) {
  const one = await Receiver.start({ server, ...options })
  t.after(() => one.stop().catch(() => {}))
  one.told = name => one.calls.map(({ body }) => body).filter(({ sessionName }) => sessionName === name)
  one.until = (name, count) => eventually(WAIT_MS, () => one.told(name).length >= count, `${count} notifications of ${name}`)
  return one
}

/** A client that is present. */
async function present(t, name, clientId) {
  const client = server.realtime({ clientId })
  t.after(() => client.close())
  await client.channels.get(name).presence.enter()
  return client
}

/** Publishes a message of an agent, as AI Transport writes it. */
const agentSays = (name, what, headers) =>
  server.rest({ clientId: "bot" }).channels.get(name).publish({ name: what, extras: { ai: { transport: headers } } })

const notices = async name => (await server.history(name)).filter(message => message.name === "parley.notify").map(({ data }) => data)

test("an open request, a finished run and a message: each is told to whom it is for", { timeout: TEST_TIMEOUT_MS }, async t => {
  const app = await receiver(t)
  const name = "räume😀:one"
  const shown = await tell("räume😀", app.url, { headers: { "X-Token": "s3cret" } })
  assert.deepEqual(shown, { endpoint: app.url, events: ["request.opened", "run.finished", "message.unseen"] })
  assert.deepEqual(await ask(200, "GET", path("räume😀")), shown)

  const asked = { requestId: "pay-1 😀", kind: "approval", title: "pay 💸", clientIds: ["ann", "béa😀"], roles: ["boss"], capability: "control" }
  await ask(201, "POST", requestsOf(name), asked)
  await app.until(name, 1)
  const [{ id, at, ...opened }] = app.told(name)
  assert.match(id, /^n[0-9a-f-]+$/)
  assert.ok(Math.abs(at - Date.now()) < 3_600_000)
  assert.deepEqual(opened, {
    event: "request.opened",
    sessionName: name,
    attempt: 1,
    clientIds: ["ann", "béa😀"],
    roles: ["boss"],
    capability: "control",
    request: { requestId: "pay-1 😀", kind: "approval", title: "pay 💸" },
  })
  assert.equal(app.calls[0].headers["x-token"], "s3cret")

  // Two people take part. Of an answer that nobody of one of them sees, only that one is told, and once.
  await present(t, name, "ann")
  const bea = await present(t, name, "béa😀")
  bea.close()
  await eventually(WAIT_MS, async () => (await as("x").session(name).members()).length === 1, "one to be left")
  await as("ann").session(name).send("is anybody there?")
  await app.until(name, 2)
  await as("ann").session(name).send("hello?")
  const { message, ...unseen } = app.told(name)[1]
  assert.deepEqual([unseen.event, unseen.clientIds, message.clientId, message.name], ["message.unseen", ["béa😀"], "ann", "ai-input"])

  await agentSays(name, "ai-run-start", { "run-id": "run 😀", "input-client-id": "béa😀" })
  await agentSays(name, "ai-run-end", { "run-id": "run 😀", "run-reason": "complete" })
  await app.until(name, 3)
  const finished = app.told(name)[2]
  assert.deepEqual([finished.event, finished.clientIds, finished.run], ["run.finished", ["béa😀"], { runId: "run 😀", reason: "complete" }])

  // Whoever reads what was said is told again of what is said then.
  await as("béa😀").session(name).messages()
  await as("ann").session(name).send("still there?")
  await app.until(name, 4)
  assert.deepEqual([app.told(name)[3].event, app.told(name)[3].clientIds], ["message.unseen", ["béa😀"]])
  assert.equal(new Set(app.told(name).map(each => each.id)).size, 4)
  assert.deepEqual(app.refused, [])

  const everything = JSON.stringify([await ask(200, "GET", path("räume😀")), await as("x").session(name).export(), await as("x").session(name).summary()])
  assert.ok(!everything.includes("s3cret"))
  assert.deepEqual((await as("x").get(`/sessions/${encodeURIComponent(name)}/timeline`)).events.filter(({ type }) => type === "notify-call").length, 4)
  await ask(204, "DELETE", path("räume😀"))
  await ask(404, "GET", path("räume😀"))
})

test("an application that is down is told when it is back, also if the server was killed meanwhile, under the same id", { timeout: TEST_TIMEOUT_MS }, async t => {
  const gone = await receiver(t, { serve: () => 500 })
  const { port, url } = gone
  const name = "down:one"
  await tell("down", url)
  await ask(201, "POST", requestsOf(name), { requestId: "r1", kind: "question", title: "?", clientIds: ["ann"] })
  await gone.until(name, 2)
  await gone.stop()
  await server.kill()
  await server.restart()
  // It has taken it, and the server does not get to know: the same comes again.
  let answers = 0
  const back = await receiver(t, { port, serve: () => (answers++ ? 200 : 503) })
  await back.until(name, 2)
  const ids = [...gone.told(name), ...back.told(name)].map(({ id }) => id)
  assert.equal(new Set(ids).size, 1)
  assert.ok(back.told(name)[0].attempt > 1)
  assert.ok(back.told(name)[1].attempt > back.told(name)[0].attempt)

  // A request that was answered before anybody was told is no open one.
  await back.stop()
  await ask(201, "POST", requestsOf(name), { requestId: "r2", kind: "question", title: "?", clientIds: ["ann"] })
  await ask(200, "POST", decisions(name, "r2"), { decision: "answer", answer: 1 }, as("ann"))
  await ask(201, "POST", requestsOf(name), { requestId: "r3", kind: "question", title: "?", clientIds: ["ann"] })
  const last = await receiver(t, { port })
  await last.until(name, 1)
  assert.deepEqual(last.told(name).map(({ request }) => request.requestId), ["r3"])
  await ask(204, "DELETE", path("down"))
})

test("forged and changed calls are refused by a receiver, and what comes again is not done again", { timeout: TEST_TIMEOUT_MS }, async t => {
  const app = await receiver(t)
  await tell("signed", app.url, { events: ["request.opened"] })
  await ask(201, "POST", requestsOf("signed:one"), { requestId: "r1", kind: "question", title: "?" })
  await app.until("signed:one", 1)
  const [{ headers, raw }] = app.calls
  const post = (signature, body) => fetch(app.url, { method: "POST", headers: { "Webhook-Signature": signature }, body })
  const signature = headers["webhook-signature"]
  const calls = [
    [signature, Buffer.from(`${raw} `), "forged"],
    [signature.replace(/t=\d+/, "t=1700000000"), raw, "forged"],
    [signature.replace(/kid=[^,]+/, "kid=ds_other"), raw, "unknown key"],
    ["", raw, "unknown key"],
  ]
  for (const [signed, body] of calls) assert.equal((await post(signed, body)).status, 401)
  assert.deepEqual(app.refused, calls.map(([, , why]) => why))
  assert.equal((await post(signature, raw)).status, 200)
  assert.deepEqual([app.calls.length, app.repeated.length], [1, 1])
  // Of what an application does not want, it is not told.
  await as("ann").session("signed:one").send("x")
  await as("ben").session("signed:one").send("y")
  await ask(201, "POST", requestsOf("signed:one"), { requestId: "r2", kind: "question", title: "?" })
  await app.until("signed:one", 2)
  assert.deepEqual(app.told("signed:one").map(({ event }) => event), ["request.opened", "request.opened"])
  await ask(204, "DELETE", path("signed"))
})

test("an application that takes nothing is given up in the session, and of an erased session nothing is told", { timeout: TEST_TIMEOUT_MS }, async t => {
  const app = await receiver(t, { serve: ({ sessionName }) => (sessionName === "gone:x" ? 410 : 503) })
  await tell("gone", app.url)
  await ask(201, "POST", requestsOf("gone:x"), { requestId: "r1", kind: "question", title: "?" })
  await eventually(WAIT_MS, async () => (await notices("gone:x")).length === 1, "the notice")
  const [{ state, notificationId, at }] = await notices("gone:x")
  assert.deepEqual([state, notificationId], ["given-up", app.told("gone:x")[0].id])
  assert.ok(at > 0)

  await ask(201, "POST", requestsOf("gone:erased"), { requestId: "s3cret-r", kind: "question", title: "s3cret title" })
  await app.until("gone:erased", 1)
  assert.equal((await as("caller").session("gone:erased").erase()).status, 204)
  const told = app.told("gone:erased").length
  // What is made anew is another session: its request is the next that is told, after the time of the erased one's next attempt.
  await ask(201, "POST", requestsOf("gone:erased"), { requestId: "r2", kind: "question", title: "?" })
  await eventually(WAIT_MS, () => app.told("gone:erased").filter(({ request }) => request.requestId === "r2").length >= 3, "three attempts")
  assert.equal(app.told("gone:erased").filter(({ request }) => request.requestId !== "r2").length, told)
  await ask(204, "DELETE", path("gone"))
  server.assertNoErrorLogged()
})

test("what an application may not be told is refused, and changes nothing", { timeout: TEST_TIMEOUT_MS }, async () => {
  const key = server.keys[0]
  const with_ = capability => new DoorClient({ url: server.url, authorization: bearer(jwt(key, { capability })) })
  const body = { endpoint: "http://127.0.0.1:9/", events: ["run.finished"] }
  await ask(200, "PUT", path("fixed"), body)
  for (const capability of [{ "fixed:one": ["agent-manage"] }, { "fixed:*": ["subscribe"] }]) {
    await ask(401, "PUT", path("fixed"), body, with_(capability))
    await ask(401, "DELETE", path("fixed"), undefined, with_(capability))
  }
  await ask(401, "PUT", path("*"), body, with_({ "fixed:*": ["agent-manage"] }))
  for (const wrong of [
    {},
    { endpoint: 1 },
    { endpoint: "http://10.0.0.1/" },
    { endpoint: "ftp://app.example/" },
    { ...body, events: [] },
    { ...body, events: ["message.seen"] },
    { ...body, headers: { Host: "x" } },
    { ...body, bodyTemplate: {} },
  ]) await ask(400, "PUT", path("fixed"), wrong)
  await ask(405, "POST", path("fixed"), body)
  assert.deepEqual(await ask(200, "GET", path("fixed"), undefined, with_({ "fixed:*": ["subscribe"] })), body)
  await ask(204, "DELETE", path("fixed"), undefined, with_({ "fixed:*": ["agent-manage"] }))
  await ask(204, "DELETE", path("fixed"))
  server.assertNoErrorLogged()
})
