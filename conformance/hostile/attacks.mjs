// The attacks: what each does, at four times the load that once ended the server, and over what it is done.
// `server`: the kind of server (see siege.mjs) that meets it. `transports`: the first is the most telling one, the only one
// in the short form. `prepare` is done by somebody who means well, before the attack; `run` by the attackers.
import { setTimeout as sleep } from "node:timers/promises"
import { basic } from "../lib/tokens.mjs"
import { WireConnection } from "../realtime/wire.mjs"
import { AGAIN_MS, h2, repeated, ws } from "./weapons.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const MIB = 1 << 20
const ALL = ["http1", "http2", "tls"]
const CLOSE = 7
const ATTACH = 10
const PRESENCE = 14
const MESSAGE = 15
const PRESENCE_ENTER = 2
const MEMBERS = 250
const REWIND_MESSAGES = 100
const LARGE_BYTES = 60_000
const STREAM = "/v1/stream/attacked"
const CHANNEL = "attacked"
const TEXT = { "Content-Type": "text/plain" }
const JSON_TYPE = { "Content-Type": "application/json" }

export const attacks = {
  "pings, and their pongs are not read": {
    server: "open",
    transports: ["http1", "tls"],
    load: { connections: 8, bytesEach: 67 * MIB },
    run: (weapons, load) => pings(weapons, load, {}),
  },
  "pings with a key, and their pongs are not read": {
    server: "keyed",
    transports: ["http1", "tls"],
    load: { connections: 8, bytesEach: 67 * MIB },
    run: (weapons, load) => pings(weapons, load, { key: weapons.target.key }),
  },
  "HTTP/2 pings and settings, and their acknowledgements are not read": {
    server: "open",
    transports: ["http2", "tls"],
    load: { connections: 8, bytesEach: 67 * MIB },
    run: http2Pings,
  },
  "TLS connections that say nothing": {
    server: "open",
    transports: ["tls"],
    load: { connections: 20_000, handshakesOneIn: FULL ? 1 : 10 },
    run: silentTls,
  },
  "half of the headers": {
    server: "open",
    transports: ALL,
    load: { connections: 5_000, bytesEach: 15 << 10 },
    run: halfHeaders,
  },
  "half of a WebSocket message": {
    server: "keyed",
    transports: ["http1", "tls"],
    load: { connections: 2_000, bytesEach: 500 << 10, length: 512 << 10 },
    run: halfMessages,
  },
  "half of headers with the shortest lines": {
    server: "open",
    transports: ["http1", "tls"],
    load: { connections: 5_000, bytesEach: 15 << 10 },
    run: shortestLines,
  },
  "half of headers with the shortest lines, of clients that leave at once": {
    server: "open",
    // As many handshakes of TLS would take longer than the test may.
    transports: ["http1"],
    load: { connections: 20_000, bytesEach: 15 << 10 },
    run: shortestLinesAndGone,
  },
  "requests behind one that is not answered": {
    server: "open",
    transports: ["http1", "tls"],
    load: { connections: 4_000, bytesEach: 64 << 10 },
    prepare: emptyStream,
    run: requestsBehind,
  },
  "bodies that have arrived in part": {
    server: "open",
    transports: ALL,
    load: { connections: 116, bytesEach: 15 * MIB, length: 16 * MIB },
    run: arrivingBodies,
  },
  "REST requests whose body never comes": {
    server: "keyed",
    transports: ALL,
    load: { connections: 2_080 },
    run: bodiesThatNeverCome,
  },
  "answers of a megabyte that nobody reads": {
    server: "open",
    transports: ["http1", "tls"],
    load: { connections: 8_000, requestsEach: 4 },
    prepare: bigStream,
    run: unreadAnswers,
  },
  "answers to HTTP/2 streams without a window": {
    server: "keyed",
    transports: ["http2", "tls"],
    load: { connections: 32, streamsEach: 1_000 },
    prepare: bigStream,
    run: closedWindows,
  },
  "large entries to live readers that do not read": {
    server: "open",
    transports: ALL,
    load: { connections: 8_000, appends: 12, bytesEach: 500_000 },
    prepare: emptyStream,
    run: unreadEvents,
  },
  "appends in flight": {
    server: "keyed",
    transports: ALL,
    load: { connections: 1_600, bytesEach: 300_000 },
    prepare: emptyStream,
    run: appendsInFlight,
  },
  "one name a hundred times in a list of presence": {
    server: "keyed",
    transports: ALL,
    load: { connections: 4, names: 100 },
    prepare: members,
    run: presenceLists,
  },
  "attachments of all kinds of parameters to one session": {
    server: "keyed",
    transports: ["http1", "tls"],
    load: { connections: 4, attachmentsEach: 200 },
    prepare: history,
    run: (weapons, load) => attachments(weapons, load, "rewind=100"),
  },
  "attachments to a session with large members": {
    server: "keyed",
    transports: ["http1", "tls"],
    load: { connections: 4, attachmentsEach: 200 },
    prepare: members,
    run: (weapons, load) => attachments(weapons, load, "rewind=1"),
  },
  "subscriptions with links without end": {
    server: "keyed",
    transports: ["http1", "tls"],
    load: { connections: 4, subscriptionsEach: 100, links: 1_000 },
    prepare: async weapons => () => removeSubscriptions(weapons),
    run: subscriptions,
  },
  "HTTP/2 streams that are reset at once": {
    server: "open",
    transports: ["http2", "tls"],
    load: { connections: 4, streamsEach: 20_000 },
    prepare: bigStream,
    run: resets,
  },
}

