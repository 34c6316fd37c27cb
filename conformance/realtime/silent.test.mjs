// Shows that a client which freezes is lost, although a proxy in between keeps its TCP connection: its member leaves, and
// enters again when it goes on. The client is a process that is stopped with a signal; run as a program this file is it.
import { test } from "node:test"
import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import * as Ably from "ably"
import { AppServer } from "../lib/app-server.mjs"
import { startProxy } from "../lib/proxy.mjs"
import { eventually, within } from "../lib/wait.mjs"

const PROGRAM = fileURLToPath(import.meta.url)
const CHANNEL = "silent"
const HEARTBEAT_MS = 1_000
const GRACE_MS = 500
/** How much longer than the heartbeat interval the client waits, once it goes on, before it connects anew. */
const REQUEST_TIMEOUT_MS = 2_000
const WAIT_MS = 30_000
const TEST_TIMEOUT_MS = 120_000

if (process.send) {
  process.once("message", async options => {
    const client = new Ably.Realtime(options)
    const channel = client.channels.get(CHANNEL)
    // The library enters again for whom it has seen enter, so it must have seen itself before it is stopped.
    const seen = new Promise(resolve => channel.presence.subscribe("enter", resolve))
    await channel.presence.enter()
    await seen
    process.send("entered")
  })
} else {
  for (const heartbeats of ["false", "true"]) {
    test(`who freezes behind a proxy is lost, and is there again when it goes on (heartbeats=${heartbeats})`, { timeout: TEST_TIMEOUT_MS }, async t => {
      const server = await AppServer.start({
        settings: { "realtime.heartbeat-interval": HEARTBEAT_MS, "realtime.presence-grace": GRACE_MS },
      })
      t.after(() => server.end())
      const proxy = await startProxy(server.url)
      t.after(() => proxy.close())
      const watcher = server.realtime({ clientId: "watcher" })
      t.after(() => watcher.close())
      const channel = watcher.channels.get(CHANNEL)
      const happened = []
      await channel.presence.subscribe(({ action, clientId }) => happened.push(`${clientId} ${action}`))
      const happens = what => eventually(WAIT_MS, () => happened.includes(what), what)
      const connections = () => server.metric("parley_realtime_connections")

      const frozen = fork(PROGRAM, { stdio: ["ignore", "inherit", "inherit", "ipc"] })
      t.after(() => frozen.kill("SIGKILL"))
      frozen.send(server.options({ url: proxy.url, clientId: "frozen", realtimeRequestTimeout: REQUEST_TIMEOUT_MS, transportParams: { heartbeats } }))
      await within(WAIT_MS, once(frozen, "message"), "the other process to enter")
      await happens("frozen enter")
      assert.equal(await connections(), 2)

      frozen.kill("SIGSTOP")
      await happens("frozen leave")
      assert.equal(await connections(), 1)
      assert.deepEqual(await channel.presence.get(), [])

      happened.length = 0
      frozen.kill("SIGCONT")
      await happens("frozen enter")
      server.assertNoErrorLogged()
    })
  }
}
