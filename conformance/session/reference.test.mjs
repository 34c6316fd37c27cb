// What the client of Electric's Durable Sessions (DurableChatClient) sends, without any credentials, as it sends it. The client
// is not on npm, so its requests are written out here; its rows are read by StreamDB, as in the client.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { after, before, test } from "node:test"
import { createStateSchema } from "@durable-streams/state"
import { createStreamDB } from "@durable-streams/state/db"
import { basic } from "../lib/tokens.mjs"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const TEST_TIMEOUT_MS = 120_000
const WAIT_MS = 20_000
const KEY = `demo.key:${"s".repeat(32)}`
const SETTINGS = ["--set", `auth.keys=${KEY}`, "--set", "auth.visitors-app=demo"]

const anything = { "~standard": { version: 1, vendor: "conformance", validate: value => ({ value }) } }
const schema = createStateSchema({
  chunks: { type: "chunk", primaryKey: "id", schema: anything },
  presence: { type: "presence", primaryKey: "id", schema: anything },
  agents: { type: "agent", primaryKey: "agentId", schema: anything },
})

let dataDir, server, port
const restart = async () => {
  server = await startServer({ dataDir, port, args: SETTINGS })
  port = Number(new URL(server.url).port)
}
before(async () => {
  dataDir = await temporaryFolder()
  port = 0
  await restart()
})
after(async () => {
  await server?.stop()
  await removeFolder(dataDir)
})

/** A page as the client makes it: it knows nothing but the server's URL, its session and its actor. */
class Page {
  constructor(sessionId, actorId = randomUUID()) {
    Object.assign(this, { sessionId, actorId })
  }

  get path() {
    return `/v1/sessions/${encodeURIComponent(this.sessionId)}`
  }

