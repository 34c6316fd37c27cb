// Attacks a real server with a small heap while fifty good sessions stream tokens. Attackers may be refused or closed; the
// server lives on within 1 GiB, every good session gets every token and none is cut, nothing acknowledged is lost, and
// what the attack took is given back. The short form runs each attack over its most telling transport.
import { after, test } from "node:test"
import { attacks } from "./attacks.mjs"
import { Siege } from "./siege.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const MOMENT_MS = 2_000
const TEST_TIMEOUT_MS = 400_000

/** Every attack over its transports, those against the same server together. */
const matrix = Object.entries(attacks)
  .flatMap(([name, { server, transports }]) =>
    (FULL ? transports : transports.slice(0, 1)).map(transport => ({ name, transport, server, tls: transport === "tls" })),
  )
  .sort((a, b) => serverOf(a).localeCompare(serverOf(b)))

function serverOf({ server, tls }) {
  return `${server}${tls ? " with TLS" : ""}`
}

/** The siege that the next test goes on with if it is of the server that it wants; none if the last test failed. */
let siege
after(() => siege?.abandon())

async function siegeOf(row) {
  if (siege && serverOf(siege) === serverOf(row)) return siege
  // Only if not all tests are run.
  await siege?.abandon()
  return Siege.begin(row)
}

matrix.forEach((row, i) => {
  test(`${row.name}, over ${row.transport}`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const current = await siegeOf(row)
    siege = undefined
    try {
      await attack(t, current, row)
      const isLast = i === matrix.length - 1 || serverOf(matrix[i + 1]) !== serverOf(row)
      if (isLast) await current.end()
      else siege = current
    } catch (error) {
      // Whatever went wrong, the cause is that.
      await current.assertAlive(MOMENT_MS)
      throw error
    } finally {
      if (!siege) await current.abandon()
    }
  })
})

async function attack(t, siege, row) {
  const undo = await siege.prepare(row)
  const calm = siege.good.takeLatencies()
  const standing = await siege.attack(row)
  await siege.assertGoodGoOn()
  await siege.callOff()
  const stormy = siege.good.takeLatencies()
  await undo?.()
  await siege.assertCalm()
  await siege.assertHolds()
  const files = await siege.maxFiles()
  if (standing.opened > files) t.diagnostic(`more connections than the ${files} files that this server may open`)
  t.diagnostic(`attackers: ${JSON.stringify(standing)}; at most ${siege.greatestResidentMiB} MiB were resident`)
  t.diagnostic(`good sessions: ${describe(calm)} before, ${describe(stormy)} meanwhile, ${siege.good.takeRefusals()} refusals`)
}

const describe = ({ count, p50, p99 }) => `p50 ${p50?.toFixed()} ms and p99 ${p99?.toFixed()} ms of ${count} tokens`
