// A person who uses the session door with nothing but HTTP: what a Viewer does with the npm library.
import { randomUUID } from "node:crypto"
import { Person, WAIT_MS } from "../aitransport/viewer.mjs"
import { eventually } from "../lib/wait.mjs"
import { DoorClient } from "./door.mjs"

const BRANCH = "view=branch"

export class DoorPerson extends Person {
  #client
  #channel
  #name
  /** Nothing: what goes wrong fails the request. */
  complaints = []

  static async open({ url, key, clientId, channel }) {
    const person = new DoorPerson()
    person.#name = clientId
    person.#channel = channel
    person.#client = new DoorClient({ url, key, actorId: clientId })
    return person
  }

  get #path() {
    return `/sessions/${encodeURIComponent(this.#channel)}`
  }

  /** The answer to a request, which is sent again as long as the network, or the server, is not there. */
  async #request(method, path, body) {
    const answer = await eventually(
      WAIT_MS,
      async () => {
        const answer = await this.#client.request(method, this.#path + path, body).catch(() => undefined)
        return answer && answer.status < 500 && answer.status !== 429 ? answer : undefined
      },
      `${method} ${path}`,
    )
    if (answer.status >= 400) throw new Error(`${method} ${path} got ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  #write = (method, path, body) => this.#request(method, path, { txid: randomUUID(), ...body })

  get name() {
    return this.#name
  }

  async #branch(selected = []) {
    const query = [BRANCH, ...selected.map(id => `select=${encodeURIComponent(id)}`)].join("&")
    return this.#request("GET", `/messages?${query}`)
  }

  async messages(selected) {
    return (await this.#branch(selected)).messages.map(shown)
  }

  async runs() {
    return (await this.#branch()).runs
  }

  async runOf(codecMessageId) {
    const { messages, runs } = await this.#branch()
    const { runId } = messages.find(({ messageId }) => messageId === codecMessageId) ?? {}
    return runs.find(run => run.runId === runId)
  }

  async refresh() {}
  async close() {}

  /** What the library returns for what was said; `eventId` is the request's own id. */
  #said(eventId) {
    return {
      messageId: eventId,
      toInvocation: () => ({ toJSON: () => ({ inputEventId: eventId, sessionName: this.#channel }) }),
      cancel: () => this.#write("POST", "/stop", { messageId: eventId }),
    }
  }

  async #say(method, path, body) {
    const txid = randomUUID()
    await this.#request(method, path, { txid, ...body })
    return this.#said(txid)
  }

  /** `said` is a text, or the parts of a UI message. */
  send = said => this.#say("POST", "/messages", typeof said === "string" ? { content: said } : { parts: said })
  edit = (codecMessageId, content) => this.#say("PUT", `/messages/${encodeURIComponent(codecMessageId)}`, { content })
  regenerate = fromMessageId => this.#say("POST", "/regenerate", { fromMessageId })
  cancel = runId => this.#write("POST", "/stop", { runId })

  steer({ messageId }, content) {
    const published = this.#runAnswering(messageId).then(runId => this.#say("POST", "/messages", { content, runId }))
    return { published, outcome: published.then(steer => this.#fateOf(steer.messageId)) }
  }

  async #nodes() {
    return (await this.#request("GET", "/conversation")).nodes
  }

  async #runAnswering(messageId) {
    const run = (await this.#nodes()).findLast(({ type, parent }) => type === "run" && parent === messageId)
    return run.id
  }

  /** What has become of a message that steers a run, once the run has ended. */
  #fateOf(messageId) {
    return eventually(
      WAIT_MS,
      async () => {
        const run = (await this.#nodes()).find(({ messages }) => messages.some(message => message.messageId === messageId))
        if (["active", "suspended"].includes(run.status)) return undefined
        return { consumed: run.answeredSteers.includes(messageId), runTerminalReason: run.status }
      },
      "the fate of the steer",
    )
  }

  sendToolResult = (pending, toolCallId, output) => this.#say("POST", "/tool-results", { toolCallId, output })
  sendToolResultFork = (pending, toolCallId, output) => this.#say("POST", "/tool-results", { toolCallId, output, fork: true })

  async approve({ codecMessageId }, toolCallId) {
    const { message } = (await this.messages()).find(shown => shown.codecMessageId === codecMessageId)
    const { approval } = message.parts.find(part => part.toolCallId === toolCallId)
    return this.#say("POST", `/approvals/${encodeURIComponent(approval.id)}`, { approved: true })
  }

  // It has no page to fill: it always reads the newest part, which is all of a short session.
  hasOlder = () => false
  loadOlder = async () => 0
  loadsExactly = false

  async createView() {
    const selected = []
    return {
      messages: () => this.messages(selected),
      alternatives: async id => (await this.#alternatives(selected, id)).length,
      select: async (id, index) => selected.push((await this.#alternatives(selected, id))[index]),
      close() {},
    }
  }

  async #alternatives(selected, id) {
    return (await this.#branch(selected)).messages.find(({ alternatives, messageId }) =>
      [messageId, ...alternatives].includes(id))?.alternatives ?? []
  }

  async conversation() {
    const { messages, runs } = await this.#branch()
    const all = new Map((await this.#nodes()).flatMap(node => node.messages.map(message => [message.messageId, message])))
    return forgetful({
      messages: messages.map(message => ({
        ...shown(message),
        alternatives: (message.alternatives.length ? message.alternatives : [message.messageId]).map(id => shown(all.get(id)).message),
      })),
      runs,
    })
  }

  /** The server shows more than the npm library does: only what both have is compared. */
  shouldSee = ({ plain }) => forgetful(plain)
}

/**
 * A conversation without what the server keeps and the npm library forgets: how far a text is, what a provider says, and the
 * decision about a tool call once the call has come to an end.
 */
const forgetful = ({ messages, runs }) => ({
  messages: JSON.parse(JSON.stringify(messages), function (name, value) {
    if (name === "providerMetadata" || name === "callProviderMetadata") return undefined
    if (name === "state" && (this.type === "text" || this.type === "reasoning")) return undefined
    if (name === "approval" && this.state?.startsWith("output-")) return undefined
    return value
  }),
  runs: runs.map(({ runId, status }) => ({ runId, status })),
})

/** A message as the library shows it, without what only the session door says of it. */
function shown({ messageId, clientId, serial, createdAt, runId, alternatives, ...message }) {
  return { codecMessageId: messageId, message }
}
