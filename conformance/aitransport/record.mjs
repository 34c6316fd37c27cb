// What a session says according to the REST history alone, read without the SDK.

const headersOf = message => message.extras.ai.transport

/**
 * The text of each message of the conversation, by its codec-message-id: what the person wrote, or all of an answer's texts
 * one after the other. Of a step that was done again the last attempt counts.
 */
export function textsIn(history) {
  const attempts = new Map()
  for (const { name, serial, extras } of history) {
    const headers = extras?.ai.transport
    if (name === "ai-step-start") attempts.set(`${headers["run-id"]} ${headers["step-id"]}`, serial)
  }
  const texts = new Map()
  for (const message of history) {
    const headers = headersOf(message)
    const id = headers["codec-message-id"]
    const isText = message.name === "ai-output" ? message.extras.ai.codec?.kind === "text" : isUserText(message)
    if (!id || !isText) continue
    const attempt = attempts.get(`${headers["run-id"]} ${headers["step-id"]}`)
    if (headers["step-start-serial"] && headers["step-start-serial"] !== attempt) continue
    texts.set(id, (texts.get(id) ?? "") + message.data)
  }
  return texts
}

const isUserText = ({ name, extras }) => name === "ai-input" && extras.ai.codec?.kind === "user-message"

/** The answers that are not closed: a viewer would show them as growing for ever. */
export const openStreams = history => history.filter(message => headersOf(message).status === "streaming")
