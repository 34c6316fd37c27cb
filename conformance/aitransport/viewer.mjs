// A person's client: asks, watches, and tells what it sees.
import * as Ably from "ably"
import { ErrorCode, errorInfoIs } from "@ably/ai-transport"
import { createClientSession, createUIMessageCodec } from "@ably/ai-transport/vercel"
import { eventually } from "../lib/wait.mjs"
import { loadAll } from "./history.mjs"

export const WAIT_MS = 30_000

const codec = createUIMessageCodec()

export const textOf = ({ parts }) => parts.map(part => (part.type === "text" ? part.text : "")).join("")

const isToolPart = (part, name) => part.toolCallId && (part.toolName ?? part.type).endsWith(name)

const userMessage = text =>
  codec.createUserMessage({ id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] })

export class Viewer {
  #options
  #channel
  #client
  #hush
  session
  /** What the session complains of; empty as long as its channel has lost nothing. */
  complaints = []

  /** `options`: of its Ably client. It has read the whole session when it is open, unless it is `lazy`. */
  static async open({ options, channel, lazy = false }) {
    const viewer = new Viewer()
    viewer.#options = options
    viewer.#channel = channel
    await viewer.#open()
    if (!lazy) await loadAll(viewer.view)
    return viewer
  }

  async #open() {
    this.#client = new Ably.Realtime(this.#options)
    this.session = createClientSession({ client: this.#client, channelName: this.#channel })
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

  send(text, options) {
    return this.view.send(userMessage(text), options)
  }

  edit(codecMessageId, text) {
    return this.view.edit(codecMessageId, userMessage(text))
  }

  steer(run, text) {
    return run.steer(userMessage(text))
  }

  /** Gives a tool's result to the run that waits for it. */
  sendToolResult({ codecMessageId, runId }, toolCallId, output) {
    return this.view.send(codec.createToolResult(codecMessageId, { toolCallId, output }), { runId })
  }

  approve({ codecMessageId, runId }, toolCallId) {
    return this.view.send(codec.createToolApprovalResponse(codecMessageId, { toolCallId, approved: true }), { runId })
  }

  /** The texts of all messages that are shown. */
  get texts() {
    return this.view.getMessages().map(({ message }) => textOf(message))
  }

  /** Waits until one of the shown messages says just `text`. */
  shows(text) {
    const what = `${this.name} to show ${JSON.stringify(text.slice(-60))}`
    return eventually(WAIT_MS, () => this.texts.includes(text), what).catch(error => {
      throw new Error(`${error.message}; it shows ${JSON.stringify(this.texts)}`)
    })
  }

  /** Waits until there are `count` runs and all of them have one of these statuses. */
  async runsAre(count, ...statuses) {
    const fits = () => {
      const runs = this.view.runs()
      return runs.length === count && runs.every(run => statuses.includes(run.status))
    }
    await eventually(WAIT_MS, fits, `${this.name} to have ${count} runs that are ${statuses}`).catch(error => {
      throw new Error(`${error.message}; it has ${JSON.stringify(this.view.runs())}`)
    })
  }

  /** The message that waits for the client to do something about tool `name`, once there is one in that state. */
  pendingTool(name, state) {
    return eventually(
      WAIT_MS,
      () => {
        for (const { codecMessageId, message } of this.view.getMessages()) {
          const part = message.parts.find(part => isToolPart(part, name) && part.state === state)
          const run = this.view.runOf(codecMessageId)
          if (part && run?.status === "suspended") {
            return { codecMessageId, runId: run.runId, toolCallId: part.toolCallId }
          }
        }
      },
      `${this.name} to be asked about the tool ${name} (${state})`,
    )
  }

  /**
   * The whole conversation as a fresh view of this client has it: the messages of the newest branch, each with its
   * alternatives, and how the runs stand. Not whose runs they are: a client whose page of the history begins between a run's start
   * and its first step never learns that.
   */
  async conversation() {
    const view = this.session.createView()
    try {
      await loadAll(view)
      const messages = view.getMessages().map(({ codecMessageId, message }) => ({
        codecMessageId,
        message,
        alternatives: view.branchSelection(codecMessageId).siblings,
      }))
      // As JSON: fields that are absent here and undefined there are the same.
      return JSON.parse(JSON.stringify({ messages, runs: view.runs().map(({ clientId, ...run }) => run) }))
    } finally {
      view.close()
    }
  }
}