/** Whoever is closed goes on by a new connection. */
async function pings(weapons, { connections, bytesEach }, params) {
  const chunk = repeated(ws.ping(125), MIB)
  const attack = async () => {
    for (let left = bytesEach; left > 0; ) {
      const socket = await weapons.connectWebSocket(params)
      if (!socket) return
      left -= await weapons.pour(socket, chunk, left)
      if (!socket.destroyed) return
    }
  }
  await Promise.all(Array.from({ length: connections }, attack))
}

async function http2Pings(weapons, { connections, bytesEach }) {
  const chunk = repeated(Buffer.concat([h2.ping(), h2.settings()]), MIB)
  await weapons.connectAll(
    connections,
    async socket => {
      socket.write(h2.preface(0))
      await weapons.pour(socket, chunk, bytesEach)
    },
    () => weapons.connect({ alpn: "h2" }),
  )
}

/** First those that stop before it, which costs attackers the least, then some after it, which costs the server the most. */
async function silentTls(weapons, { connections, handshakesOneIn }) {
  const handshakes = Math.floor(connections / handshakesOneIn)
  await weapons.connectAll(connections - handshakes, undefined, () => weapons.connectPlain())
  await weapons.connectAll(handshakes)
}

function halfHeaders(weapons, { connections, bytesEach }) {
  if (weapons.transport === "http2") {
    const bytes = Buffer.concat([h2.preface(65_535), h2.halfHeaders(1, bytesEach)])
    return weapons.connectAll(connections, socket => void socket.write(bytes), () => weapons.connect({ alpn: "h2" }))
  }
  const bytes = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ${"x".repeat(bytesEach)}`
  return weapons.connectAll(connections, socket => void socket.write(bytes))
}

/** Each line is a field to the server, which takes far more than its four bytes. */
function shortestLines(weapons, { connections, bytesEach }) {
  const bytes = halfOfShortestLines(bytesEach)
  return weapons.connectAll(connections, socket => void socket.write(bytes))
}

/** The server learns of the end of each right after its bytes, while it still has others to read. */
function shortestLinesAndGone(weapons, { connections, bytesEach }) {
  const bytes = halfOfShortestLines(bytesEach)
  return weapons.connectAll(connections, socket => void socket.resume().end(bytes))
}

const halfOfShortestLines = bytes => `GET / HTTP/1.1\r\nHost: localhost\r\n${"a:\r\n".repeat(bytes / 4)}`

/** The body makes the server read in large parts, the read stays open, and behind it are the smallest requests there are. */
function requestsBehind(weapons, { connections, bytesEach }) {
  const body = weapons.request("POST", `${STREAM}/none`, { headers: TEXT, body: "b".repeat(4 * bytesEach), length: 4 * bytesEach })
  const open = weapons.request("GET", `${STREAM}/empty?offset=-1&live=sse`)
  const requests = "GET / HTTP/1.1\r\n\r\n"
  const behind = requests.repeat(bytesEach / requests.length)
  return weapons.connectAll(connections, async socket => {
    socket.resume()
    socket.write(body)
    await weapons.pour(socket, Buffer.concat([open, Buffer.from(behind)]), 1)
  })
}

/** By halves: one frame that is not whole, and a whole one of a message that is not. */
function halfMessages(weapons, { connections, bytesEach, length }) {
  const halves = [ws.half(bytesEach, length), ws.first(bytesEach)]
  let n = 0
  return weapons.connectAll(
    connections,
    socket => weapons.pour(socket, halves[n++ % 2], 1),
    () => weapons.connectWebSocket({ key: weapons.target.key }),
  )
}

async function arrivingBodies(weapons, { connections, bytesEach, length }) {
  await weapons.fetch("PUT", STREAM, { headers: TEXT })
  const chunk = Buffer.alloc(MIB, "x")
  if (weapons.transport === "http2") {
    return http2Requests(weapons, connections, { method: "POST", length }, stream => weapons.pour(stream, chunk, bytesEach))
  }
  await weapons.connectAll(connections, async socket => {
    socket.write(weapons.request("POST", STREAM, { headers: TEXT, length }))
    await weapons.pour(socket, chunk, bytesEach)
  })
}

/** Whoever is refused or closed asks again by a new connection. */
async function bodiesThatNeverCome(weapons, { connections }) {
  const message = { method: "POST", path: `/channels/${CHANNEL}/messages`, headers: JSON_TYPE, length: 100 }
  if (weapons.transport === "http2") return http2Requests(weapons, connections, message, () => {})
  await weapons.keepUp(connections, socket => {
    socket.write(weapons.request(message.method, message.path, message))
    void weapons.readAnswer(socket).then(() => socket.destroy())
  })
  // Until those who were refused have come back and taken the places that others have left.
  await sleep(2 * AGAIN_MS)
}

async function unreadAnswers(weapons, { connections, requestsEach }) {
  const bytes = repeated(weapons.request("GET", `${STREAM}/big?offset=-1`), 1)
  await weapons.connectAll(connections, socket => {
    for (let n = 0; n < requestsEach; n++) socket.write(bytes)
  })
}

async function closedWindows(weapons, { connections, streamsEach }) {
  const get = stream => h2.request(stream, "GET", `${STREAM}/big?offset=-1`, authorization(weapons))
  await weapons.connectAll(
    connections,
    socket => {
      // Read, so that nothing but the window holds the answers back.
      socket.resume()
      socket.write(h2.preface(0))
      socket.write(Buffer.concat(Array.from({ length: streamsEach }, (_, n) => get(2 * n + 1))))
    },
    () => weapons.connect({ alpn: "h2" }),
  )
}

async function unreadEvents(weapons, { connections, appends, bytesEach }) {
  const path = `${STREAM}/empty?offset=-1&live=sse`
  if (weapons.transport === "http2") {
    const streams = 1_000
    await weapons.connectAll(
      Math.ceil(connections / streams),
      socket => {
        socket.resume()
        socket.write(h2.preface(0))
        socket.write(Buffer.concat(Array.from({ length: streams }, (_, n) => h2.request(2 * n + 1, "GET", path, authorization(weapons)))))
      },
      () => weapons.connect({ alpn: "h2" }),
    )
  } else {
    await weapons.connectAll(connections, socket => void socket.write(weapons.request("GET", path)))
  }
  for (let n = 0; n < appends; n++) {
    await weapons.fetch("POST", `${STREAM}/empty`, { headers: TEXT, body: "e".repeat(bytesEach) })
  }
}

/** All bodies but their last byte first, and then the last byte of all at once. */
async function appendsInFlight(weapons, { connections, bytesEach }) {
  const path = `${STREAM}/empty`
  const body = Buffer.alloc(bytesEach, "a")
  if (weapons.transport === "http2") {
    return http2Requests(weapons, connections, { method: "POST", path, headers: TEXT, length: bytesEach }, stream => void stream.end(body))
  }
  const sockets = []
  await weapons.connectAll(connections, async socket => {
    socket.write(weapons.request("POST", path, { headers: TEXT, length: bytesEach }))
    await weapons.pour(socket, body.subarray(1), 1)
    sockets.push(socket)
  })
  await Promise.all(
    sockets.map(socket => {
      socket.write(body.subarray(0, 1))
      return weapons.readAnswer(socket)
    }),
  )
}

async function presenceLists(weapons, { connections, names }) {
  const path = `/presence?channels=${Array(names).fill(`${CHANNEL}-members`)}`
  if (weapons.transport === "http2") {
    return weapons.connectAll(
      connections,
      socket => {
        socket.resume()
        socket.write(Buffer.concat([h2.preface(0), h2.request(1, "GET", path, authorization(weapons))]))
      },
      () => weapons.connect({ alpn: "h2" }),
    )
  }
  await weapons.connectAll(connections, socket => void socket.write(weapons.request("GET", path)))
}

async function attachments(weapons, { connections, attachmentsEach }, params) {
  const channel = params === "rewind=100" ? `${CHANNEL}-history` : `${CHANNEL}-members`
  await weapons.connectAll(
    connections,
    socket => {
      for (let n = 0; n < attachmentsEach; n++) socket.write(ws.text({ action: ATTACH, channel: `[?${params}&n=${n}]${channel}` }))
    },
    () => weapons.connectWebSocket({ key: weapons.target.key }),
  )
}

/** Long paths, each of which is a link of its subscription. Whoever is refused comes with the next one. */
async function subscriptions(weapons, { connections, subscriptionsEach, links }) {
  const paths = Array.from({ length: links }, (_, n) => `attacked/${n}/${"l".repeat(600)}`)
  const body = JSON.stringify({ type: "pull-wake", wake_stream: "wakes", streams: paths })
  const attacker = async () => {
    for (let n = 0; n < subscriptionsEach; n++) {
      await weapons.fetch("PUT", subscription(weapons.number, nextSubscription++), { headers: JSON_TYPE, body })
    }
  }
  await Promise.all(Array.from({ length: connections }, attacker))
}

let nextSubscription = 0
const subscription = (attacker, n) => `/v1/stream/__ds/subscriptions/attack-${attacker}-${n}`

async function removeSubscriptions(weapons) {
  const { connections, subscriptionsEach } = attacks["subscriptions with links without end"].load
  for (let n = 0; n < connections * subscriptionsEach; n++) await weapons.fetch("DELETE", subscription(1, n))
}

/** Each stream is reset as soon as its request is sent. */
async function resets(weapons, { connections, streamsEach }) {
  const ATONCE = 100
  await weapons.connectAll(
    connections,
    async socket => {
      socket.resume()
      socket.write(h2.preface(65_535))
      for (let n = 0; n < streamsEach && !socket.destroyed; n += ATONCE) {
        const streams = Array.from({ length: ATONCE }, (_, i) => 2 * (n + i) + 1)
        const frames = streams.map(stream => [h2.request(stream, "GET", `${STREAM}/big?offset=-1`, authorization(weapons)), h2.reset(stream)])
        await weapons.pour(socket, Buffer.concat(frames.flat()), 1)
      }
    },
    () => weapons.connect({ alpn: "h2" }),
  )
}

/** As many requests as that, spread over as few HTTP/2 connections as can bear them; `send` sends their bodies. */
async function http2Requests(weapons, count, { method, path = STREAM, headers = TEXT, length }, send) {
  const streamsEach = 100
  const sending = []
  for (let left = count; left > 0; left -= streamsEach) {
    const session = await weapons.connectHttp2()
    for (let n = 0; session && n < Math.min(left, streamsEach); n++) {
      const fields = { ":method": method, ":path": path, ...headers, "content-length": length, ...authorization(weapons) }
      const stream = session.request(fields, { endStream: false })
      stream.on("error", () => {}).on("response", answer => weapons.count(answer[":status"])).resume()
      sending.push(send(stream))
    }
  }
  await Promise.all(sending)
}

// ---- What there is before the attack -------------------------------------------------------------

const authorization = ({ target: { key } }) => (key ? { authorization: basic(key) } : {})

async function emptyStream(weapons) {
  await weapons.fetch("PUT", `${STREAM}/empty`, { headers: TEXT })
}

async function bigStream(weapons) {
  await weapons.fetch("PUT", `${STREAM}/big`, { headers: TEXT, body: "b".repeat(MIB) })
}

/** A session with as many members as it may have, each with nearly as much data as it may bring; gives what ends them. */
async function members({ target }) {
  const connection = await WireConnection.connect(target.url, { key: target.key }, { ca: target.ca })
  const channel = `${CHANNEL}-members`
  const PRESENCE_MODE = 1 << 16
  await connection.ask({ action: ATTACH, channel, flags: PRESENCE_MODE }, "attached")
  for (let n = 0; n < MEMBERS; n++) {
    const member = { action: PRESENCE_ENTER, clientId: `member${n}`, data: "m".repeat(LARGE_BYTES) }
    const answer = await connection.ask({ action: PRESENCE, channel, msgSerial: n, presence: [member] }, "ack", "nack")
    if (answer.error) throw new Error(JSON.stringify(answer.error))
    connection.drain()
  }
  // Closed in good order, so that no member stays for the next attack.
  return async () => {
    await connection.ask({ action: CLOSE }, "closed")
    connection.cut()
  }
}

async function history({ target }) {
  const connection = await WireConnection.connect(target.url, { key: target.key }, { ca: target.ca })
  for (let n = 0; n < REWIND_MESSAGES; n++) {
    const message = { name: "large", data: "h".repeat(LARGE_BYTES) }
    const answer = await connection.ask({ action: MESSAGE, channel: `${CHANNEL}-history`, msgSerial: n, messages: [message] }, "ack", "nack")
    if (answer.error) throw new Error(JSON.stringify(answer.error))
  }
  connection.cut()
}
