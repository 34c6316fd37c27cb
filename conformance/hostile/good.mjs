// Fifty sessions of people who mean well: each streams numbered tokens at a steady pace and has a reader that must get
// every token once and in order, whatever others do to the server. Nobody of them is ever cut.
import { setTimeout as sleep } from "node:timers/promises"
import http from "node:http"
import https from "node:https"
import { basic } from "../lib/tokens.mjs"
import { eventually } from "../lib/wait.mjs"
import { ACTION, WireConnection } from "../realtime/wire.mjs"

const TOKEN_INTERVAL_MS = 200
/** What is refused for want of room is sent again then; the server asks for a second. */
const RETRY_MS = 1_000
const ANSWER_TOKENS = 50
const MESSAGE_APPEND = 5
const LAST_TOKENS_TIMEOUT_MS = 60_000
const PAGE_MESSAGES = 1_000

/** What all of them have: a writer that numbers its tokens, and a record of what the reader got. */
class GoodSession {
  /** Tokens that the server has acknowledged, and those that the reader has got: always 0, 1, 2 and so on. */
  acknowledged = 0
  received = 0
  /** What must not happen: connections that are cut, tokens that come twice, out of order or not at all. */
  complaints = []
  /** How often the server has asked to try again; that it may. */
  refusals = 0
  /** From the moment a token is first sent to the one in which its reader has it, since the last look. */
  latenciesMs = []
  #sentAt = []
  #writing
  #ending = false

  constructor(server, name, key) {
    this.server = server
    this.name = name
    this.key = key
  }

  async start() {
    await this.connect()
    this.#writing = this.#write().catch(error => this.complain(`writer: ${error.stack}`))
  }

