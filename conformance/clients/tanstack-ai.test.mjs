// Shows that a TanStack AI chat over @durable-streams/tanstack-ai-transport goes on after cut connections and page
// reloads in mid-answer, with no token lost or doubled, and that a second page sees the same.
import { test } from "node:test"
import assert from "node:assert/strict"
import {
  durableStreamConnection,
  ensureDurableChatSessionStream,
  materializeSnapshotFromDurableStream,
  toDurableChatSessionResponse,
} from "@durable-streams/tanstack-ai-transport"
import { chat } from "@tanstack/ai"
import { ChatClient } from "@tanstack/ai-client"
import { scriptedAnswer } from "../lib/answer.mjs"
import { startApp } from "../lib/app.mjs"
import { startProxy } from "../lib/proxy.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const WAIT_MS = 30_000
const QUESTION = "What shall we do today?"
const PATH = "/v1/stream/chats/chat-1"

test("an answer survives a reload at every stage, and all pages show the same", async t => {
  const server = await startServer()
  t.after(() => server.stop())
  const browserSide = await startProxy(server.url)
  t.after(() => browserSide.close())
  const answer = scriptedAnswer()
  const writeUrl = server.url + PATH
  const readUrl = browserSide.url + PATH
  await ensureDurableChatSessionStream({ writeUrl })
  const app = await startApp(async request => {
    const { messages } = await request.json()
    return toDurableChatSessionResponse({
      stream: { writeUrl },
      newMessages: [messages.at(-1)],
      responseStream: chat({ adapter: scriptedAdapter(answer), messages }),
    })
  })
  t.after(() => app.close())

  const open = ({ messages, offset } = {}) => {
    const page = openPage({ sendUrl: app.url, readUrl, initialOffset: offset }, messages, answer.text)
    t.after(() => page.client.dispose())
    return page
  }
  const reload = async () => open(await materializeSnapshotFromDurableStream({ readUrl: writeUrl }))

  let page = open()
  const watcher = openPage({ sendUrl: app.url, readUrl: writeUrl }, undefined, answer.text)
  t.after(() => watcher.client.dispose())
  page.client.sendMessage(QUESTION).catch(() => {}) // this page is closed in mid-answer
  const pages = [page, watcher]
  for (const [stage, shown] of answer.shown.entries()) {
    await eventually(WAIT_MS, () => page.answer() === shown, `stage ${stage}`)
    if (stage === answer.shown.length - 1) break

    browserSide.cutAll()
    page.client.dispose()
    // Every other page comes from the app's server with the messages so far; the rest start from nothing.
    page = stage % 2 === 0 ? await reload() : open()
    pages.push(page)
    await eventually(WAIT_MS, () => page.answer() === shown, `stage ${stage} after the reload`)
    answer.release(stage)
  }
  await eventually(WAIT_MS, () => watcher.answer() === answer.text, "the whole answer on the second page")

  for (const { strayTexts } of pages) assert.deepEqual(strayTexts, [])
  for (const { client } of [page, watcher, await reload()]) {
    const texts = client.getMessages().map(message => [message.role, textOf(message)])
    assert.deepEqual(texts, [["user", QUESTION], ["assistant", answer.text]])
  }
})

/** A page with the chat open; it notes every text it ever showed that is not a beginning of the answer. */
function openPage(connectionOptions, initialMessages, expected) {
  const strayTexts = []
  const answerIn = messages => textOf(messages.findLast(({ role }) => role === "assistant"))
  const client = new ChatClient({
    connection: durableStreamConnection(connectionOptions),
    initialMessages,
    onMessagesChange(messages) {
      if (!expected.startsWith(answerIn(messages))) strayTexts.push(answerIn(messages))
    },
  })
  client.subscribe()
  return { client, strayTexts, answer: () => answerIn(client.getMessages()) }
}

const textOf = message =>
  message?.parts.filter(({ type }) => type === "text").map(({ content }) => content).join("") ?? ""

/** A model that speaks the script. */
function scriptedAdapter(answer) {
  return {
    kind: "text",
    name: "scripted",
    model: "scripted",
    async *chatStream() {
      const run = { runId: "run-1", threadId: "chat-1", model: "scripted" }
      const message = { messageId: "answer-1", model: "scripted" }
      yield { type: "RUN_STARTED", ...run }
      yield { type: "TEXT_MESSAGE_START", ...message, role: "assistant" }
      for await (const delta of answer.tokens()) yield { type: "TEXT_MESSAGE_CONTENT", ...message, delta }
      yield { type: "TEXT_MESSAGE_END", ...message }
      yield { type: "RUN_FINISHED", ...run, finishReason: "stop" }
    },
  }
}
