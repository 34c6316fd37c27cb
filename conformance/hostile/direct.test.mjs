// The memory outside the heap, in which data waits for sockets, is at its end. Whoever cannot be served for want of it is cut,
// and may come back: nobody waits for an answer that never comes, nobody is sent what follows on something that is missing,
// and what was acknowledged is kept.
import assert from "node:assert/strict"
import http from "node:http"
import net from "node:net"
import { after, before, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { held, metric } from "../lib/metrics.mjs"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const MIB = 1 << 20
const TIMEOUT_MS = 120_000
const RETRY_MS = 100
const DIRECT_MIB = 24
/** What answers may hold is more than there is outside the heap, so that this comes to its end first. */
const ANSWERS_MIB = 128
const GREEDY = 32
const ANSWERS_EACH = 12
const READERS = 3
const TOKENS_MEANWHILE = 20
/** Behind each token, so that it takes memory. */
const PADDING = "x".repeat(20_000)
/** Bytes that tell where they belong. */
const BIG = Buffer.from(Uint32Array.from({ length: MIB / 4 }, (_, n) => n).buffer)

let server
let dataDir
const args = ["--set", `limits.response-bytes=${ANSWERS_MIB * MIB}`, "--set", "limits.request-timeout=10000"]
const env = { PARLEY_JAVA_OPTS: `-Xmx512m -XX:MaxDirectMemorySize=${DIRECT_MIB}m` }
before(async () => {
  dataDir = await temporaryFolder()
  server = await startServer({ args, env, dataDir })
})
after(async () => {
  await server.stop()
  await removeFolder(dataDir)
})

const path = name => `${server.url}/v1/stream/${name}`

async function create(name, type, body) {
  assert.equal((await fetch(path(name), { method: "PUT", headers: { "content-type": type }, body })).status, 201)
}

/** Asks for the stream again and again, and reads nothing until it is asked for its fate. */
class Greedy {
  #socket = net.connect(new URL(server.url).port, "127.0.0.1")
  #ended = new Promise(resolve => this.#socket.once("close", resolve))

  constructor() {
    this.#socket.on("error", () => {}).pause()
    const ask = last => `GET /v1/stream/big?offset=-1 HTTP/1.1\r\nHost: localhost\r\n${last ? "Connection: close\r\n" : ""}\r\n`
    this.#socket.write(ask(false).repeat(ANSWERS_EACH - 1) + ask(true))
  }

  /** How many answers it got before its connection ended; they are whole, and so is the beginning of one that was cut. */
  async fate() {
    const parts = []
    this.#socket.on("data", part => parts.push(part)).resume()
    await within(TIMEOUT_MS, this.#ended, "the end of a connection")
    let rest = Buffer.concat(parts)
    let answers = 0
    for (let head; (head = rest.indexOf("\r\n\r\n")) >= 0; ) {
      const text = rest.subarray(0, head).toString()
      const length = Number(/^content-length: (\d+)$/im.exec(text)[1])
      const body = rest.subarray(head + 4, head + 4 + length)
      if (/^HTTP\/1.1 200 /.test(text)) assert.ok(body.equals(BIG.subarray(0, body.length)), "something is missing in an answer")
      else assert.match(text, /^HTTP\/1.1 503 /)
      if (body.length < length) break
      answers++
      rest = rest.subarray(head + 4 + length)
    }
    return answers
  }
}

/** Appends numbers until it is told to stop; comes back when its connection is cut. */
class Writer {
  acknowledged = 0
  #going = true
  #done = this.#write()

  async #write() {
    while (this.#going) {
      const headers = {
        "content-type": "application/json",
        "producer-id": "writer",
        "producer-epoch": "0",
        "producer-seq": String(this.acknowledged),
      }
      const body = JSON.stringify(`${this.acknowledged}:${PADDING}`)
      const options = { method: "POST", headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) }
      const status = await fetch(path("good"), options).then(answer => answer.status, () => 0)
      if (status === 200 || status === 204) this.acknowledged++
      else await sleep(RETRY_MS)
    }
  }

  async stop() {
    this.#going = false
    await this.#done
  }
}

