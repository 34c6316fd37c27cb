// A person in Java who watches sessions, for comparison with those who use the npm library.
import { JavaProcess } from "./java-process.mjs"

export class JavaWatcher {
  #process

  static async start(programs) {
    const watcher = new JavaWatcher()
    watcher.#process = await JavaProcess.start(programs, "Watcher", [])
    return watcher
  }

  /** Follows a session from now on. */
  watch = (url, key, channel) => this.#process.call("watch", url, key, channel)

  /** What it shows of a session, with all that came before: as Viewer.conversation() has it, if both are made forgetful. */
  conversation = channel => this.#process.call("conversation", channel)

  leave = channel => this.#process.call("leave", channel)

  end = () => this.#process.end()
}

/**
 * A conversation without what Java keeps and the npm library forgets: how far a text is, what a provider says, and the decision
 * about a tool call once the call has come to an end.
 */
export const forgetful = ({ messages, runs }) => ({
  messages: JSON.parse(JSON.stringify(messages), function (name, value) {
    if (name === "providerMetadata" || name === "callProviderMetadata") return undefined
    if (name === "state" && (this.type === "text" || this.type === "reasoning")) return undefined
    if (name === "approval" && this.state?.startsWith("output-")) return undefined
    return value
  }),
  runs: runs.map(({ runId, status }) => ({ runId, status })),
})
