// A person's client in Java: what a Viewer does with the npm library.
import { Person } from "./viewer.mjs"

export class JavaViewer extends Person {
  #call
  #name
  #state
  #isWhole = false
  /** Nothing: what goes wrong in Java fails the call. */
  complaints = []

  /** `peers`: the JavaPeers among whom the person is. It has read the whole session when it is open, unless it is `lazy`. */
  static async open(peers, { url, key, clientId, channel, lazy = false }) {
    const viewer = new JavaViewer()
    viewer.#name = clientId
    viewer.#call = await peers.open("person", { url, key, clientId, channel, lazy }, () => viewer.#changed())
    return viewer
  }

  /** There is something new to see: the client has said so, or this person has loaded it. */
  #changed() {
    this.#state = undefined
  }

  #look() {
    return (this.#state ??= this.#call("state"))
  }

  get name() {
    return this.#name
  }

  async messages() {
    return (await this.#look()).messages
  }

  async runs() {
    return (await this.#look()).runs
  }

  async runOf(codecMessageId) {
    return (await this.messages()).find(message => message.codecMessageId === codecMessageId)?.run
  }

  refresh = () => this.#call("refresh")
  close = () => this.#call("leave")

  async #say(method, ...args) {
    const sent = await this.#call(method, ...args)
    return {
      sent,
      toInvocation: () => ({ toJSON: () => sent.invocation }),
      cancel: () => this.#call("cancelSent", sent),
    }
  }

  send = said => this.#say("send", said)
  edit = (codecMessageId, text) => this.#say("edit", codecMessageId, text)
  regenerate = codecMessageId => this.#say("regenerate", codecMessageId)
  cancel = runId => this.#call("cancel", runId)

  steer(run, text) {
    const published = this.#say("steer", run.sent, text)
    return { published, outcome: published.then(({ sent }) => this.#call("fateOfSteer", sent)) }
  }

  sendToolResult = (pending, toolCallId, output) => this.#say("toolResult", toolCallId, output)
  sendToolResultFork = (pending, toolCallId, output) => this.#say("toolResultFork", toolCallId, output)
  approve = (pending, toolCallId) => this.#say("approve", toolCallId)

  hasOlder = () => !this.#isWhole

  /** Shows at least so many more messages, if there are so many: it shows all that a page of the history brings. */
  async loadOlder(count) {
    const loaded = await this.#call("loadOlder", count)
    this.#isWhole = loaded < count
    this.#changed()
    return loaded
  }

  loadsExactly = false

  async createView() {
    const view = await this.#call("createView")
    return {
      messages: () => this.#call("messagesOfView", view),
      alternatives: codecMessageId => this.#call("alternatives", view, codecMessageId),
      select: (codecMessageId, index) => this.#call("select", view, codecMessageId, index),
      close: () => this.#call("closeView", view),
    }
  }

  conversation = () => this.#call("conversation")

  /** The messages as a room shows them: who says what, in the order of the log. */
  room = () => this.#call("room")

  /** Java shows all that is said of messages and runs. */
  shouldSee = ({ whole }) => whole
}
