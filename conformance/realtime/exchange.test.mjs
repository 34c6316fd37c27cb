// Two clients exchange messages through connections that are cut, half-closed and stalled at random, while the server is
// killed and restarted. Every acknowledged message arrives exactly once and in order at both, both agree who is there
// in the end, and the history is what was delivered.
import { test } from "node:test"
import assert from "node:assert/strict"
import { isDeepStrictEqual } from "node:util"
import { startProxy } from "../lib/proxy.mjs"
import { seededRandom } from "../lib/random.mjs"
import { eventually } from "../lib/wait.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { JavaPeer, JsPeer, ParleyPeer } from "./peers.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
/** Between two changes of what a peer says of itself in the presence. */
const BATCH = 500
const ALL = FULL ? { messagesEach: 50_000, crashes: 25, faults: 200 } : { messagesEach: 5_000, crashes: 5, faults: 20 }
/** Fewer for our client: its RecoveryTest has crashes and cuts of its own. */
const OURS = FULL ? { messagesEach: 5_000, crashes: 5, faults: 20 } : { messagesEach: 2_000, crashes: 2, faults: 8 }
const MAX_BYTES_TO_FAULT = 300_000
const WAIT_MS = FULL ? 900_000 : 120_000
const TEST_TIMEOUT_MS = 2 * WAIT_MS
const CHANNEL = "persisted:exchange"

const pairs = {
  "ably-js with JSON and ably-js with MessagePack": { other: JsPeer, binary: true, counts: ALL },
  "ably-js with JSON and ably-java with MessagePack": { other: JavaPeer, binary: true, counts: ALL },
  "ably-js with MessagePack and Parley's client for Java": { other: ParleyPeer, binary: false, counts: OURS },
  ...(FULL && { "ably-js with MessagePack and ably-java with JSON": { other: JavaPeer, binary: false, counts: ALL } }),
}

for (const [pair, { other, binary, counts }] of Object.entries(pairs)) {
  const { messagesEach, crashes, faults } = counts
  test(`${pair}: ${crashes} crashes and ${faults} cuts lose, double and reorder nothing`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const random = seededRandom(t)
    const server = await AppServer.start({ namespaces: [{ id: "persisted", persisted: true }] })
    t.after(() => server.end())
    const proxy = await startProxy(server.url, {
      faultLimit: faults,
      nextFault: () => ({
        on: random.oneOf(["request", "response"]),
        afterBytes: random.between(0, MAX_BYTES_TO_FAULT),
        how: random.oneOf(["reset", "half-close", "stall"]),
      }),
    })
    t.after(() => proxy.close())
    const crashAfter = Array.from({ length: crashes }, () => random.between(1, 2 * messagesEach)).sort((a, b) => a - b)

    const join = { server, url: proxy.url, channel: CHANNEL }
    const peers = [
      await JsPeer.start({ ...join, name: "left", binary: !binary }),
      await other.start({ ...join, name: "right", binary }),
    ]
    const acknowledged = () => peers.reduce((sum, peer) => sum + peer.acknowledged.length, 0)
    const exchanging = Promise.all(peers.map(peer => publishAll(peer, messagesEach)))
    for (const count of crashAfter) {
      await Promise.race([eventually(WAIT_MS, () => acknowledged() >= count, `${count} acknowledgements`), exchanging])
      await server.kill()
      server.assertNoErrorLogged()
      await server.restart()
    }
    await exchanging
    await eventually(
      WAIT_MS,
      () => peers.every(peer => peer.received.length >= 2 * messagesEach),
      "all messages at both peers",
    )
    t.diagnostic(`${proxy.faults} faults`)

    for (const peer of peers) {
      assert.deepEqual(peer.complaints, [])
      for (const from of peers) assertInOrder(peer, from, messagesEach)
      const members = { left: `has said ${messagesEach}`, right: `has said ${messagesEach}` }
      await eventually(WAIT_MS, async () => isDeepStrictEqual(await peer.members(), members), `${peer.name} to see both`)
    }
    assert.deepEqual(peers[0].received, peers[1].received, "the peers disagree on the order")
    const history = await server.history(CHANNEL)
    assert.deepEqual(history.map(({ data, serial }) => ({ ...data, serial })), peers[0].received)

    await peers[1].close()
    await eventually(
      WAIT_MS,
      async () => isDeepStrictEqual(Object.keys(await peers[0].members()), ["left"]),
      "the one who closed to have left",
    )
    await peers[0].close()
    server.assertNoErrorLogged()
  })
}

async function publishAll(peer, count) {
  for (let from = 0; from < count; from += BATCH) {
    await peer.publish(from, from + BATCH)
    await peer.present(`has said ${from + BATCH}`)
  }
}

/** `peer` has each message of `from` once, in the order in which they were published, with the serials of their ACKs. */
function assertInOrder(peer, from, count) {
  const received = peer.received.filter(message => message.by === from.name)
  assert.deepEqual(
    received.map(({ n }) => n),
    Array.from({ length: count }, (_, n) => n),
    `${peer.name} has not what ${from.name} has published`,
  )
  assert.equal(from.acknowledged.length, count)
  for (const { n, serial } of from.acknowledged) {
    if (serial) assert.equal(received[n].serial, serial, `message ${n} of ${from.name} has not the serial of its ACK`)
  }
}
