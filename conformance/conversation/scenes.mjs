// What people and agents do with a session, so that it can be recorded what @ably/ai-transport writes and makes of it.
import { Invocation } from "@ably/ai-transport"
import { createAgentSession, createClientSession, createToolResultFork, createUIMessageCodec } from "@ably/ai-transport/vercel"
import { loadAll } from "../aitransport/history.mjs"
import { MemorySession } from "./memory-session.mjs"

export const CHANNEL = "conversation"
const PAGED_ANSWERS = 12

export const codec = createUIMessageCodec()

const says = text => parts([{ type: "text", text }])
const parts = list => codec.createUserMessage({ id: crypto.randomUUID(), role: "user", parts: list })

/** What an agent's model says: the frame of one answer around these chunks. */
const answer = (...chunks) => [
  { type: "start", messageId: crypto.randomUUID() },
  { type: "start-step" },
  ...chunks.flat(),
  { type: "finish-step" },
  { type: "finish", finishReason: "stop" },
]

const text = (words, id = "t", kind = "text") => [
  { type: `${kind}-start`, id },
  ...words.split(/(?<= )/).map(delta => ({ type: `${kind}-delta`, id, delta })),
  { type: `${kind}-end`, id },
]

const call = (toolCallId, toolName, input, more = {}) => {
  const json = JSON.stringify(input)
  const half = Math.ceil(json.length / 2)
  return [
    { type: "tool-input-start", toolCallId, toolName, ...more },
    { type: "tool-input-delta", toolCallId, inputTextDelta: json.slice(0, half) },
    { type: "tool-input-delta", toolCallId, inputTextDelta: json.slice(half) },
    { type: "tool-input-available", toolCallId, toolName, input, ...more },
  ]
}

