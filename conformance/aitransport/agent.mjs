// An agent as its author would write it: it takes invocations, as JSON, and serves each with one run of the model.
import { convertToModelMessages, jsonSchema, streamText, tool } from "ai"
import { ErrorCode, Invocation, errorInfoIs } from "@ably/ai-transport"
import { createAgentSession, vercelRunOutcome } from "@ably/ai-transport/vercel"
import { loadAll } from "./history.mjs"

const NO_INPUT = jsonSchema({ type: "object", properties: {} })

export const REMOVED = "it is removed"


export class Agent {
  /** The calls of the tool that needs approval that it has done, by their ids. */
  removed = []
  #tools = {
    location: tool({ description: "runs at the client", inputSchema: NO_INPUT }),
    remove: tool({ description: "needs approval", inputSchema: NO_INPUT, needsApproval: true, execute: (_, { toolCallId }) => this.#remove(toolCallId) }),
  }
  #session
  #model
  /** What the session complains of; empty as long as the agent's channel has lost nothing. */
  complaints = []
  /** How often people have steered its runs. */
  steers = 0

  static async start({ client, channel, model }) {
    const agent = new Agent()
    agent.#model = model
    agent.#session = createAgentSession({ client, channelName: channel })
    agent.#session.on("error", error => agent.complaints.push(`agent: ${error}`))
    await agent.#session.connect()
    return agent
  }

  /**
   * Serves an invocation with a new run, or with the one that it goes on with. Gives how that ended. `stepId`: of the one step that
   * it has. `script`: what it says instead of what the model would.
   */
  async serve(invocation, options) {
    const run = this.#session.createRun(Invocation.fromJSON(invocation), {}, { onSteer: () => this.steers++ })
    try {
      await loadAll(run.view)
      await run.start()
    } catch (error) {
      // Cancelled before it began: then there is nothing to end.
      if (errorInfoIs(error, ErrorCode.OperationCancelled) || run.abortSignal.aborted) return "cancelled"
      throw error
    }
    return this.#end(run, options?.script ? await this.#perform(run, options.script) : await this.#answer(run, options?.stepId))
  }

  /** Takes over an open run, which another process has left, and does its step again. */
  async takeOver(invocation, { runId, stepId }) {
    const run = this.#session.adoptRun(Invocation.fromJSON(invocation), { runId, invocationId: crypto.randomUUID() })
    await run.load()
    await loadAll(run.view)
    return this.#end(run, await this.#answer(run, stepId))
  }

  #remove(toolCallId) {
    this.removed.push(toolCallId)
    return REMOVED
  }

  async #answer(run, stepId) {
    let outcome
    while (run.hasInput()) {
      const messages = run.view.getMessages().map(({ message }) => message)
      // What another process had said before it died is said again.
      while (stepId && messages.at(-1).role === "assistant") messages.pop()
      const result = streamText({
        model: this.#model,
        messages: await convertToModelMessages(messages),
        tools: this.#tools,
        abortSignal: run.abortSignal,
      })
      const output = result.toUIMessageStream({ generateMessageId: () => crypto.randomUUID() })
      outcome = await vercelRunOutcome(await pipe(run, stepId, output), result.finishReason)
      if (outcome.reason !== "complete") break
    }
    return outcome ?? { reason: "cancelled" }
  }

  /** Says what is in a script: rounds of chunks, in and between which a number is a gate that the test opens. */
  async #perform(run, { name, rounds, suspends }) {
    const { abortSignal } = run
    const aborted = new Promise(resolve => abortSignal.addEventListener("abort", resolve, { once: true }))
    const pass = gate => abortSignal.aborted || Promise.race([this.#model.gate(name, gate), aborted])
    async function* chunks(round) {
      for (const said of round) {
        if (typeof said === "number") await pass(said)
        else yield said
      }
    }
    for (const round of rounds) {
      if (typeof round === "number") await pass(round)
      else if (!abortSignal.aborted) {
        const { reason, error } = await run.pipe(ReadableStream.from(chunks(round)))
        if (reason === "error") throw error
      }
    }
    return { reason: abortSignal.aborted ? "cancelled" : suspends ? "suspend" : "complete" }
  }

  async #end(run, outcome) {
    if (outcome.reason === "suspend") await run.suspend()
    else await run.end(outcome)
    return outcome.reason
  }

  /** Leaves the channel; a run that is open stays so. */
  detach() {
    return this.#session.detach()
  }
}

/** A step with an id can be done again by another process; its output then takes the place of the first one's. */
async function pipe(run, stepId, output) {
  if (!stepId) return run.pipe(output)
  const step = run.createStep({ stepId })
  await step.start()
  const result = await step.pipe(output)
  await step.end()
  return result
}
