// More connections than the process may open files: those that are too many are closed, and the store can still write.
import { test } from "node:test"
import assert from "node:assert/strict"
import http from "node:http"
import { once } from "node:events"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"
import { Weapons } from "./weapons.mjs"

const MAX_FILES = 600
const CONNECTIONS = 1_000
/** These take longer than a few checkpoints. */
const APPENDS = 500
const WAIT_MS = 60_000
const TEST_TIMEOUT_MS = 180_000

test("more connections than files", { timeout: TEST_TIMEOUT_MS }, async () => {
  const server = await startServer({
    maxFiles: MAX_FILES,
    // So that the store makes files all the time.
    args: ["--set", "engine.checkpoint-interval=100", "--set", "limits.request-timeout=3600000"],
  })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async (method, path, body) => {
    const headers = { "Content-Type": "text/plain" }
    const [response] = await once(http.request(new URL(path, server.url), { agent, method, headers }).end(body), "response")
    await response.toArray()
    return response.statusCode
  }
  assert.equal(await ask("PUT", "/v1/stream/files"), 201)

  const weapons = new Weapons({ url: server.url }, "http1", 0)
  await weapons.connectAll(CONNECTIONS, socket => void socket.resume())
  await eventually(WAIT_MS, () => weapons.report().closed > CONNECTIONS - MAX_FILES, "the end of those that are too many")
  for (let n = 0; n < APPENDS; n++) assert.equal(await ask("POST", "/v1/stream/files", `${n},`), 204)
  assert.equal(await ask("GET", "/health/ready"), 200)

  weapons.drop()
  await eventually(WAIT_MS, async () => (await fetch(`${server.url}/health/ready`).catch(() => undefined))?.status === 200, "room for a new connection")
  agent.destroy()
  assert.match(server.log(), /may open 600 files/)
  await server.stop()
})
