// What a session says according to the REST history alone, read without the SDK.

const headersOf = message => message.extras?.ai?.transport ?? {}

const isText = ({ name, extras }) =>
  (name === "ai-output" && extras.ai.codec?.kind === "text") || (name === "ai-input" && extras.ai.codec?.kind === "user-message" && extras.ai.codec.partType === "text")

/** The messages that count: of a step that was done again, the last attempt's. */
function valid(history) {
  const stepOf = message => `${headersOf(message)["run-id"]} ${headersOf(message)["step-id"]}`
  const attempts = new Map()
  for (const message of history) if (message.name === "ai-step-start") attempts.set(stepOf(message), message.serial)
  return history.filter(message => {
    const attempt = headersOf(message)["step-start-serial"]
    return !attempt || attempt === attempts.get(stepOf(message))
  })
}

/**
 * The text of each message of the conversation, by its codec-message-id: what the person wrote, or all of an answer's texts
 * one after the other.
 */
export function textsIn(history) {
  const texts = new Map()
  for (const message of valid(history).filter(isText)) {
    const id = headersOf(message)["codec-message-id"]
    texts.set(id, (texts.get(id) ?? "") + message.data)
  }
  return texts
}

/** Whose each run is, by its id. */
export const ownersIn = history =>
  new Map(history.map(headersOf).filter(headers => headers["run-client-id"]).map(headers => [headers["run-id"], headers["run-client-id"]]))

/** How often each run has ended, by its id. */
export function endsIn(history) {
  const ends = new Map()
  for (const message of history.filter(({ name }) => name === "ai-run-end")) {
    const id = headersOf(message)["run-id"]
    ends.set(id, (ends.get(id) ?? 0) + 1)
  }
  return ends
}

/** The texts that are not closed: a viewer would show them as growing for ever. */
export const growing = history =>
  valid(history).filter(message => headersOf(message).status === "streaming").map(message => message.data)