  async request(method, path, body, headers = { "Content-Type": "application/json" }) {
    const response = await fetch(server.url + path, {
      method,
      ...(body !== undefined && { headers, body: typeof body === "string" ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text && JSON.parse(text), headers: response.headers }
  }

  post = (path, body, headers) => this.request("POST", `${this.path}/${path}`, body, headers)

  async connect(t) {
    const { status, body } = await this.request("PUT", this.path)
    assert.ok(status === 200 || status === 201, `PUT got ${status}`)
    assert.equal(body.sessionId, this.sessionId)
    assert.equal(body.streamUrl, `/v1/stream/sessions/${encodeURIComponent(this.sessionId)}`)
    this.db = createStreamDB({ streamOptions: { url: server.url + body.streamUrl }, live: "sse", state: schema })
    t.after(() => this.db.close())
    await within(WAIT_MS, this.db.preload(), "the preload")
    return status
  }

  /** What is written comes back to the page with its txid, as in all optimistic actions of the client. */
  async write(path, body, headers) {
    const txid = randomUUID()
    const seen = this.db.utils.awaitTxId(txid, WAIT_MS)
    const answer = await this.post(path, { ...body, txid }, headers)
    assert.ok(answer.status < 300, `${path} got ${answer.status}: ${JSON.stringify(answer.body)}`)
    await seen
    return answer
  }

  send(content, more) {
    const { actorId } = this
    return this.write("messages", { messageId: randomUUID(), content, role: "user", actorId, actorType: "user", ...more })
  }

  rows = collection => [...this.db.collections[collection].values()]
  devices = () => this.rows("presence").map(({ actorId, deviceId, status, name }) => [actorId, deviceId, status, name]).sort()
  shows = devices =>
    eventually(WAIT_MS, () => JSON.stringify(this.devices()) === JSON.stringify(devices), "these devices").catch(() => assert.deepEqual(this.devices(), devices))
}

test("a page without a key makes a session, speaks, names agents, stops and regenerates", { timeout: TEST_TIMEOUT_MS }, async t => {
  const page = new Page(randomUUID())
  assert.equal(await page.connect(t), 201)
  assert.equal(await new Page(page.sessionId).connect(t), 200)
  const { body } = await page.send("hello")
  const row = page.rows("chunks").find(({ messageId }) => messageId === body.messageId)
  assert.deepEqual([row.actorId, row.role, row.claimed], [page.actorId, "user", true])
  const { type, message } = JSON.parse(row.chunk)
  assert.deepEqual([type, message.role, message.parts], ["user-message", "user", [{ type: "text", content: "hello" }]])

  await page.send("be brief", { role: "system" })
  assert.deepEqual(page.rows("chunks").map(({ role }) => role).sort(), ["system", "user"])

  const agents = [{ id: "bot", name: "Bot", endpoint: `${server.url}/health`, headers: { "X-Secret": "secret" }, triggers: "all", bodyTemplate: { a: 1 } }]
  assert.deepEqual((await page.post("agents", { agents })).body, { success: true })
  await eventually(WAIT_MS, () => page.rows("agents").length === 1, "the agent")
  const shown = (await page.request("GET", `${page.path}/agents`)).body.agents
  assert.deepEqual(shown.map(({ id, name }) => [id, name]), [["bot", "Bot"]])
  assert.doesNotMatch(JSON.stringify([shown, page.rows("agents")]), /[sS]ecret/)
  assert.equal((await page.request("DELETE", `${page.path}/agents/bot`)).status, 204)
  assert.deepEqual((await page.request("GET", `/v1/sessions/${randomUUID()}/agents`)).body, { agents: [] })

  // A message brings its agent along, which it wakes once, whatever else wakes the agent.
  for (const triggers of [undefined, "user-messages", "invocation"]) {
    const agent = { id: `inline-${triggers}`, triggers }
    const { body: said } = await page.send("answer this", { agent })
    const { wakes } = (await page.request("GET", `${page.path}/wakes`)).body
    const own = wakes.filter(({ agentId }) => agentId === agent.id)
    assert.deepEqual(own.map(({ eventIds, inputEventId }) => eventIds ?? [inputEventId]), [[said.eventId]], JSON.stringify(own))
    await page.request("DELETE", `${page.path}/agents/${agent.id}`)
  }

  assert.equal((await page.post("stop", { messageId: null })).status, 204)
  const again = await page.post("regenerate", { fromMessageId: body.messageId, content: "hello", actorId: page.actorId, actorType: "user" })
  assert.ok([200, 404].includes(again.status), "there is no answer yet that could be made anew")
  for (const [path, wrong] of [["messages", { content: 5 }], ["messages", { content: "x", role: "king" }], ["tool-results", {}], ["approvals/x", { approved: 1 }], ["messages", { content: "x", agent: { id: "" } }]]) {
    const { status, body } = await page.post(path, wrong)
    assert.equal(status, 400, path)
    assert.equal(typeof body.error, "string")
  }
  assert.equal((await page.request("DELETE", page.path)).status, 204)
  assert.equal((await page.request("GET", page.path)).status, 410)
})

test("who is without credentials is only claimed, and decides nothing that names who may", { timeout: TEST_TIMEOUT_MS }, async t => {
  const page = new Page(randomUUID(), "eve")
  await page.connect(t)
  const keyed = (path, body) =>
    page.post(path, body, { "Content-Type": "application/json", Authorization: basic(KEY), "X-Actor-Id": "eve" })
  for (const requestId of ["named", "open"]) {
    const asked = await keyed("requests", { requestId, kind: "approval", ...(requestId === "named" && { clientIds: ["eve"] }) })
    assert.equal(asked.status, 201, JSON.stringify(asked.body))
  }
  const decide = (id, by = page.post) => by(`requests/${id}/decisions`, { decision: "approve", actorId: "eve" })
  const refused = await decide("named")
  assert.equal(refused.status, 403, JSON.stringify(refused.body))
  assert.equal((await page.post("approvals/named", { approved: true }, { "Content-Type": "application/json", "X-Actor-Id": "eve" })).status, 403)
  const open = await decide("open")
  assert.equal(open.status, 200)
  assert.deepEqual(open.body.decisions.map(({ by, key, claimed }) => [by, key, claimed]), [["eve", undefined, true]])
  const named = await decide("named", keyed)
  assert.equal(named.status, 200)
  assert.deepEqual(named.body.decisions.map(({ by, key, claimed }) => [by, key, claimed]), [["eve", "demo.key", undefined]])

  // Visitors reach this door and the streams of sessions, and nothing else; pages of other machines reach neither.
  assert.equal((await fetch(`${server.url}/channels/x/messages`)).status, 401)
  assert.equal((await fetch(`${server.url}/v1/stream/x`)).status, 401)
  for (const path of [page.path, `/v1/stream/sessions/${page.sessionId}`, "/v1/sessions", "/v1/requests"]) {
    const from = origin => fetch(server.url + path, { headers: { Origin: origin } })
    assert.equal((await from("http://localhost:3000")).status, 200, path)
    assert.equal((await from("https://elsewhere.example")).status, 403, path)
    const keyed = await fetch(server.url + path, { headers: { Origin: "https://elsewhere.example", Authorization: basic(KEY) } })
    assert.equal(keyed.status, 200, path)
    assert.equal((await fetch(server.url + path, { headers: { Authorization: basic("demo.key:wrong") } })).status, 401, path)
  }
})

test("devices log in and out, by beacon and after a crash, and twice is once", { timeout: TEST_TIMEOUT_MS }, async t => {
  const page = new Page(`devices ${randomUUID()}`)
  await page.connect(t)
  const ann = "ann 🦊"
  const login = (actorId, deviceId, more) => page.write("login", { actorId, deviceId, ...more })
  const beacon = body => page.post("logout", JSON.stringify(body), { "Content-Type": "text/plain;charset=UTF-8" })
  const { body } = await login(ann, "phone 📱", { name: "Ann" })
  assert.deepEqual(body, { success: true, actorId: ann, deviceId: "phone 📱", status: "online" })
  await login(ann, "laptop")
  await login(ann, "phone 📱", { name: "Ann" })
  await login("bob", "laptop", { defaultAgents: [{ id: "bot" }] })
  await page.shows([[ann, "laptop", "online", undefined], [ann, "phone 📱", "online", "Ann"], ["bob", "laptop", "online", undefined]])
  await eventually(WAIT_MS, () => page.rows("agents").length === 1, "the agent that came with a login")
  await page.write("presence", { actorId: ann, deviceId: "laptop", status: "away" })
  await page.shows([[ann, "laptop", "away", undefined], [ann, "phone 📱", "online", "Ann"], ["bob", "laptop", "online", undefined]])

  // Who shares a device is not logged out with another.
  assert.deepEqual((await beacon({ actorId: "bob", deviceId: "laptop" })).body, { success: true, actorId: "bob", deviceId: "laptop", status: "offline" })
  assert.equal((await beacon({ actorId: "bob", deviceId: "laptop" })).status, 200)
  await page.shows([[ann, "laptop", "away", undefined], [ann, "phone 📱", "online", "Ann"]])

  await server.kill()
  await restart()
  const back = new Page(page.sessionId)
  await back.connect(t)
  await back.shows([[ann, "laptop", "away", undefined], [ann, "phone 📱", "online", "Ann"]])
  const everywhere = await beacon({ actorId: ann, allDevices: true })
  assert.deepEqual(everywhere.body, { success: true, actorId: ann, devicesLoggedOut: 2, status: "offline" })
  await back.shows([])
  assert.deepEqual((await back.request("GET", `${back.path}/presence`)).body.members, [])

  assert.equal((await new Page(randomUUID()).post("logout", { actorId: "x", deviceId: "y" })).status, 404)
  for (const wrong of [{}, { actorId: "x" }, { deviceId: "y" }, { actorId: "x", deviceId: "" }, { actorId: "x", deviceId: "a:b" }, { actorId: "x", deviceId: "y", name: 5 }, { actorId: "x", deviceId: "y", actorType: "cat" }, { actorId: "*", deviceId: "y" }]) {
    const { status } = await page.post("login", wrong)
    assert.ok(status === 400 || status === 401, `${JSON.stringify(wrong)} got ${status}`)
  }
  assert.equal((await page.post("presence", { actorId: "x", deviceId: "y", status: "asleep" })).status, 400)
  assert.deepEqual(back.devices(), [])
})
