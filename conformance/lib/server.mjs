// Starts real servers through the launcher, on a free port of the loopback, and ends them again.
// PARLEY_LAUNCHER names another program that keeps the same contract; CONFORMANCE_LOG=1 shows the servers' logs.
import { spawn } from "node:child_process"
import { rmSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { within } from "./wait.mjs"

const LAUNCHER = process.env.PARLEY_LAUNCHER ?? fileURLToPath(new URL("../../parley", import.meta.url))
const READY_LINE = /^Parley is listening on (https?:\/\/\S+)$/m
const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000
const LOG_TAIL_CHARS = 20_000
const VIOLATION_CHARS = 2_000
const MAX_VIOLATIONS = 10

// What servers have logged that no server may log: that something did not hold which it takes for granted. Most of these
// errors end one task of an event loop and nothing else, so that no client would notice. The test file fails by its exit code.
const violations = []
process.on("exit", () => {
  for (const violation of violations) process.stderr.write(`an assertion of the server has failed:\n${violation}\n`)
  if (violations.length > 0) process.exitCode = 1
})

/** Options of a server's JVM that let it check what it takes for granted, beside those in `options`. */
export const withAssertions = (options = "") => `-ea ${options}`.trim()

/** Fails the test file if an assertion fails in a server that logs to `stream`, which has an encoding. */
export function watchAssertions(stream) {
  let line = ""
  stream.on("data", text => {
    const lines = (line + text).split("\n")
    // A line that has not ended yet is looked at again with its end.
    line = lines.pop().slice(-LOG_TAIL_CHARS)
    const at = lines.findIndex(each => each.includes("AssertionError"))
    // The line before says what the server was doing, and those after where.
    if (at >= 0 && violations.length < MAX_VIOLATIONS) violations.push(lines.slice(Math.max(0, at - 1)).join("\n").slice(0, VIOLATION_CHARS))
  })
}

// A test that dies must not leave its servers and their folders behind.
const running = new Map()
process.on("exit", () => {
  for (const [child, folder] of running) {
    child.kill("SIGKILL")
    if (folder) rmSync(folder, { recursive: true, force: true })
  }
})
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1))

/** A new empty folder; the caller removes it. */
export const temporaryFolder = () => mkdtemp(join(tmpdir(), "parley-conformance-"))

export const removeFolder = path => rm(path, { recursive: true, force: true })

/**
 * Starts `parley serve` and waits until it is ready. Without `dataDir` the server gets a folder of its own,
 * removed when it ends. The launcher replaces itself by the server, so `pid` is the server's. `signal` kills the server
 * when it aborts. `maxFiles`: how many files it may open. `assertions`: whether the server checks what it takes for granted;
 * off where it is measured. One that does not hold fails the test file. `launcher`: another one than that of this clone.
 * `environment`: all that the server has of an environment, instead of ours and `env`. If the server ends before it is ready, the
 * error's `status` tells how, and its `log` why.
 */
export async function startServer({
  args = [], env = {}, dataDir, port = 0, signal, maxFiles, assertions = true, launcher = LAUNCHER, environment,
} = {}) {
  const ownFolder = dataDir ? undefined : await temporaryFolder()
  const data = dataDir ?? ownFolder
  const launch = maxFiles ? ["sh", "-c", `ulimit -n ${maxFiles} && exec "$0" "$@"`, launcher] : [launcher]
  const command = [...launch, "serve", "--host", "127.0.0.1", "--port", String(port), "--data", data, ...args]
  const ours = environment ?? { ...process.env, PARLEY_SKIP_BUILD: "1", ...env }
  if (assertions && !environment) ours.PARLEY_JAVA_OPTS = withAssertions(ours.PARLEY_JAVA_OPTS)
  const child = spawn(command[0], command.slice(1), {
    env: ours,
    stdio: ["ignore", "pipe", "pipe"],
  })
  running.set(child, ownFolder)
  signal?.addEventListener("abort", () => child.kill("SIGKILL"), { once: true })

  let log = ""
  watchAssertions(child.stderr.setEncoding("utf8"))
  child.stderr.on("data", text => {
    log = (log + text).slice(-LOG_TAIL_CHARS)
    if (process.env.CONFORMANCE_LOG) process.stderr.write(text)
  })
  const withLog = cause => {
    const error = new Error(`${cause.message}\n--- the server's log, its end ---\n${log}`, { cause })
    return Object.assign(error, { status: cause.status, log })
  }

  const exited = new Promise(resolve => {
    child.once("error", error => resolve(error.message))
    child.once("close", (code, signal) => resolve(code ?? signal))
  }).then(async status => {
    if (ownFolder) await removeFolder(ownFolder)
    running.delete(child)
    return status
  })

  const ready = new Promise((resolve, reject) => {
    let output = ""
    child.stdout.setEncoding("utf8").on("data", text => {
      output = (output + text).slice(-LOG_TAIL_CHARS)
      const url = READY_LINE.exec(output)?.[1]
      if (url) resolve(url)
    })
    exited.then(status => {
      reject(Object.assign(new Error(`the server ended before it was ready: ${status}`), { status }))
    })
  })

  async function end(signal) {
    child.kill(signal)
    try {
      return await within(STOP_TIMEOUT_MS, exited, `the server's end after ${signal}`)
    } catch (error) {
      child.kill("SIGKILL")
      throw withLog(error)
    }
  }

  let url
  try {
    url = await within(READY_TIMEOUT_MS, ready, "the server's readiness line")
  } catch (error) {
    await end("SIGKILL")
    throw withLog(error)
  }

  return {
    url,
    pid: child.pid,
    dataDir: data,
    /** The end of what the server has logged so far. */
    log: () => log,
    /** Resolves with the exit code, or the name of the signal, once the server has ended. */
    exited,
    /** Asks the server to end and checks that it does so in good order. */
    async stop() {
      const status = await end("SIGTERM")
      if (status !== 0) throw withLog(new Error(`the server ended with ${status} instead of 0`))
    },
    /** Ends the server at once, as a crash would. */
    kill: () => end("SIGKILL"),
  }
}
