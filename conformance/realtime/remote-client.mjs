// A client in a process of its own, of a package that is not JavaScript's: python/peer.py or go/peer.go. It gets commands as
// lines of JSON, {do, ...}, answers each with one {event: "reply", result | error: {code, message}}, and tells what it
// sees in between: "message", "annotation", "connection" and "channel" with their details.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { eventually, within } from "../lib/wait.mjs"

const ANSWER_TIMEOUT_MS = 60_000

// A test that dies must not leave its clients behind.
const running = new Set()
process.on("exit", () => running.forEach(child => child.kill("SIGKILL")))

const path = name => fileURLToPath(new URL(name, import.meta.url))

/** Each with the command that runs it, what it does not offer, and why it is not there if it is not. */
export const PACKAGES = {
  "ably-python": {
    command: [path("../target/ably-python/bin/python"), path("python/peer.py")],
    lacks: [],
    missing: "conformance/run has found no Python 3.8 or newer with venv, or could not install the package ably",
  },
  "ably-go": {
    command: [path("../target/ably-go/peer")],
    lacks: ["annotations"],
    missing: "conformance/run has found no Go 1.22 or newer, or could not build with the module ably-go",
  },
}

/** Why the client cannot run here, or false. */
export const whyNot = ({ command: [program], missing }) => !existsSync(program) && missing

export class RemoteClient {
  /** What it has told, by event, in order. */
  told = { message: [], annotation: [], connection: [], channel: [] }
  #process
  #answer
  #errors = ""

  static async start({ command: [program, ...args] }, settings) {
    const client = new RemoteClient()
    client.#process = spawn(program, [...args, JSON.stringify(settings)], { stdio: ["pipe", "pipe", "pipe"] })
    running.add(client.#process)
    client.#process.stderr.setEncoding("utf8").on("data", text => (client.#errors = (client.#errors + text).slice(-5_000)))
    client.#process.on("exit", status => {
      running.delete(client.#process)
      client.#answer?.reject(new Error(`the client ended (${status}): ${client.#errors}`))
    })
    const started = client.#reply("its start")
    createInterface(client.#process.stdout).on("line", line => client.#heard(JSON.parse(line)))
    await started
    return client
  }

  #heard({ event, ...details }) {
    if (event === "started") this.#answer.resolve()
    else if (event !== "reply") this.told[event].push(details)
    else if (details.error) this.#answer.reject(Object.assign(new Error(details.error.message), details.error))
    else this.#answer.resolve(details.result)
  }

  #reply(what) {
    const reply = new Promise((resolve, reject) => (this.#answer = { resolve, reject }))
    return within(ANSWER_TIMEOUT_MS, reply, `the client's answer to ${what}\n${this.#errors}`)
  }

  /** One at a time. */
  ask(command, args = {}) {
    const reply = this.#reply(command)
    this.#process.stdin.write(`${JSON.stringify({ do: command, ...args })}\n`)
    return reply
  }

  /** Waits until it has told of an event that fits. */
  async hears(event, fits, what) {
    await eventually(ANSWER_TIMEOUT_MS, () => this.told[event].some(fits), `the client to hear of ${what}`)
  }

  /** Ends it as a crash would. */
  kill() {
    this.#process.kill("SIGKILL")
  }
}
