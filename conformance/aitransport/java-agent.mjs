// An agent in Java, with the methods of AgentProcess and of Agent; its model is in its process too.
import { JavaPeers } from "./java-peers.mjs"

export class JavaAgent {
  #call
  /** How often people have steered its runs. */
  steers = 0

  /** An agent in a process that it shares with others. `model`: is told of the prompts. */
  static async open(peers, { model, ...place }) {
    const agent = new JavaAgent()
    agent.model = model
    agent.#call = await peers.open("agent", place, line => agent.#hear(line))
    model.agents.add(agent)
    return agent
  }

  #hear({ event, texts }) {
    if (event === "steered") this.steers++
    if (event === "prompt") this.model.prompts.push(texts.map(text => ({ content: [{ text }] })))
  }

  serve = (...args) => this.#call("serve", ...args)
  takeOver = (...args) => this.#call("takeOver", ...args)
  release = (...args) => this.#call("release", ...args)

  /** Leaves the session. */
  detach() {
    return this.model.agents.delete(this) ? this.#call("leave") : undefined
  }
}

/** One in a process of its own. */
export class JavaAgentProcess {
  #peers
  #agent

  static async start(programs, place) {
    const started = new JavaAgentProcess()
    started.#peers = await JavaPeers.start(programs)
    started.#agent = await JavaAgent.open(started.#peers, place)
    return started
  }

  serve = (...args) => this.#agent.serve(...args)
  takeOver = (...args) => this.#agent.takeOver(...args)
  release = (...args) => this.#agent.release(...args)

  /** Ends the process at once, as a crash would. */
  kill() {
    this.#agent.model.agents.delete(this.#agent)
    return this.#peers.end("SIGKILL")
  }

  /** Lets the agent leave the session, and its process end in good order. */
  async end() {
    this.#agent.model.agents.delete(this.#agent)
    await this.#peers.end()
  }
}

/** The models of all agents in Java of a scene, seen from the test. */
export class JavaModels {
  agents = new Set()
  prompts = []

  async release(...args) {
    await Promise.all([...this.agents].map(agent => agent.release(...args)))
  }
}
