// A person's client: asks, watches, and tells what it sees. Viewer is one with the npm library, JavaViewer one in Java.
import * as Ably from "ably"
import { createClientSession, ErrorCode, errorInfoIs } from "@ably/ai-transport"
import { createToolResultFork, createUIMessageCodec } from "@ably/ai-transport/vercel"
import { brokenOff, keepingCodec, wholeMessages, wholeRun } from "../conversation/whole.mjs"
import { eventually } from "../lib/wait.mjs"
import { loadAll } from "./history.mjs"
import { ownersIn } from "./record.mjs"

export const WAIT_MS = 30_000

const codec = createUIMessageCodec()

export const textOf = ({ parts }) => parts.map(part => (part.type === "text" ? part.text : "")).join("")

const isToolPart = (part, name) => part.toolCallId && (part.toolName ?? part.type).endsWith(name)

/** `said`: a text, or parts. */
const userMessage = said => {
  const parts = typeof said === "string" ? [{ type: "text", text: said }] : said
  return codec.createUserMessage({ id: crypto.randomUUID(), role: "user", parts })
}

/** What a person sees, whatever the client; subclasses have messages(), runs(), runOf() and a name. */
export class Person {
  /** The texts of all messages that are shown. */
  async texts() {
    return (await this.messages()).map(({ message }) => textOf(message))
  }

  /** Waits until one of the shown messages says just `text`. */
  shows(text) {
    const what = `${this.name} to show ${JSON.stringify(text.slice(-60))}`
    return eventually(WAIT_MS, async () => (await this.texts()).includes(text), what).catch(async error => {
      throw new Error(`${error.message}; it shows ${JSON.stringify(await this.texts())}`)
    })
  }

  /** Waits until there are `count` runs and all of them have one of these statuses. */
  async runsAre(count, ...statuses) {
    const fits = async () => {
      const runs = await this.runs()
      return runs.length === count && runs.every(run => statuses.includes(run.status))
    }
    await eventually(WAIT_MS, fits, `${this.name} to have ${count} runs that are ${statuses}`).catch(async error => {
      throw new Error(`${error.message}; it has ${JSON.stringify(await this.runs())}`)
    })
  }

  /** The message that waits for the client to do something about tool `name`, once there is one in that state. */
  pendingTool(name, state) {
    return eventually(
      WAIT_MS,
      async () => {
        for (const { codecMessageId, message } of await this.messages()) {
          const part = message.parts.find(part => isToolPart(part, name) && part.state === state)
          const run = part && (await this.runOf(codecMessageId))
          if (run?.status === "suspended") return { codecMessageId, runId: run.runId, toolCallId: part.toolCallId }
        }
      },
      `${this.name} to be asked about the tool ${name} (${state})`,
    )
  }
}

export class Viewer extends Person {
  #options
  #channel
  #codec
  #client
  #hush
  session
  /** What the session complains of; empty as long as its channel has lost nothing. */
  complaints = []

  /**
   * `options`: of its Ably client. It has read the whole session when it is open, unless it is `lazy`. One that `keeps` what the
   * library decodes can tell the wholeConversation().
   */
  static async open({ options, channel, lazy = false, keeps = false }) {
    const viewer = new Viewer()
    viewer.#options = options
    viewer.#channel = channel
    viewer.#codec = keeps ? keepingCodec : codec
    await viewer.#open()
    if (!lazy) await loadAll(viewer.view)
    return viewer
  }

  async #open() {
    this.#client = new Ably.Realtime(this.#options)
    this.session = createClientSession({ client: this.#client, channelName: this.#channel, codec: this.#codec })
    this.#hush = this.session.on("error", error => {
      // That a run has ended with an error is no trouble of the session.
      if (!errorInfoIs(error, ErrorCode.StreamError)) this.complaints.push(`${this.name}: ${error}`)
    })
    await this.session.connect()
  }

  get name() {
    return this.#options.clientId
  }

  get view() {
    return this.session.view
  }

  messages = () => this.view.getMessages()
  runs = () => this.view.runs()
  runOf = codecMessageId => this.view.runOf(codecMessageId)

  /** What a page refresh does: all that the page knew is gone. */
  async refresh() {
    this.#hush()
    this.#client.close()
    await this.#open()
    await loadAll(this.view)
  }

  async close() {
    await this.session.close()
    this.#client.close()
  }

  send(said, options) {
    return this.view.send(userMessage(said), options)
  }

  edit(codecMessageId, text) {
    return this.view.edit(codecMessageId, userMessage(text))
  }

  regenerate(codecMessageId) {
    return this.view.regenerate(codecMessageId)
  }

  cancel(runId) {
    return this.session.cancel(runId)
  }

  steer(run, text) {
    return run.steer(userMessage(text))
  }

  /** Gives a tool's result to the run that waits for it. */
  sendToolResult({ codecMessageId, runId }, toolCallId, output) {
    return this.view.send(codec.createToolResult(codecMessageId, { toolCallId, output }), { runId })
  }

  /** Gives a tool's result to a run of its own, which takes the place of the one that waits for it. */
  sendToolResultFork({ runId }, toolCallId, output) {
    const suspended = this.session.tree.getRunNode(runId)
    const { input, sendOptions } = createToolResultFork({
      runMessages: codec.getMessages(suspended.projection),
      parentCodecMessageId: suspended.parentCodecMessageId,
      toolCallId,
      result: { output },
      supersedesRunId: suspended.runId,
    })
    return this.view.send([input], sendOptions)
  }

  approve({ codecMessageId, runId }, toolCallId) {
    return this.view.send(codec.createToolApprovalResponse(codecMessageId, { toolCallId, approved: true }), { runId })
  }

  hasOlder = () => this.view.hasOlder()

  /** Shows so many more messages, if there are so many; gives how many there are. */
  async loadOlder(count) {
    return (await this.view.loadOlder(count)).length
  }

  loadsExactly = true

  /** Another view, with selections of its own. */
  createView() {
    const view = this.session.createView()
    return {
      messages: () => view.getMessages(),
      alternatives: codecMessageId => view.branchSelection(codecMessageId).siblings.length,
      select: (codecMessageId, index) => view.branchSelection(codecMessageId).select(index),
      close: () => view.close(),
    }
  }

  /**
   * The whole conversation as a fresh view of this client has it: the messages of the newest branch, each with its
   * alternatives, and how the runs stand.
   */
  conversation() {
    // Not whose runs they are: a client whose page of the history begins between a run's start and its first step never learns that.
    return this.#conversation(message => message, ({ clientId, ...run }) => run)
  }

  /** The same, with what the library decodes and does not show. `history`: all messages of the session. */
  async wholeConversation(history) {
    const wholes = await wholeMessages(this.session, brokenOff(history))
    const owners = ownersIn(history)
    const ownedRun = run => ({ ...wholeRun(run), clientId: run.clientId || owners.get(run.runId) })
    return this.#conversation(message => wholes.get(message), ownedRun)
  }

  async #conversation(messageAs, runAs) {
    const view = this.session.createView()
    try {
      await loadAll(view)
      const messages = view.getMessages().map(({ codecMessageId, message }) => ({
        codecMessageId,
        message: messageAs(message),
        alternatives: view.branchSelection(codecMessageId).siblings.map(messageAs),
      }))
      // As JSON: fields that are absent here and undefined there are the same.
      return JSON.parse(JSON.stringify({ messages, runs: view.runs().map(runAs) }))
    } finally {
      view.close()
    }
  }

  /** What this client should see of a conversation that is seen `{ plain, whole }`. */
  shouldSee = ({ plain }) => plain
}
