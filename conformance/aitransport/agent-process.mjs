// An agent in a process of its own, so that it can die: AgentProcess starts one and talks to it; run as a program this file
// is one.
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import * as Ably from "ably"
import { within } from "../lib/wait.mjs"
import { Agent } from "./agent.mjs"
import { ScriptedModel } from "./model.mjs"

const PROGRAM = fileURLToPath(import.meta.url)
const ANSWER_TIMEOUT_MS = 60_000

// A test that dies must not leave its agents behind.
const running = new Set()
process.on("exit", () => running.forEach(child => child.kill("SIGKILL")))

export class AgentProcess {
  #process
  #waiting = new Map()
  #calls = 0

  /** `options`: of its Ably client. */
  static async start({ options, channel }) {
    const agent = new AgentProcess()
    agent.#process = fork(PROGRAM, { stdio: ["ignore", "inherit", "inherit", "ipc"] })
    running.add(agent.#process)
    agent.#process.on("message", ({ call, result, error }) => {
      const { resolve, reject } = agent.#waiting.get(call)
      agent.#waiting.delete(call)
      if (error) reject(new Error(`the agent's process: ${error}`))
      else resolve(result)
    })
    agent.#process.on("exit", () => {
      running.delete(agent.#process)
      for (const { reject } of agent.#waiting.values()) reject(new Error("the agent's process has ended"))
    })
    await agent.#call("start", { options, channel })
    return agent
  }

  #call(method, ...args) {
    const call = ++this.#calls
    const result = new Promise((resolve, reject) => this.#waiting.set(call, { resolve, reject }))
    this.#process.send({ call, method, args })
    return within(ANSWER_TIMEOUT_MS, result, `the agent's process to ${method}`)
  }

  serve = (...args) => this.#call("serve", ...args)
  takeOver = (...args) => this.#call("takeOver", ...args)
  release = (...args) => this.#call("release", ...args)

  /** Ends the process at once, as a crash would. */
  async kill() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, "exit")
    this.#process.kill("SIGKILL")
    await exited
  }

  /** Lets the process end in good order. */
  async end() {
    const exited = once(this.#process, "exit")
    await this.#call("end")
    this.#process.disconnect()
    await within(ANSWER_TIMEOUT_MS, exited, "the end of the agent's process")
  }
}

function serveParent() {
  const model = new ScriptedModel()
  let client, agent
  const methods = {
    async start({ options, channel }) {
      client = new Ably.Realtime(options)
      agent = await Agent.start({ client, channel, model })
    },
    serve: (...args) => agent.serve(...args),
    takeOver: (...args) => agent.takeOver(...args),
    release: (...args) => model.release(...args),
    async end() {
      await agent.detach()
      client.close()
    },
  }
  process.on("message", async ({ call, method, args }) => {
    try {
      process.send({ call, result: await methods[method](...args) })
    } catch (error) {
      process.send({ call, error: `${error.stack ?? error}` })
    }
  })
}

if (process.argv[1] === PROGRAM) serveParent()
