// Shows that @ably/ai-transport, unmodified, works with the server in all it promises: in JSON and in MessagePack, while
// connections break, and while the server is killed and comes back. In the end everybody sees the same conversation,
// and so does a person who uses the Java client.
import { after, before, test } from "node:test"
import { AppServer } from "../lib/app-server.mjs"
import { removeFolder } from "../lib/server.mjs"
import { compilePrograms } from "./java-process.mjs"
import { JavaWatcher } from "./java-watcher.mjs"
import { Scene } from "./scene.mjs"
import { scenarios } from "./scenarios.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const TEST_TIMEOUT_MS = 120_000
const ANSWERS = 300
const ANSWERS_IN_SHORT = 30
/** After which time the server ends the run of an agent that has died. */
const RUN_GRACE_MS = 5_000
const TROUBLES = ["none", "network", "crash"]
const FORMATS = ["JSON", "MessagePack"]

let server
let programs
let watcher
before(async () => {
  server = await AppServer.start({ settings: { "realtime.run-grace": RUN_GRACE_MS } })
  programs = await compilePrograms(server.pid)
  watcher = await JavaWatcher.start(programs)
})
after(async () => {
  await watcher?.end()
  await server?.end()
  if (programs) await removeFolder(programs.folder)
})

for (const trouble of TROUBLES) {
  for (const [index, [name, play]] of Object.entries(scenarios).entries()) {
    // In short, troubles come in one of the formats, the next scenario's in the other.
    const formats = FULL || trouble === "none" ? FORMATS : [FORMATS[index % FORMATS.length]]
    for (const format of formats) {
      test(`${name} (${format}, trouble: ${trouble})`, { timeout: TEST_TIMEOUT_MS }, async t => {
        // A network that is bad all the time makes a client in Java wait for seconds again and again.
        const seesAll = trouble === "network" ? undefined : watcher
        const scene = await Scene.open(t, { server, binary: format === "MessagePack", trouble, watcher: seesAll })
        const long = FULL || (trouble === "none" && format === "JSON")
        await play(scene, { answers: long ? ANSWERS : ANSWERS_IN_SHORT })
        await scene.assertAllAgree()
      })
    }
  }
}
