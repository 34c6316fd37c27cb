// A scripted model for the AI SDK. What it answers follows from the question alone, so that a test, and an agent in another
// process, know it too:
//
//   "use NAME"      it calls the tool NAME
//   "slowly, ..."   it answers in stages, and after each stage but the last waits for the test
//   anything else   it answers at once
import { scriptedAnswer } from "../lib/answer.mjs"

const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}
const MAX_ANSWERS = 1_000

/** The answer that the model gives when it is asked `question` for the `time`-th time. */
export const answerTo = (question, time = 1) => scriptedAnswer({ about: `${question} (${time}) `, stages: 3, tokensPerStage: 20 })

/** What the model is asked, so to say, when it gets the result of a tool. */
export const afterTool = toolName => `after ${toolName}`

export class ScriptedModel {
  specificationVersion = "v3"
  provider = "scripted"
  modelId = "scripted"
  supportedUrls = {}

  /** What the model was given, oldest first. */
  prompts = []
  #answers = new Map()
  #asked = new Map()
  #gates = new Map()

  /** Lets the model go on after stage number `stage` of its answer. */
  release(question, time, stage) {
    this.#answer(question, time).release(stage)
    this.#gate(question, stage).open()
  }

  /** Waits until the agent may go on in the script of this name. */
  gate(script, stage) {
    return this.#gate(script, stage).opened
  }

  #gate(script, stage) {
    const name = `${script} ${stage}`
    if (!this.#gates.has(name)) {
      const gate = {}
      gate.opened = new Promise(resolve => (gate.open = resolve))
      this.#gates.set(name, gate)
    }
    return this.#gates.get(name)
  }

  #answer(question, time) {
    const name = `${question} (${time})`
    if (!this.#answers.has(name)) {
      if (this.#answers.size === MAX_ANSWERS) throw new Error(`more than ${MAX_ANSWERS} answers`)
      this.#answers.set(name, answerTo(question, time))
    }
    return this.#answers.get(name)
  }

  async doStream({ prompt, abortSignal }) {
    this.prompts.push(prompt)
    const question = questionIn(prompt)
    const time = (this.#asked.get(question) ?? 0) + 1
    this.#asked.set(question, time)
    const [, toolName] = /^use (\w+)$/.exec(question) ?? []
    const parts = toolName ? callParts(toolName) : textParts(this.#answer(question, time), !question.startsWith("slowly"), abortSignal)
    return { stream: ReadableStream.from(parts) }
  }
}

function questionIn(prompt) {
  const { role, content } = prompt.at(-1)
  if (role === "tool") return afterTool(content.at(-1).toolName)
  if (role !== "user") throw new Error(`the prompt ends with a message of the ${role}`)
  return content.map(part => part.text).join("")
}

async function* textParts(answer, atOnce, abortSignal) {
  yield { type: "stream-start", warnings: [] }
  yield { type: "text-start", id: "text" }
  if (atOnce) yield { type: "text-delta", id: "text", delta: answer.text }
  else for await (const delta of answer.tokens(abortSignal)) yield { type: "text-delta", id: "text", delta }
  yield { type: "text-end", id: "text" }
  yield { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage: USAGE }
}

async function* callParts(toolName) {
  yield { type: "stream-start", warnings: [] }
  yield { type: "tool-call", toolCallId: `call of ${toolName}`, toolName, input: "{}" }
  yield { type: "finish", finishReason: { unified: "tool-calls", raw: "tool_calls" }, usage: USAGE }
}
