// What a session says of its messages beyond what @ably/ai-transport shows. The library decodes how far a text is, what a
// model's provider says about a part, and what was decided about a tool call, but its messages leave that out. Here the AI SDK
// reads what the library has decoded; what the library shows stays as it is, and what it leaves out is added.
import { readUIMessageStream } from "ai7"
import { createUIMessageCodec } from "@ably/ai-transport/vercel"

const codec = createUIMessageCodec()

/** The library's codec, which in addition keeps what it folds, node by node, in the library's order. */
export const keepingCodec = {
  ...codec,
  init: () => ({ ...codec.init(), events: [] }),
  fold(state, event, meta) {
    state.events.push({ ...event, ...meta })
    return Object.assign(state, codec.fold(state, event, meta))
  },
}

/** The serials of those messages of a session that were broken off: the library says nothing at their end. */
export const brokenOff = messages =>
  new Set(messages.filter(({ extras }) => extras?.ai?.transport?.status === "cancelled").map(({ serial }) => serial))

/** The messages of a session with the keepingCodec: a map from each as the library has it to the whole one. */
export async function wholeMessages(session, broken) {
  const wholes = new Map()
  // Not part of its interface, but all of the tree.
  for (const { node } of session.tree._sortedNodes) {
    const drafts = new Drafts(node.projection, broken)
    for (const { codecMessageId, message } of node.projection.messages) {
      wholes.set(message, await drafts.whole(codecMessageId, message))
    }
  }
  return wholes
}

/** A run as the library shows it, with errors that can be compared. */
export const wholeRun = ({ runId, clientId, invocationId, status, steps, error }) =>
  ({ runId, clientId, invocationId, status, steps, error: error && { code: error.code, message: error.message } })

/** What is said in the messages of one node, as chunks that the AI SDK can read. */
class Drafts {
  #drafts = new Map()
  #answers = []

  constructor({ events }, broken) {
    const ends = new Map(events.map(({ serial }, n) => [serial, n]))
    for (const [n, { direction, event, serial, messageId }] of events.entries()) {
      if (direction === "input") this.#takeInput(event)
      else this.#takeOutput(event, messageId)
      const [, kind] = /^(text|reasoning)-/.exec(event.type) ?? []
      // What was broken off grows no more.
      if (kind && broken.has(serial) && ends.get(serial) === n) {
        this.#draft(messageId).chunks.push({ type: `${kind}-end`, id: event.id })
      }
      this.#answers = this.#answers.filter(answer => !this.#takeAnswer(answer))
    }
  }

  #draft(id, copied) {
    if (!this.#drafts.has(id)) this.#drafts.set(id, { copied, chunks: [], calls: new Map() })
    return this.#drafts.get(id)
  }

  #takeInput({ kind, codecMessageId, payload }) {
    if (!payload?.toolCallId) return
    const seed = this.#drafts.has(codecMessageId) ? [] : (payload.forkSeed?.messages ?? [])
    for (const { codecMessageId: id, message } of seed) {
      if (this.#drafts.has(id)) continue
      const { calls } = this.#draft(id, message)
      for (const { toolCallId, approval } of message.parts) if (toolCallId) calls.set(toolCallId, { approvalId: approval?.id })
    }
    this.#answers.push({ kind, codecMessageId, payload })
  }

  /** Says whether the call that is answered is there. */
  #takeAnswer({ kind, codecMessageId, payload: { toolCallId, output, message, approved, reason } }) {
    const { chunks, calls } = this.#drafts.get(codecMessageId) ?? {}
    if (!calls?.has(toolCallId)) return false
    if (kind === "tool-result") chunks.push({ type: "tool-output-available", toolCallId, output })
    else if (kind === "tool-result-error") chunks.push({ type: "tool-output-error", toolCallId, errorText: message })
    else chunks.push({ type: "tool-approval-response", approvalId: calls.get(toolCallId).approvalId, approved, reason })
    return true
  }

  #takeOutput(chunk, messageId) {
    const { type, toolCallId } = chunk
    // How a run ends is said by the run.
    if (type === "error" || type === "abort") return
    if (type === "tool-output-available" || type === "tool-output-error") {
      [...this.#drafts.values()].find(({ calls }) => calls.has(toolCallId))?.chunks.push(chunk)
      return
    }
    const { chunks, calls } = this.#draft(messageId)
    // The library looks for what these two are about only in the message in which they are said.
    if ((type === "tool-approval-request" || type === "tool-output-denied") && !calls.has(toolCallId)) return
    if (type.startsWith("tool-input") && !calls.has(toolCallId)) calls.set(toolCallId, { dynamic: chunk.dynamic })
    if (type === "tool-approval-request") calls.set(toolCallId, { ...calls.get(toolCallId), approvalId: chunk.approvalId })
    // The library says only at the beginning of a call that its tool is dynamic.
    const { dynamic } = (type === "tool-input-available" && calls.get(toolCallId)) || {}
    chunks.push(dynamic ? { ...chunk, dynamic } : chunk)
  }

  async whole(id, message) {
    // What people say is as they have sent it.
    if (message.role !== "assistant") return message
    const read = await this.#read(id)
    return { ...message, parts: message.parts.map((part, n) => wholePart(part, read.parts[n])) }
  }

  async #read(id) {
    const { copied, chunks } = this.#drafts.get(id)
    let last = copied
    const errors = []
    const onError = error => errors.push(error)
    // The AI SDK shows what has come so far when there is something to show.
    const stream = ReadableStream.from([...chunks, { type: "message-metadata", messageMetadata: {} }])
    for await (const message of readUIMessageStream({ message: structuredClone(copied), stream, onError })) last = message
    if (errors.length > 0) throw errors[0]
    return last
  }
}

/** A part as the library shows it, with what the AI SDK has read besides. */
function wholePart(shown, read) {
  const { state, providerMetadata, callProviderMetadata, resultProviderMetadata, approval } = read ?? {}
  if (read?.type !== shown.type) throw new Error(`the AI SDK reads ${JSON.stringify(read)} as ${JSON.stringify(shown)}`)
  // What a copy does not say to be growing has been said.
  const whole = shown.type === "text" || shown.type === "reasoning" ? { ...shown, state: state ?? "done" } : shown
  // Of a call whose input is wrong, the AI SDK takes the same for what is said of the result.
  const said = { providerMetadata, callProviderMetadata: callProviderMetadata ?? resultProviderMetadata, approval }
  return { ...whole, ...JSON.parse(JSON.stringify(said)) }
}
