// Programs in Java that the tests run, in processes of their own: they take calls as lines of JSON, and answer with such lines.
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { clientClassPath } from "../lib/java-client.mjs"
import { jdkProgram } from "../lib/jdk.mjs"
import { temporaryFolder } from "../lib/server.mjs"
import { within } from "../lib/wait.mjs"

const ANSWER_TIMEOUT_MS = 60_000
const at = path => fileURLToPath(new URL(path, import.meta.url))
const SOURCES = ["InvokedAgent", "JavaAgent", "Lines", "Peers", "Person"].map(name => at(`java/${name}.java`))
// They live for seconds or a few minutes: a compiler that optimises less is faster. They log nothing, and need not say so.
const FLAGS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", "-Dslf4j.internal.verbosity=ERROR"]

// A test that dies must not leave its processes behind.
const running = new Set()
process.on("exit", () => running.forEach(child => child.kill("SIGKILL")))

/** Compiles the programs, for the JDK that runs the server of this process id. To remove the folder is up to the caller. */
export async function compilePrograms(pid) {
  const folder = await temporaryFolder()
  const javac = await jdkProgram(pid, "javac")
  await promisify(execFile)(javac, ["-d", folder, "-cp", clientClassPath(), "-proc:none", ...SOURCES])
  return { folder, java: await jdkProgram(pid, "java") }
}

/** Starts a program. */
export function startProgram({ folder, java }, name, args) {
  const path = `${folder}:${clientClassPath()}`
  const child = spawn(java, [...FLAGS, "-cp", path, name, ...args], { stdio: ["pipe", "pipe", "inherit"] })
  running.add(child)
  child.on("exit", () => running.delete(child))
  // Whoever waits for an answer is told of its end.
  child.stdin.on("error", () => {})
  return child
}

const hasEnded = child => child.exitCode !== null || child.signalCode !== null

/** Ends a program: by a signal, or in good order, which it does when its input ends. */
export async function endProgram(child, signal) {
  if (hasEnded(child)) return
  const exited = once(child, "exit")
  if (signal) child.kill(signal)
  else child.stdin.end()
  await within(ANSWER_TIMEOUT_MS, exited, "the end of the program in Java")
}

/** A program that is called. It says `{"event": "ready"}` first; of other events `hear` is told. */
export class JavaProcess {
  #process
  #hear
  #waiting = new Map()
  #calls = 0

  static async start(programs, name, args, hear = () => {}) {
    const started = new JavaProcess()
    started.#hear = hear
    started.#process = startProgram(programs, name, args)
    const ready = new Promise((resolve, reject) => started.#waiting.set("ready", { resolve, reject }))
    createInterface({ input: started.#process.stdout }).on("line", line => started.#take(JSON.parse(line)))
    started.#process.on("exit", () => {
      for (const { reject } of started.#waiting.values()) reject(new Error(`${name} has ended`))
    })
    await within(ANSWER_TIMEOUT_MS, ready, `${name} to be ready`)
    return started
  }

  #take(line) {
    const { call, result, error } = line
    const waiting = this.#waiting.get(call ?? line.event)
    if (!waiting) return this.#hear(line)
    this.#waiting.delete(call ?? line.event)
    if (error) waiting.reject(new Error(`in Java: ${error}`))
    else waiting.resolve(result)
  }

  call(method, ...args) {
    const call = ++this.#calls
    const result = new Promise((resolve, reject) => this.#waiting.set(call, { resolve, reject }))
    this.#process.stdin.write(`${JSON.stringify({ call, method, args })}\n`)
    return within(ANSWER_TIMEOUT_MS, result, `${method} in Java`)
  }

  end = signal => endProgram(this.#process, signal)
}
