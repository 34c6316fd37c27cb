// What one principal asks for and does not take leaves room to others: of what there is for answers, for live readers and
// for arriving bodies nobody gets all. On an open door a principal is an address, with keys it is a key.
import assert from "node:assert/strict"
import net from "node:net"
import { after, before, describe, test } from "node:test"
import { held } from "../lib/metrics.mjs"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const HEAP = 256 << 20
const PURSE = HEAP / 8
const MIB = 1 << 20
const TIMEOUT_MS = 60_000
const HOG = "shop.hog:0123456789abcdef0123456789abcdef"
const GUEST = "shop.guest:fedcba9876543210fedcba9876543210"
const keys = JSON.stringify([HOG, GUEST].map(key => ({ key, capability: { "*": ["*"] } })))

const kinds = {
  "addresses, on an open door": { settings: {}, hog: { localAddress: "127.0.0.2" }, guest: {}, most: (PURSE * 3) / 4 },
  keys: { settings: { "auth.keys": keys }, hog: { key: HOG }, guest: { key: GUEST }, most: PURSE / 2 },
}

for (const [kind, { settings, hog, guest, most }] of Object.entries(kinds)) {
  describe(kind, () => {
    let server
    const sockets = new Set()
    before(async () => {
      server = await startServer({
        args: Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]),
        env: { PARLEY_JAVA_OPTS: `-Xmx${HEAP >> 20}m` },
      })
      assert.equal((await ask("PUT", "big")).status, 201)
      for (let n = 0; n < 2; n++) assert.ok((await ask("POST", "big", Buffer.alloc(MIB))).ok)
    })
    after(async () => {
      for (const socket of sockets) socket.destroy()
      await server.stop()
    })

    const ask = (method, path, body, from = guest) =>
      fetch(`${server.url}/v1/stream/${path}`, {
        method,
        body,
        headers: { "content-type": "application/octet-stream", ...(from.key ? { authorization: `Bearer ${from.key}` } : {}) },
      })

    /** A socket of the hog that sends these and never reads. */
    function mute(request, headers = "", body = "") {
      return new Promise((resolve, reject) => {
        const { hostname, port } = new URL(server.url)
        const socket = net.connect({ host: hostname, port, localAddress: hog.localAddress }, () => {
          const authorization = hog.key ? `Authorization: Bearer ${hog.key}\r\n` : ""
          socket.write(`${request} HTTP/1.1\r\nHost: localhost\r\n${authorization}${headers}\r\n`)
          socket.write(body, () => resolve(socket))
        })
        socket.pause()
        socket.on("error", reject)
        socket.once("connect", () => socket.removeListener("error", reject).on("error", () => {}))
        sockets.add(socket)
      })
    }

    test("unread answers", { timeout: TIMEOUT_MS }, async () => {
      await Promise.all(Array.from({ length: 200 }, () => mute("GET /v1/stream/big?offset=-1")))
      await eventually(TIMEOUT_MS, async () => (await held(server.url, "answers")) > most - 2 * MIB, "what the hog may have")
      for (let n = 0; n < 8; n++) {
        const answer = await ask("GET", "big?offset=-1")
        assert.equal(answer.status, 200)
        assert.equal((await answer.arrayBuffer()).byteLength, MIB)
        assert.ok((await held(server.url, "answers")) <= most)
      }
      for (const socket of sockets) socket.destroy()
      await eventually(TIMEOUT_MS, async () => (await held(server.url, "answers")) === 0, "the room to be given back")
    })

    test("bodies that do not go on", { timeout: TIMEOUT_MS }, async () => {
      const headers = `Content-Type: application/octet-stream\r\nContent-Length: ${5 * MIB}\r\n`
      const attempts = Array.from({ length: 8 }, () => mute("POST /v1/stream/big", headers, Buffer.alloc(4 * MIB)))
      await Promise.all(attempts.map(attempt => attempt.catch(() => {})))
      assert.ok((await held(server.url, "arriving")) <= most)
      for (let n = 0; n < 4; n++) assert.equal((await ask("POST", "big", Buffer.alloc(4 * MIB))).status, 204)
      for (const socket of sockets) socket.destroy()
      await eventually(TIMEOUT_MS, async () => (await held(server.url, "arriving")) === 0, "the room to be given back")
    })
  })
}