/** A stream that the scene feeds bit by bit. */
class Feed {
  #controller
  stream = new ReadableStream({ start: controller => (this.#controller = controller) })

  async say(...chunks) {
    for (const chunk of chunks.flat()) this.#controller.enqueue(chunk)
    await settled()
  }

  end() {
    this.#controller.close()
  }
}

/** Lets all that has been set in motion come to rest: nothing in memory waits for a timer. */
async function settled() {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

class Person {
  constructor(session) {
    this.session = session
  }

  get view() {
    return this.session.view
  }

  get last() {
    return this.view.getMessages().at(-1).codecMessageId
  }

  async send(input, options) {
    const run = await this.view.send(typeof input === "string" ? says(input) : input, options)
    await settled()
    return run
  }

  /** The run that waits, and the message and the call that it waits for. */
  get pending() {
    const { runId } = this.view.runs().find(run => run.status === "suspended")
    const { codecMessageId, message } = this.view.getMessages().findLast(({ message }) => message.parts.some(part => part.toolCallId))
    return { runId, codecMessageId, toolCallId: message.parts.findLast(part => part.toolCallId).toolCallId }
  }
}

class Agent {
  #piped

  constructor(session, piped) {
    this.session = session
    this.#piped = piped
  }

  async begin(clientRun, identity = {}) {
    const run = this.session.createRun(Invocation.fromJSON(clientRun.toInvocation().toJSON()), identity, { onError() {} })
    await loadAll(run.view)
    await run.start()
    return run
  }

  /** Answers an input with these chunks in one run. */
  async serve(clientRun, chunks, outcome = { reason: "complete" }) {
    const run = await this.begin(clientRun)
    this.#piped.push(chunks)
    await run.pipe(ReadableStream.from(chunks))
    await (outcome === "suspend" ? run.suspend() : run.end(outcome))
    await settled()
    return run
  }
}

/** A session with its people and agents. */
export class Scene {
  session = new MemorySession()
  /** What agents were given to say by serve(), answer by answer. */
  piped = []

  async person(name) {
    const session = createClientSession({ client: this.session.client(name), channelName: CHANNEL })
    await session.connect()
    await loadAll(session.view)
    return new Person(session)
  }

  async agent(name = "agent") {
    const session = createAgentSession({ client: this.session.client(name), channelName: CHANNEL })
    await session.connect()
    return new Agent(session, this.piped)
  }
}

export const scenes = {
  async "an answer with reasoning"(scene) {
    const ann = await scene.person("ann")
    const agent = await scene.agent()
    await agent.serve(await ann.send("why?"), answer(text("let me think ", "r", "reasoning"), text("because it is so ☃")))
  },

  async "parts of all kinds"(scene) {
    const ann = await scene.person("ann")
    const agent = await scene.agent()
    const question = parts([
      { type: "text", text: "what is this?" },
      { type: "file", mediaType: "image/png", url: "data:image/png;base64,iVBORw0KGgo=" },
      { type: "data-place", id: "here", data: { city: "Bern", binary: "AAH/" } },
    ])
    await agent.serve(await ann.send(question), [
      { type: "start", messageId: crypto.randomUUID(), messageMetadata: { model: "m" } },
      { type: "start-step" },
      { type: "source-url", sourceId: "s1", url: "https://example.com/", title: "Example" },
      { type: "source-url", sourceId: "s2", url: "https://example.org/" },
      { type: "source-document", sourceId: "s3", mediaType: "text/plain", title: "Notes", filename: "notes.txt" },
      { type: "file", mediaType: "text/plain", url: "data:text/plain;base64,aGk=" },
      { type: "data-chart", id: "c", data: { points: [1, 2] } },
      { type: "data-note", data: "first" },
      { type: "data-chart", id: "c", data: { points: [1, 2, 3] } },
      { type: "data-note", data: "second" },
      { type: "data-progress", data: 50, transient: true },
      ...call("t1", "weather", { city: "Bern" }, { title: "Weather" }),
      { type: "tool-output-available", toolCallId: "t1", output: { rain: false }, preliminary: true },
      { type: "tool-output-available", toolCallId: "t1", output: { rain: true } },
      ...call("t2", "clock", {}, { dynamic: true, providerExecuted: true }),
      { type: "tool-output-error", toolCallId: "t2", errorText: "no clock" },
      { type: "tool-input-available", toolCallId: "t3", toolName: "search", input: { query: "q" } },
      { type: "tool-input-error", toolCallId: "t4", toolName: "search", input: "{", errorText: "no JSON" },
      { type: "finish-step" },
      { type: "start-step" },
      ...text("it rains", "t"),
      { type: "finish-step" },
      { type: "message-metadata", messageMetadata: { model: "m", tokens: 7 } },
      { type: "finish", finishReason: "stop" },
    ])
  },

  async "what a provider says about parts"(scene) {
    const ann = await scene.person("ann")
    const agent = await scene.agent()
    const said = detail => ({ providerMetadata: { provider: { detail, nested: { "☃": [1, null, true] } } } })
    const withMetadata = (chunks, ...metadata) => chunks.map((chunk, n) => ({ ...chunk, ...metadata[n] }))
    const thinks = (words, id, ...metadata) => withMetadata(text(words, id, "reasoning"), ...metadata)
    await agent.serve(await ann.send("look into it"), answer(
      thinks("thinking", "both", said("begins"), {}, said("signed")),
      thinks("only", "begin", said("begins only")),
      thinks("signature", "end", {}, {}, said("at the end only")),
      withMetadata(text("well", "t"), {}, {}, said("text")),
      { type: "source-url", sourceId: "s", url: "https://example.com/", ...said("source") },
      { type: "source-document", sourceId: "d", mediaType: "text/plain", title: "D", ...said("document") },
      { type: "file", mediaType: "text/plain", url: "https://example.com/a.txt", ...said("file") },
      withMetadata(call("c1", "look", { at: 1 }), said("begins"), {}, {}, said("whole")),
      { type: "tool-output-available", toolCallId: "c1", output: 1 },
      withMetadata(call("c2", "look", { at: 2 }, { dynamic: true }), said("begins only")),
      { type: "tool-output-error", toolCallId: "c2", errorText: "no" },
      { type: "tool-input-available", toolCallId: "c3", toolName: "look", input: { at: 3 }, ...said("at once") },
      { type: "tool-input-error", toolCallId: "c4", toolName: "look", input: "{", errorText: "no JSON", ...said("wrong") },
    ))
  },

  async "decisions about calls that then succeed, fail or are broken off"(scene) {
    const ann = await scene.person("ann")
    const agent = await scene.agent()
    const ids = ["succeeds", "fails", "is denied", "is not executed"]
    const asks = ids.flatMap(id => [...call(id, "act", { on: id }), { type: "tool-approval-request", approvalId: `ask ${id}`, toolCallId: id }])
    await agent.serve(await ann.send("act"), answer(asks), "suspend")
    const { runId, codecMessageId } = ann.pending
    const decisions = ids.map(toolCallId =>
      codec.createToolApprovalResponse(codecMessageId, { toolCallId, approved: toolCallId !== "is denied", reason: `so it ${toolCallId}` }))
    const run = await agent.begin(await ann.send(decisions, { runId }))
    const feed = new Feed()
    const piped = run.pipe(feed.stream)
    await feed.say(
      { type: "start" },
      { type: "start-step" },
      { type: "tool-output-available", toolCallId: "succeeds", output: { done: true } },
      { type: "tool-output-error", toolCallId: "fails", errorText: "it is broken" },
      text("now ", "r", "reasoning").slice(0, -1),
      call("half", "act", { on: "half" }).slice(0, 2),
      text("I was about to ").slice(0, -1),
    )
    await ann.session.cancel(run.runId)
    const { reason } = await piped
    await run.end({ reason })
    await settled()
  },

  async "an agent that says only what is needed"(scene) {
    const ann = await scene.person("ann")
    const agent = await scene.agent()
    await agent.serve(await ann.send("hi"), text("hello "))
    await agent.serve(await ann.send("bye"), [...text("good "), ...text("bye", "u"), ...call("c", "wave", { hands: 2 })])
  },

  async "two answers, one after the other"(scene) {
    const ann = await scene.person("ann")
    const bob = await scene.person("bob")
    const agent = await scene.agent()
    await agent.serve(await ann.send("one"), answer(text("first answer")))
    await agent.serve(await bob.send("two"), answer(text("second answer")))
  },

  async "a cancelled answer"(scene) {
    const ann = await scene.person("ann")
    const bob = await scene.person("bob")
    const agent = await scene.agent()
    const run = await agent.begin(await ann.send("tell me all"))
    const feed = new Feed()
    const piped = run.pipe(feed.stream)
    await feed.say(answer(text("this is lo")).slice(0, -3))
    await bob.session.cancel(run.runId)
    const { reason } = await piped
    await run.end({ reason })
    await settled()
    await agent.serve(await bob.send("again"), answer(text("briefly")))
  },

  async "a cancel from before the agent has come"(scene) {
    const ann = await scene.person("ann")
    const run = await ann.send("never mind")
    await run.cancel()
    await settled()
  },

  async "an answer that fails"(scene) {
    const ann = await scene.person("ann")
    const agent = await scene.agent()
    const clientRun = await ann.send("try")
    const run = await agent.begin(clientRun)
    await run.pipe(ReadableStream.from([{ type: "start" }, ...text("well")]))
    await run.end({ reason: "error", error: { code: 50000, message: "the model is gone" } })
    await settled()
  },

  async "a steered run"(scene) {
    const ann = await scene.person("ann")
    const agent = await scene.agent()
    const clientRun = await ann.send("plan a trip")
    const run = await agent.begin(clientRun)
    run.hasInput()
    const feed = new Feed()
    const piped = run.pipe(feed.stream)
    await feed.say(answer(text("we take ")).slice(0, 4))
    const { published } = clientRun.steer(says("on Monday"))
    await published
    await feed.say(text("a car").slice(1), { type: "finish-step" }, { type: "finish", finishReason: "stop" })
    feed.end()
    await piped
    if (!run.hasInput()) throw new Error("the agent does not know that it was steered")
    await run.pipe(ReadableStream.from(answer(text("the train on Monday"))))
    await run.end({ reason: "complete" })
    await settled()

    // The second message of the run is generated anew.
    const again = await ann.view.regenerate(ann.last)
    await settled()
    await agent.serve(again, answer(text("the night train on Monday")))
  },

  async "two people ask at the same time"(scene) {
    const ann = await scene.person("ann")
    const bob = await scene.person("bob")
    const agent = await scene.agent()
    const [first, second] = [await ann.send("first"), await bob.send("second")]
    const runs = [await agent.begin(first), await agent.begin(second)]
    const feeds = [new Feed(), new Feed()]
    const piped = runs.map((run, n) => run.pipe(feeds[n].stream))
    const answers = [answer(text("to the first")), answer(text("to the second"))]
    for (let n = 0; n < answers[0].length; n++) {
      await feeds[0].say(answers[0][n])
      await feeds[1].say(answers[1][n])
    }
    feeds.forEach(feed => feed.end())
    await Promise.all(piped)
    for (const run of runs) await run.end({ reason: "complete" })
    await settled()
  },

  async "people write before anybody has answered"(scene) {
    const ann = await scene.person("ann")
    const bob = await scene.person("bob")
    const view = bob.session.createView()
    await Promise.all([ann.send("hello"), view.send(says("hi there"))])
    await settled()
    await ann.send("is there anybody?")
  },

  async "two agents answer one message"(scene) {
    const ann = await scene.person("ann")
    const [poet, critic] = [await scene.agent("poet"), await scene.agent("critic")]
    const asked = await ann.send("a poem, please")
    await poet.serve(asked, answer(text("roses are red")))
    await critic.serve(asked, answer(text("not another one")))
    await poet.serve(await ann.send("and now?"), answer(text("violets are blue")))
  },

  async "regenerated and edited messages"(scene) {
    const ann = await scene.person("ann")
    const bob = await scene.person("bob")
    const agent = await scene.agent()
    await agent.serve(await ann.send("one"), answer(text("answer to one")))
    const [{ codecMessageId: question }, { codecMessageId: reply }] = ann.view.getMessages()
    const again = await bob.view.regenerate(reply)
    await settled()
    await agent.serve(again, answer(text("another answer to one")))
    const third = await bob.view.regenerate(bob.last)
    await settled()
    await agent.serve(third, answer(text("a third answer to one")))
    const edited = await ann.view.edit(question, says("two"))
    await settled()
    await agent.serve(edited, answer(text("answer to two")))
    await agent.serve(await ann.send("more"), answer(text("more about two")))
    await agent.serve(await bob.send("and more"), answer(text("more about one")))
  },

  async "a tool runs at the client, in the same run"(scene) {
    const ann = await scene.person("ann")
    const bob = await scene.person("bob")
    const agent = await scene.agent()
    await agent.serve(await ann.send("where am I?"), answer(call("where", "location", {})), "suspend")
    const { runId, codecMessageId, toolCallId } = bob.pending
    const result = codec.createToolResult(codecMessageId, { toolCallId, output: { city: "Bern ☃" } })
    await agent.serve(await bob.send(result, { runId }), answer(text("you are in Bern")))
    await agent.serve(await ann.send("and now?"), answer(call("where again", "location", {})), "suspend")
    const now = ann.pending
    const failed = codec.createToolResultError(now.codecMessageId, { toolCallId: now.toolCallId, message: "no signal" })
    await agent.serve(await ann.send(failed, { runId: now.runId }), answer(text("I do not know")))
  },

  async "a tool runs at the clients, and each result makes a run of its own"(scene) {
    const ann = await scene.person("ann")
    const bob = await scene.person("bob")
    const agent = await scene.agent()
    await agent.serve(await ann.send("where are we?"), answer(text("let me see "), call("where", "location", {})), "suspend")
    const { runId, toolCallId } = ann.pending
    const suspended = ann.session.tree.getRunNode(runId)
    const fork = (person, city) => {
      const { input, sendOptions } = createToolResultFork({
        runMessages: codec.getMessages(suspended.projection),
        parentCodecMessageId: suspended.parentCodecMessageId,
        toolCallId,
        result: { output: { city } },
        supersedesRunId: runId,
      })
      return person.view.send([input], sendOptions)
    }
    const forks = [await fork(ann, "Bern"), await fork(bob, "Basel")]
    await settled()
    for (const [n, city] of ["Bern", "Basel"].entries()) await agent.serve(forks[n], answer(text(`in ${city}`)))
    await agent.serve(await ann.send("thanks"), answer(text("you are welcome")))
  },

  async "approvals by another client after the agent's process has ended"(scene) {
    const ann = await scene.person("ann")
    const bob = await scene.person("bob")
    for (const approved of [true, false]) {
      const toolCallId = `remove ${approved}`
      const asks = [...call(toolCallId, "remove", { all: true }), { type: "tool-approval-request", approvalId: `ask ${approved}`, toolCallId }]
      const first = await scene.agent(`first ${approved}`)
      await first.serve(await ann.send("remove it"), answer(asks), "suspend")
      await first.session.detach()
      const { runId, codecMessageId } = bob.pending
      const response = codec.createToolApprovalResponse(codecMessageId, { toolCallId, approved, ...(approved ? {} : { reason: "no" }) })
      const clientRun = await bob.send(response, { runId })
      const next = await scene.agent(`next ${approved}`)
      const outcome = approved
        ? { type: "tool-output-available", toolCallId, output: "removed" }
        : { type: "tool-output-denied", toolCallId }
      await next.serve(clientRun, answer([outcome], text(approved ? "done" : "as you like")))
    }
  },

  async "another agent takes over and does the step again"(scene) {
    const ann = await scene.person("ann")
    const first = await scene.agent("first")
    const second = await scene.agent("second")
    const asked = await ann.send("take your time")
    const run = await first.begin(asked)
    const step = run.createStep({ stepId: "answer" })
    await step.start()
    const feed = new Feed()
    step.pipe(feed.stream).catch(() => {})
    await feed.say(answer(text("half of an ")).slice(0, 4))
    const invocation = Invocation.fromJSON(asked.toInvocation().toJSON())
    const adopted = second.session.adoptRun(invocation, { runId: run.runId, invocationId: crypto.randomUUID() })
    await adopted.load()
    const again = adopted.createStep({ stepId: "answer" })
    await again.start()
    await again.pipe(ReadableStream.from(answer(text("a whole answer"))))
    await again.end()
    await adopted.end({ reason: "complete" })
    await settled()
  },

  async "a long history"(scene) {
    const ann = await scene.person("ann")
    const agent = await scene.agent()
    for (let n = 0; n < PAGED_ANSWERS; n++) await agent.serve(await ann.send(`question ${n}`), answer(text(`answer ${n}`)))
  },
}