  async #write() {
    let next = performance.now() + Math.random() * TOKEN_INTERVAL_MS
    for (let n = 0; !this.#ending; n++) {
      await sleep(Math.max(0, next - performance.now()))
      next = Math.max(next + TOKEN_INTERVAL_MS, performance.now())
      this.#sentAt[n] = performance.now()
      while (!(await this.send(n))) {
        this.refusals++
        await sleep(RETRY_MS)
      }
      this.acknowledged = n + 1
    }
  }

  got(n) {
    if (n !== this.received) this.complain(`got token ${n} instead of ${this.received}`)
    this.received = n + 1
    this.latenciesMs.push(performance.now() - this.#sentAt[n])
  }

  complain(what) {
    if (!this.#ending) this.complaints.push(`${this.name}: ${what}`)
  }

  /** Sends no more, and waits until the reader has all that was acknowledged. */
  async stop() {
    const waitForReader = async () => {
      await this.#writing
      await eventually(LAST_TOKENS_TIMEOUT_MS, () => this.received >= this.acknowledged, `the last tokens of ${this.name}`)
    }
    this.#ending = true
    try {
      await waitForReader()
    } catch (error) {
      this.complaints.push(`${this.name}: ${error.message}`)
    }
    this.close()
  }

  /** Ends without waiting for anything. */
  abandon() {
    this.#ending = true
    this.close()
  }

  assertWhole(stored) {
    const wrong = stored.findIndex((token, i) => token !== i)
    if (wrong >= 0) this.complaints.push(`${this.name}: token ${wrong} is stored as ${stored[wrong]}`)
    if (stored.length < this.acknowledged) {
      this.complaints.push(`${this.name}: ${stored.length} tokens are stored of ${this.acknowledged} acknowledged ones`)
    }
  }
}

/** Appends to a stream over HTTP, reads it by SSE. */
class StreamSession extends GoodSession {
  #writer
  #readers
  #reading
  #offset = "-1"

  get #path() {
    return `/v1/stream/good/${this.name}`
  }

  #request(agent, method, query, headers, body) {
    return request(this.server, { agent, method, path: this.#path + query, key: this.key, headers, body })
  }

  async connect() {
    const Agent = this.server.ca ? https.Agent : http.Agent
    this.#writer = new Agent({ keepAlive: true, maxSockets: 1 })
    // One socket: the next response comes by the one by which the last one has ended.
    this.#readers = new Agent({ keepAlive: true, maxSockets: 1 })
    const created = await this.#request(this.#writer, "PUT", "", { "Content-Type": "application/json" })
    if (created.statusCode !== 201) throw new Error(`PUT got ${created.statusCode}`)
    await text(created)
    await this.#read()
  }

  async send(n) {
    const headers = { "Content-Type": "application/json", "Producer-Id": this.name, "Producer-Epoch": 0, "Producer-Seq": n }
    const response = await this.#request(this.#writer, "POST", "", headers, String(n))
    const body = await text(response)
    return accepted(response.statusCode, body)
  }

  /** Opens the response from which events are read until it ends; then the next one follows where this one ended. */
  async #read() {
    const response = await this.#request(this.#readers, "GET", `?offset=${this.#offset}&live=sse`)
    if (response.statusCode !== 200) {
      const body = await text(response)
      if (accepted(response.statusCode, body)) throw new Error(`reading got ${response.statusCode}`)
      this.refusals++
      await sleep(RETRY_MS)
      return this.#read()
    }
    this.#reading = response
    let rest = ""
    response.setEncoding("utf8")
    response.on("data", part => {
      const events = (rest + part).split("\n\n")
      rest = events.pop()
      events.forEach(event => this.#event(event))
    })
    response.on("end", () => this.#read().catch(error => this.complain(`reader: ${error.stack}`)))
    response.on("error", error => this.complain(`the reader was cut: ${error.message}`))
  }

  #event(event) {
    const lines = event.split("\n")
    const data = lines.filter(line => line.startsWith("data:")).map(line => line.slice("data:".length)).join("\n")
    if (lines.includes("event: data")) for (const token of JSON.parse(data)) this.got(token)
    if (lines.includes("event: control")) this.#offset = JSON.parse(data).streamNextOffset
  }

  async check() {
    const stored = []
    for (let offset = "-1"; ; ) {
      const response = await this.#request(this.#writer, "GET", `?offset=${offset}`)
      stored.push(...JSON.parse(await text(response)))
      offset = response.headers["stream-next-offset"]
      if (response.headers["stream-up-to-date"] === "true") break
    }
    this.assertWhole(stored)
  }

  close() {
    this.#reading?.removeAllListeners("end")
    this.#writer?.destroy()
    this.#readers?.destroy()
  }
}

/** Reads a session over WebSocket: what the two below have in common. */
class ChannelSession extends GoodSession {
  viewer
  #texts = new Map()

  async connect() {
    this.viewer = await this.connectWebSocket()
    this.#watch(this.viewer, "viewer")
    await this.viewer.ask({ action: ACTION.attach, channel: this.name }, "attached")
    this.viewer.socket.on("message", data => {
      const { action, messages = [] } = JSON.parse(data)
      if (action === ACTION.message) messages.forEach(message => this.#message(message))
      this.viewer.drain()
    })
  }

  async connectWebSocket() {
    const connection = await WireConnection.connect(this.server.url, { key: this.key, heartbeats: "false" }, { ca: this.server.ca })
    return connection
  }

  #watch(connection, who) {
    connection.socket.on("close", (code, reason) => this.complain(`the ${who} was cut: ${code} ${reason}`))
    connection.socket.on("message", data => {
      const { action, error } = JSON.parse(data)
      if (action === ACTION.error || action === ACTION.disconnected) this.complain(`the ${who} was sent ${JSON.stringify(error)}`)
    })
  }

  async connectAgent() {
    this.agent = await this.connectWebSocket()
    this.#watch(this.agent, "agent")
  }

  /** An answer grows: what is new in it counts. */
  #message({ action, serial, data = "" }) {
    const before = this.#texts.get(serial) ?? ""
    const now = action === MESSAGE_APPEND ? before + data : data
    if (!now.startsWith(before)) this.complain(`an answer became something else: ${now}`)
    this.#texts.set(serial, now)
    for (const token of tokens(now.slice(before.length))) this.got(token)
  }

  async check() {
    const messages = []
    let path = `/channels/${this.name}/messages?direction=forwards&limit=${PAGE_MESSAGES}`
    while (path) {
      const response = await request(this.server, { method: "GET", path, key: this.key })
      messages.push(...JSON.parse(await text(response)))
      const next = /<([^>]+)>; rel="next"/.exec(response.headers.link ?? "")?.[1]
      path = next && new URL(next, `${this.server.url}/channels/${this.name}/messages`).href.slice(this.server.url.length)
    }
    this.assertWhole(messages.flatMap(({ data }) => tokens(data)))
  }

  close() {
    this.viewer?.cut()
    this.agent?.cut()
  }
}

/** Answers that grow by appends, over WebSocket. */
class AnswerSession extends ChannelSession {
  #serial = 0
  #answer

  async connect() {
    await super.connect()
    await this.connectAgent()
  }

