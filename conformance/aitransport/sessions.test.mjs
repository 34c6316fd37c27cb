// Shows that @ably/ai-transport, unmodified, works with the server in all it promises: in JSON and in MessagePack, while
// connections break, and while the server is killed and comes back. In the end everybody sees the same conversation.
import { after, before, test } from "node:test"
import { AppServer } from "../lib/app-server.mjs"
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
before(async () => {
  server = await AppServer.start({ settings: { "realtime.run-grace": RUN_GRACE_MS } })
})
after(() => server?.end())

for (const trouble of TROUBLES) {
  for (const [index, [name, play]] of Object.entries(scenarios).entries()) {
    // In short, troubles come in one of the formats, the next scenario's in the other.
    const formats = FULL || trouble === "none" ? FORMATS : [FORMATS[index % FORMATS.length]]
    for (const format of formats) {
      test(`${name} (${format}, trouble: ${trouble})`, { timeout: TEST_TIMEOUT_MS }, async t => {
        const scene = await Scene.open(t, { server, binary: format === "MessagePack", trouble })
        const long = FULL || (trouble === "none" && format === "JSON")
        await play(scene, { answers: long ? ANSWERS : ANSWERS_IN_SHORT })
        await scene.assertAllAgree()
      })
    }
  }
}
