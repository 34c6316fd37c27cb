// All scenarios as tests: each play is a scenario with a cast, and with trouble or without.
import { after, before, describe, test } from "node:test"
import { AppServer } from "../lib/app-server.mjs"
import { removeFolder } from "../lib/server.mjs"
import { JavaPeers } from "./java-peers.mjs"
import { compilePrograms } from "./java-process.mjs"
import { Scene } from "./scene.mjs"
import { scenarios } from "./scenarios.mjs"

const TEST_TIMEOUT_MS = 240_000

export const TROUBLES = ["none", "network", "crash"]
export const FORMATS = ["JSON", "MessagePack"]

/**
 * One after the other. Clients wait most of the time, so plays go on side by side. Where the server is killed each of them has
 * a server for itself, since its trouble is everybody's.
 */
const STAGES = [
  { troubles: ["none", "network"], sideBySide: 3, shareAServer: true },
  { troubles: ["crash"], sideBySide: 3, shareAServer: false },
]

/** All scenarios, each with its number; what is played of each is up to `plays`, which gives a list. */
export const ofEachScenario = plays => Object.keys(scenarios).flatMap((name, index) => plays(index).map(play => ({ name, ...play })))

/**
 * Declares a test for each play: `name` of the scenario, `trouble`, `format` of npm's clients, `agents` and `people` as Scene has
 * them, and how many `answers` make a long history. `runGrace`: after which time the server ends the run of an agent that has died.
 */
export function playAll(plays, { runGrace }) {
  describe("scenarios", () => {
    let programs
    let peers
    const servers = []
    /** For each stage, a server for each play that may begin now. */
    const free = STAGES.map(() => [])
    const start = async () => {
      const server = await AppServer.start({ settings: { "realtime.run-grace": runGrace } })
      servers.push(server)
      return server
    }
    before(async () => {
      for (const [stage, { sideBySide, shareAServer }] of STAGES.entries()) {
        const shared = shareAServer ? await start() : undefined
        for (let place = 0; place < sideBySide; place++) free[stage].push(shared ?? (await start()))
      }
      programs = await compilePrograms(servers[0].pid)
      peers = await JavaPeers.start(programs)
    })
    after(async () => {
      await peers?.end()
      await Promise.all(servers.map(server => server.end()))
      if (programs) await removeFolder(programs.folder)
    })

    for (const [stage, { troubles, sideBySide }] of STAGES.entries()) {
      describe(`trouble: ${troubles.join(" or ")}`, { concurrency: sideBySide }, () => {
        for (const { name, trouble, format, agents, people, answers } of plays.filter(play => troubles.includes(play.trouble))) {
          const title = `${name} (agents with ${agents}, people with ${people}, ${format}, trouble: ${trouble})`
          test(title, { timeout: TEST_TIMEOUT_MS }, async t => {
            const binary = format === "MessagePack"
            const server = free[stage].pop()
            const opening = Scene.open(t, { server, binary, trouble, agents, people, java: { programs, peers } })
            // After the scene is closed: what was registered first is done first.
            const scene = await opening.finally(() => t.after(() => free[stage].push(server)))
            await scenarios[name](scene, { answers })
            await scene.assertAllAgree()
          })
        }
      })
    }
  })
}
