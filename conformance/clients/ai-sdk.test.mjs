// Shows that a chat of the Vercel AI SDK over @durable-streams/aisdk-transport goes on after a page reload in
// mid-answer, with no token lost or doubled, and that all open pages show the same.
import { test } from "node:test"
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { createDurableChatTransport, toDurableStreamResponse } from "@durable-streams/aisdk-transport"
import { AbstractChat, convertToModelMessages, streamText } from "ai"
import { MockLanguageModelV3 } from "ai/test"
import { scriptedAnswer } from "../lib/answer.mjs"
import { startApp } from "../lib/app.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const WAIT_MS = 30_000
const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

test("a page that opens in mid-answer shows the whole answer, at every stage", async t => {
  const server = await startServer()
  t.after(() => server.stop())
  const answer = scriptedAnswer()
  const app = await startChatApp(server.url, answer)
  t.after(() => app.close())
  const open = messages => {
    const transport = createDurableChatTransport({ api: `${app.url}/chat` })
    return new Page({ id: "chat-1", messages, transport }, answer.text)
  }

  const first = open([])
  const pages = [{ page: first, done: first.sendMessage({ text: "What shall we do today?" }) }]
  for (const [stage, shown] of answer.shown.entries()) {
    for (const { page } of pages) await eventually(WAIT_MS, () => page.answer === shown, `stage ${stage}`)
    if (stage === answer.shown.length - 1) break
    // What a reload does: the new page has what the app had stored, the question, and asks for the running answer.
    // The old pages stay open, as tabs: the transport cannot end a resumed stream.
    const reloaded = open([first.messages[0]])
    pages.push({ page: reloaded, done: reloaded.resumeStream() })
    await eventually(WAIT_MS, () => reloaded.answer === shown, `stage ${stage} after the reload`)
    answer.release(stage)
  }
  for (const { page, done } of pages) {
    await within(WAIT_MS, done, "the end of the answer")
    assert.deepEqual(page.strayTexts, [])
    assert.equal(page.status, "ready")
    assert.equal(page.messages.length, 2)
    assert.equal(page.answer, answer.text)
  }
})

/** The app's backend as the transport's guide describes it: one stream for each answer, remembered while it runs. */
function startChatApp(streamsUrl, answer) {
  const running = new Map()
  const model = new MockLanguageModelV3({
    doStream: async () => ({ stream: ReadableStream.from(modelParts(answer)) }),
  })
  return startApp(async request => {
    if (request.method === "GET") {
      const streamUrl = running.get(new URL(request.url).pathname.split("/")[2])
      return streamUrl ? Response.json({ streamUrl }) : new Response(null, { status: 204 })
    }
    const { id, messages } = await request.json()
    const streamUrl = `${streamsUrl}/v1/stream/chats/${id}/${randomUUID()}`
    running.set(id, streamUrl)
    const result = streamText({ model, messages: await convertToModelMessages(messages) })
    return toDurableStreamResponse({
      source: result.toUIMessageStream(),
      stream: { writeUrl: streamUrl },
      waitUntil: written => written.finally(() => running.delete(id)),
    })
  })
}

async function* modelParts(answer) {
  yield { type: "stream-start", warnings: [] }
  yield { type: "text-start", id: "1" }
  for await (const delta of answer.tokens()) yield { type: "text-delta", id: "1", delta }
  yield { type: "text-end", id: "1" }
  yield { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage: USAGE }
}

/** What useChat is without React; it also notes every text it ever showed that is not a beginning of the answer. */
class Page extends AbstractChat {
  strayTexts = []

  constructor({ messages, ...init }, expected) {
    let current = messages
    const changed = () => {
      if (!expected.startsWith(this.answer)) this.strayTexts.push(this.answer)
    }
    super({
      ...init,
      state: {
        status: "ready",
        error: undefined,
        get messages() {
          return current
        },
        set messages(messages) {
          current = messages
          changed()
        },
        pushMessage: message => {
          current = [...current, message]
          changed()
        },
        popMessage: () => {
          current = current.slice(0, -1)
        },
        replaceMessage: (index, message) => {
          current = current.with(index, message)
          changed()
        },
        snapshot: value => structuredClone(value),
      },
    })
  }

  get answer() {
    const message = this.messages.findLast(({ role }) => role === "assistant")
    return message?.parts.filter(({ type }) => type === "text").map(({ text }) => text).join("") ?? ""
  }
}
