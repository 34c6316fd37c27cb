// An agent that claims its wakes, in a process of its own, so that it can die. What it does for a wake is one publish under ids that
// follow from the wake: a wake that it is given again has its effect once.
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { setTimeout } from "node:timers/promises"
import * as Ably from "ably"
import { DoorClient } from "./door.mjs"

const PROGRAM = fileURLToPath(import.meta.url)
const LEASE_MS = 1_000
const WAIT_MS = 2_000
/** Before a request is made again for which the server was not there. */
const RETRY_MS = 20

const running = new Set()
process.on("exit", () => running.forEach(child => child.kill("SIGKILL")))

export class WakeWorker {
  #process

  static async start(settings) {
    const worker = new WakeWorker()
    worker.#process = fork(PROGRAM, [JSON.stringify(settings)], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
    running.add(worker.#process)
    worker.#process.on("exit", () => running.delete(worker.#process))
    await once(worker.#process, "message")
    return worker
  }

  async kill() {
    const exited = once(this.#process, "exit")
    this.#process.kill("SIGKILL")
    await exited
  }
}

/** What a run comes to in the log: its start, what is said, and its end. */
export function runOf({ wakeId, inputEventIds }) {
  const transport = { "run-id": wakeId, "run-client-id": "caller", "invocation-id": wakeId }
  const message = (name, headers, data) => ({ name, data, extras: { ai: { transport: { ...transport, ...headers } } } })
  return [
    message("ai-run-start", {}),
    message("ai-output", { "role": "assistant", "codec-message-id": `answer-${wakeId}` }, inputEventIds.join(" ")),
    message("ai-run-end", { "run-reason": "complete" }),
  ].map((each, index) => ({ id: `${wakeId}:${index}`, ...each }))
}

async function work({ url, key, agentId, channel }) {
  const door = new DoorClient({ url, key, actorId: agentId })
  const { hostname, port } = new URL(url)
  const ably = new Ably.Rest({ key, clientId: agentId, endpoint: hostname, port: Number(port), tls: false, useBinaryProtocol: false })
  const session = door.session(channel)
  const request = (method, path, body) => door.request(method, path, body).catch(() => ({ status: 0 }))
  process.send("ready")
  for (;;) {
    const claimed = await request("POST", `${session.path}/wakes/claim`, { agentId, leaseMs: LEASE_MS, waitMs: WAIT_MS })
    if (claimed.status !== 200) {
      if (claimed.status !== 204) await setTimeout(RETRY_MS)
      continue
    }
    const { wakeId, lease } = claimed.body
    const isSaid = await ably.channels.get(channel).publish(runOf(claimed.body)).then(() => true, () => false)
    if (isSaid) await request("POST", `${session.path}/wakes/${wakeId}/done`, { lease })
  }
}

if (process.argv[1] === PROGRAM) {
  // Its parent dies: it does, too.
  process.on("disconnect", () => process.exit())
  await work(JSON.parse(process.argv[2]))
}
