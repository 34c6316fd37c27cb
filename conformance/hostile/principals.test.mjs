// What one principal asks for and does not take leaves room to others: of what there is for answers, for live readers and
// for arriving bodies nobody gets all. On an open door a principal is an address, with keys it is a key.
import assert from "node:assert/strict"
import { once } from "node:events"
import http from "node:http"
import http2 from "node:http2"
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

describe("connections of one address", () => {
  const ROOM = MIB
  const SOCKET = 4 << 10
  const HOG_ADDRESS = "127.0.0.2"

  /** A server of which one address wants all connections, after the requests that it has open. */
  async function besieged(t, requests, ...settings) {
    const server = await startServer({ args: ["--set", `limits.connection-bytes=${ROOM}`, ...settings] })
    const { hostname, port } = new URL(server.url)
    const sockets = []
    const connect = () => {
      const socket = net.connect({ host: hostname, port, localAddress: HOG_ADDRESS })
      sockets.push(socket.on("error", () => {}).resume())
      return socket
    }
    t.after(async () => {
      for (const socket of sockets) socket.destroy()
      await server.stop()
    })
    if (requests > 0) {
      const session = http2.connect(server.url, { createConnection: connect }).on("error", () => {})
      await Promise.race(Array.from({ length: requests }, (_, n) => {
        const request = session.request({ ":method": "POST", ":path": `/v1/stream/never${n}`, "content-type": "text/plain" })
        return new Promise(refused => request.on("error", () => {}).on("response", refused).resume())
      }))
    }
    for (let n = 0; n < (2 * ROOM) / SOCKET; n++) connect()
    return { server, sockets }
  }

  test("leave some to others", { timeout: TIMEOUT_MS }, async t => {
    const { server } = await besieged(t, 128)
    const most = (ROOM * 3) / 4
    await eventually(TIMEOUT_MS, async () => (await held(server.url, "connections")) > most - SOCKET, "what the hog may have")
    for (let n = 0; n < 8; n++) {
      const request = http.request(`${server.url}/v1/stream/of-others${n}`, { method: "PUT", agent: false }).end()
      const [answer] = await once(request, "response")
      answer.resume()
      assert.equal(answer.statusCode, 201)
    }
    const guest = http2.connect(server.url)
    t.after(() => guest.destroy())
    const statuses = await Promise.all(Array.from({ length: 8 }, (_, n) => new Promise((resolve, reject) => {
      const request = guest.request({ ":path": `/v1/stream/of-others${n}?offset=now&live=sse` }).on("error", reject)
      request.on("response", headers => resolve(headers[":status"])).resume()
    })))
    assert.deepEqual(statuses, Array(8).fill(200), "requests that are open at once")
  })

  test("are not limited if it is a proxy's", { timeout: TIMEOUT_MS }, async t => {
    const { sockets } = await besieged(t, 0, "--set", `server.trusted-proxies=${HOG_ADDRESS}`)
    const room = ROOM / SOCKET
    const open = () => sockets.filter(socket => !socket.closed).length
    await eventually(TIMEOUT_MS, () => open() <= room, "the others to be closed")
    assert.ok(open() > (room * 3) / 4, `${open()} are open`)
  })
})
