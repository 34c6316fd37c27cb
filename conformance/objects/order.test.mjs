// Agents count their progress and a person selects, while an answer streams in the same channel: every reader sees the
// words and the changes of objects in one and the same order, whichever format it reads.
import { test } from "node:test"
import assert from "node:assert/strict"
import { LiveCounter, LiveMap, LiveObjects } from "ably/liveobjects"
import { AppServer } from "../lib/app-server.mjs"
import { eventually } from "../lib/wait.mjs"

const AGENTS = 3
const STEPS = 100
const TOKENS = 300
const SELECTIONS = 60
const READERS = 4
const CHANNEL = "mutable:plan"
const MODES = ["SUBSCRIBE", "PUBLISH", "OBJECT_SUBSCRIBE", "OBJECT_PUBLISH"]
const WAIT_MS = 30_000

test("progress, selections and an answer come in the same order to everybody", { timeout: 120_000 }, async t => {
  const server = await AppServer.start({ namespaces: [{ id: "mutable", mutableMessages: true }] })
  t.after(() => server.end())
  const join = async options => {
    const client = server.realtime({ plugins: { LiveObjects }, ...options })
    t.after(() => client.close())
    const channel = client.channels.get(CHANNEL, { modes: MODES })
    return { channel, root: await channel.object.get() }
  }
  const person = await join({ clientId: "person" })
  await person.root.set("selected", LiveMap.create())
  for (let n = 0; n < AGENTS; n++) await person.root.set(`agent${n}`, LiveCounter.create())
  const agents = await Promise.all(Array.from({ length: AGENTS }, (_, n) => join({ clientId: `agent${n}` })))
  const readers = await Promise.all(Array.from({ length: READERS }, (_, n) => join({ useBinaryProtocol: n % 2 === 0 })))
  const ready = ({ root }) => root.get(`agent${AGENTS - 1}`).value() === 0
  await eventually(WAIT_MS, () => [...agents, ...readers].every(ready), "everybody to have the objects")

  const seen = await Promise.all(
    readers.map(async ({ channel, root }) => {
      const events = []
      root.subscribe(({ message }) => events.push({ serial: message.serial, of: "object" }))
      await channel.subscribe(({ version, serial }) => events.push({ serial: version?.serial ?? serial, of: "answer" }))
      return events
    }),
  )
  const answer = async ({ channel }) => {
    const { serials } = await channel.publish("answer", "")
    for (let n = 0; n < TOKENS; n++) await channel.appendMessage({ serial: serials[0], data: `${n} ` })
  }
  const progress = async ({ root }, n) => {
    for (let step = 0; step < STEPS; step++) await root.get(`agent${n}`).increment(1)
  }
  const select = async ({ root }) => {
    for (let n = 0; n < SELECTIONS; n++) await root.get("selected").set("city", `city ${n}`)
  }
  await Promise.all([answer(agents[0]), select(person), ...agents.map(progress)])

  const total = 1 + TOKENS + SELECTIONS + AGENTS * STEPS
  await eventually(WAIT_MS, () => seen.every(events => events.length >= total), `${total} events at every reader`)
  for (const events of seen) {
    assert.deepEqual(events, seen[0], "two readers have seen different orders")
    assert.deepEqual(events, events.toSorted((a, b) => (a.serial < b.serial ? -1 : 1)), "a reader has seen another order")
  }
  const turns = seen[0].filter(({ of }, n) => n > 0 && of !== seen[0][n - 1].of).length
  assert.ok(turns > 50, `words and changes hardly mixed: ${turns} turns`)
  for (const { root } of readers) {
    assert.equal(root.get("selected").get("city").value(), `city ${SELECTIONS - 1}`)
    for (let n = 0; n < AGENTS; n++) assert.equal(root.get(`agent${n}`).value(), STEPS)
  }
  server.assertNoErrorLogged()
})
