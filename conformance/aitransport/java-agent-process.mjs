// An agent in Java in a process of its own, with the methods of AgentProcess and of Agent; its model is in its process too.
import { JavaProcess } from "./java-process.mjs"

export class JavaAgentProcess {
  #process
  #model
  /** How often people have steered its runs. */
  steers = 0

  /** `model`: is told of the prompts. */
  static async start({ programs, url, key, clientId, channel, model }) {
    const agent = new JavaAgentProcess()
    agent.#model = model
    agent.#process = await JavaProcess.start(programs, "InvokedAgent", [url, key, clientId, channel], line => agent.#hear(line))
    model.agents.add(agent)
    return agent
  }

  #hear({ event, texts }) {
    if (event === "steered") this.steers++
    if (event === "prompt") this.#model.prompts.push(texts.map(text => ({ content: [{ text }] })))
  }

  serve = (...args) => this.#process.call("serve", ...args)
  takeOver = (...args) => this.#process.call("takeOver", ...args)
  release = (...args) => this.#process.call("release", ...args)

  /** Ends the process at once, as a crash would. */
  kill() {
    this.#model.agents.delete(this)
    return this.#process.end("SIGKILL")
  }

  /** Lets the agent leave the session, and its process end in good order. */
  end() {
    this.#model.agents.delete(this)
    return this.#process.end()
  }

  detach = () => this.end()
}

/** The models of all agents in Java of a scene, seen from the test. */
export class JavaModels {
  agents = new Set()
  prompts = []

  async release(...args) {
    await Promise.all([...this.agents].map(agent => agent.release(...args)))
  }
}
