// An agent as Electric's Durable Sessions call it, as its author would write it: it answers POST with server-sent events, whose lines
// are chunks of TanStack AI.
import { once } from "node:events"
import { createServer } from "node:http"

export class SseAgent {
  #server
  #serve
  /** What came: { headers, body, aborted }, where `aborted` resolves when the caller hangs up. */
  calls = []

  /** `serve`: answers a call; it gets what sends lines and ends the answer, and the call. */
  static async start({ serve, port = 0 }) {
    const agent = new SseAgent()
    agent.#serve = serve
    agent.#server = createServer((request, response) => agent.#take(request, response))
    agent.#server.listen(port, "127.0.0.1")
    await once(agent.#server, "listening")
    return agent
  }

  get port() {
    return this.#server.address().port
  }

  get url() {
    return `http://127.0.0.1:${this.port}/chat`
  }

  async #take(request, response) {
    const raw = Buffer.concat(await request.toArray())
    const aborted = new Promise(resolve => response.once("close", () => resolve(!response.writableFinished)))
    const call = { headers: request.headers, body: JSON.parse(raw), aborted }
    this.calls.push(call)
    await this.#serve(answerOn(response), call)
  }

  /** Ends all connections and listens no longer, as a process that dies. */
  async stop() {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, "close")
  }
}

function answerOn(response) {
  const begin = () => response.headersSent || response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" })
  const closed = new Promise(resolve => response.once("close", resolve))
  const answer = {
    response,
    /** Sends lines as they are, and waits until they are on their way, or nobody reads any more. */
    async raw(text) {
      if (response.destroyed) return
      begin()
      await Promise.race([new Promise(resolve => response.write(text, resolve)), closed])
    },
    chunk: chunk => answer.raw(`data: ${JSON.stringify(chunk)}\n\n`),
    /** Says a text character by character. */
    async text(text, so = "") {
      for (const delta of text) {
        so += delta
        await answer.chunk({ type: "content", delta, content: so, role: "assistant" })
      }
    },
    async done(finishReason = "stop") {
      await answer.chunk({ type: "done", finishReason })
      await answer.raw("data: [DONE]\n\n")
      response.end()
    },
  }
  return answer
}