  async send(n) {
    const begins = n % ANSWER_TOKENS === 0
    const message = begins ? { name: "answer", data: says(n) } : { action: MESSAGE_APPEND, serial: this.#answer, data: says(n) }
    const msgSerial = this.#serial++
    const reply = await this.agent.ask({ action: ACTION.message, channel: this.name, msgSerial, messages: [message] }, "ack", "nack")
    this.agent.drain()
    if (reply.action === ACTION.nack) return accepted(reply.error.statusCode, reply.error.message)
    if (begins) this.#answer = reply.res[0].serials[0]
    return true
  }
}

/** Whole messages published over REST, each token one. */
class RestSession extends ChannelSession {
  #agent

  async connect() {
    await super.connect()
    const Agent = this.server.ca ? https.Agent : http.Agent
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 })
  }

  async send(n) {
    const response = await request(this.server, {
      agent: this.#agent,
      method: "POST",
      path: `/channels/${this.name}/messages`,
      key: this.key,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ id: `${this.name}-${n}:0`, name: "token", data: says(n) }),
    })
    return accepted(response.statusCode, await text(response))
  }

  close() {
    super.close()
    this.#agent?.destroy()
  }
}

/** Tokens on the wire are numbers, each with a comma behind it. */
const says = n => `${n},`
const tokens = data => data.split(",").slice(0, -1).map(Number)

/** Whether it was done; false if it is to be tried again. */
function accepted(status, body) {
  if (status >= 200 && status < 300) return true
  if (status === 429 || status === 503) return false
  throw new Error(`refused with ${status}: ${body}`)
}

/** Sends a request, yields the response when its head has come. */
function request(server, { key, body, headers = {}, path, ...options }) {
  const url = new URL(path, server.url)
  const auth = key ? { Authorization: basic(key) } : {}
  const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const { request } = server.ca ? https : http
    request(url, { ...options, ca: server.ca, headers: { ...headers, ...auth, ...length } }, resolve)
      .on("error", reject)
      .end(body)
  })
}

async function text(response) {
  const parts = []
  for await (const part of response) parts.push(part)
  return Buffer.concat(parts).toString()
}

const KINDS = [StreamSession, StreamSession, AnswerSession, AnswerSession, RestSession]

export class GoodSessions {
  #sessions

  /** Starts one session for each of `keys`; `server` has `url` and, with TLS, `ca`. */
  static async start(server, keys) {
    const good = new GoodSessions()
    good.#sessions = keys.map(({ key, streams }, i) => {
      const Kind = KINDS[i % KINDS.length]
      return new Kind(server, `good${i}`, Kind === StreamSession ? streams : key)
    })
    await Promise.all(good.#sessions.map(session => session.start()))
    return good
  }

  /** Resolves once every session has had `count` more tokens acknowledged and read. */
  async progress(timeoutMs, count) {
    const goals = this.#sessions.map(session => Math.max(session.received, session.acknowledged) + count)
    const behind = () => this.#sessions.filter((s, i) => Math.min(s.received, s.acknowledged) < goals[i])
    const failed = () => this.complaints.length > 0
    try {
      await eventually(timeoutMs, () => failed() || behind().length === 0, "progress")
    } catch {
      throw new Error(`no progress in ${timeoutMs} ms: ${behind().map(s => `${s.name} ${s.constructor.name}`).join(", ")}`)
    }
  }

  get complaints() {
    return this.#sessions.flatMap(session => session.complaints)
  }

  /** Connections that are open all the time: for each session a reader and a writer. */
  get connections() {
    return 2 * this.#sessions.length
  }

  /** Percentiles of the tokens since the last call: {count, p50, p99, max}, in ms. */
  takeLatencies() {
    const all = this.#sessions.flatMap(session => session.latenciesMs.splice(0)).sort((a, b) => a - b)
    const at = share => all[Math.min(all.length - 1, Math.floor(all.length * share))]
    return { count: all.length, p50: at(0.5), p99: at(0.99), max: all.at(-1) }
  }

  takeRefusals() {
    const refusals = this.#sessions.reduce((sum, session) => sum + session.refusals, 0)
    this.#sessions.forEach(session => (session.refusals = 0))
    return refusals
  }

  /** Ends all in good order and reads back what the server has kept of them; what is wrong is in `complaints`. */
  async finish() {
    await Promise.all(this.#sessions.map(session => session.stop()))
    for (const session of this.#sessions) await session.check()
  }

  abandon() {
    this.#sessions.forEach(session => session.abandon())
  }
}