/** Reads numbers as they come; comes back where it was when its connection is cut. */
class Reader {
  numbers = []
  #offset = "-1"
  #going = true
  #done = this.#read()
  #response

  async #read() {
    while (this.#going) await this.#once().catch(() => sleep(RETRY_MS))
  }

  async #once() {
    this.#response = await new Promise((resolve, reject) => {
      http.get(`${path("good")}?offset=${this.#offset}&live=sse`, { agent: false }, resolve).on("error", reject)
    })
    let rest = ""
    for await (const part of this.#response.setEncoding("utf8")) {
      const events = (rest + part).split("\n\n")
      rest = events.pop()
      events.forEach(event => this.#event(event))
    }
  }

  #event(event) {
    const data = event
      .split("\n")
      .filter(line => line.startsWith("data:"))
      .map(line => line.slice("data:".length))
      .join("\n")
    if (event.includes("event: data")) this.numbers.push(...JSON.parse(data).map(numberOf))
    if (event.includes("event: control")) this.#offset = JSON.parse(data).streamNextOffset
  }

  async stop() {
    this.#going = false
    this.#response?.destroy()
    await this.#done
  }
}

const numberOf = token => Number(token.split(":")[0])
const upTo = count => Array.from({ length: count }, (_, n) => n)

/** All numbers that the server has. */
async function stored() {
  const numbers = []
  for (let offset = "-1"; ; ) {
    const answer = await fetch(`${path("good")}?offset=${offset}`)
    numbers.push(...(await answer.json()).map(numberOf))
    offset = answer.headers.get("stream-next-offset")
    if (answer.headers.get("stream-up-to-date") === "true") return numbers
  }
}

test("whoever finds no memory outside the heap is cut, and others go on", { timeout: 3 * TIMEOUT_MS }, async () => {
  await create("big", "application/octet-stream", BIG)
  await create("good", "application/json")
  const readers = Array.from({ length: READERS }, () => new Reader())
  const live = () => metric(server.url, "parley_streams_live_readers")
  await eventually(TIMEOUT_MS, async () => (await live()) === READERS, "the readers")

  const greedy = Array.from({ length: GREEDY }, () => new Greedy())
  // Meanwhile nobody may be answered.
  const direct = () => held(server.url, "direct").catch(() => 0)
  await eventually(TIMEOUT_MS, async () => (await direct()) > (DIRECT_MIB - 4) * MIB, "the end of the memory")
  const writer = new Writer()
  await eventually(TIMEOUT_MS, () => writer.acknowledged > TOKENS_MEANWHILE, "others to go on")

  const answers = await Promise.all(greedy.map(one => one.fate()))
  assert.ok(answers.some(count => count < ANSWERS_EACH), "somebody was cut")
  await writer.stop()
  await eventually(
    TIMEOUT_MS,
    () => readers.every(reader => reader.numbers.length >= writer.acknowledged),
    "all numbers to be read",
  )
  await Promise.all(readers.map(reader => reader.stop()))
  for (const { numbers } of readers) assert.deepEqual(numbers, upTo(writer.acknowledged))

  assert.ok((await metric(server.url, "parley_memory_refused_total", 'purse="direct"')) > 0, "it is counted")

  // What was taken is given back.
  const whole = await Promise.all(Array.from({ length: DIRECT_MIB / 2 }, async () => (await fetch(path("big"))).arrayBuffer()))
  for (const body of whole) assert.ok(Buffer.from(body).equals(BIG))

  // And what was acknowledged is there after a crash as well.
  await server.kill()
  server = await startServer({ dataDir })
  assert.deepEqual(await stored(), upTo(writer.acknowledged))
})
