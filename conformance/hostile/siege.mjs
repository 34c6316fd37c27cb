// A server under siege: a small heap, good sessions within, attackers in processes of their own without.
import assert from "node:assert/strict"
import { execFile, fork } from "node:child_process"
import { once } from "node:events"
import { readFile, writeFile } from "node:fs/promises"
import http from "node:http"
import https from "node:https"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { collectGarbage, residentBytes } from "../lib/jdk.mjs"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"
import { attacks } from "./attacks.mjs"
import { GoodSessions } from "./good.mjs"
import { Weapons } from "./weapons.mjs"

export { attacks }

const ATTACKER = fileURLToPath(new URL("attacker.mjs", import.meta.url))
const GOOD_SESSIONS = 50
const MAX_RESIDENT_BYTES = 1 << 30
const SAMPLE_INTERVAL_MS = 250
/** What one attacking process opens at most: each has its own limit of open files, and ports are not endless. */
const CONNECTIONS_PER_ATTACKER = 5_000
const STANDING_TIMEOUT_MS = 120_000
const PROGRESS_TIMEOUT_MS = 90_000
const CALM_TIMEOUT_MS = 90_000
/** Tokens of each good session that must come through while the attack stands. */
const TOKENS_UNDER_ATTACK = 10
/** Generous: what the good sessions themselves make the server hold differs from moment to moment. */
const MAX_HEAP_GROWTH_BYTES = 40 << 20
const MAX_HELD_GROWTH_BYTES = 1 << 20
/** Not given back when somebody leaves: the newest entries stay for the next reader, and pools keep their buffers. */
const LASTING_PURSES = ["windows", "caches", "direct"]

/** Of the server's log, when it has ended. */
const LOG_CHARS = 1_500

const secret = "0123456789abcdef0123456789abcdef"
const goodKey = i => `good.session${i}:${secret}`
export const ATTACKER_KEY = `evil.attacker:${secret}`

/** The servers that are besieged; `keys`: whether anybody needs one. */
export const SERVERS = {
  open: { heap: "256m", keys: false },
  // Room for few links, or it would take an attack of hours to want more than there is.
  keyed: { heap: "512m", keys: true, settings: { limits: { "subscription-bytes": 1 << 20 } } },
}

export class Siege {
  #server
  #dataDir
  #folder
  #good
  #attackers = new Set()
  #heapBefore
  #heldBefore
  #greatestResident = 0
  #sampling
  #metricsAgent

  /** Starts a server of this kind (see above), with good sessions that stream from now on. `assertions`: see startServer. */
  static async begin({ server, tls = false, assertions = true }) {
    const siege = new Siege()
    Object.assign(siege, { server, tls })
    const { heap, keys, settings } = SERVERS[server]
    siege.#folder = await temporaryFolder()
    siege.#dataDir = join(siege.#folder, "data")
    const config = join(siege.#folder, "parley.yaml")
    const allKeys = [ATTACKER_KEY, ...Array.from({ length: GOOD_SESSIONS }, (_, i) => goodKey(i))]
    await writeFile(config, JSON.stringify({ ...settings, ...(keys && { auth: { keys: allKeys.map(withAllRights) } }) }))
    const tlsArgs = tls ? await siege.#certificate() : []
    siege.#server = await startServer({
      dataDir: siege.#dataDir,
      args: ["--config", config, ...tlsArgs],
      env: { PARLEY_JAVA_OPTS: `-Xmx${heap}` },
      assertions,
    })
    const Agent = tls ? https.Agent : http.Agent
    siege.#metricsAgent = new Agent({ keepAlive: true, maxSockets: 1 })
    siege.#sampling = setInterval(() => siege.#sample(), SAMPLE_INTERVAL_MS)
    const rootKey = (await readFile(join(siege.#dataDir, "root.key"), "utf8")).trim()
    siege.#good = await GoodSessions.start(
      siege,
      Array.from({ length: GOOD_SESSIONS }, (_, i) => (keys ? { key: goodKey(i), streams: goodKey(i) } : { key: rootKey })),
    )
    await siege.#good.progress(PROGRESS_TIMEOUT_MS, TOKENS_UNDER_ATTACK)
    siege.#heapBefore = await siege.#heap()
    siege.#heldBefore = await siege.#held()
    return siege
  }

  async #certificate() {
    const [cert, key] = ["cert.pem", "key.pem"].map(file => join(this.#folder, file))
    await promisify(execFile)("openssl", [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost".split(" "),
      ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
    ])
    this.ca = await readFile(cert, "utf8")
    return ["--set", `tls.cert=${cert}`, "--set", `tls.key=${key}`]
  }

  get url() {
    return this.#server.url
  }

  get good() {
    return this.#good
  }

  /** The key with which attackers come to a server that wants one. */
  get attackerKey() {
    return SERVERS[this.server].keys ? ATTACKER_KEY : undefined
  }

  async #sample() {
    this.#greatestResident = Math.max(this.#greatestResident, (await residentBytes(this.#server.pid)) ?? 0)
  }

  /** Whether the process that was started is still the one that serves. */
  async isAlive() {
    return (await Promise.race([this.#server.exited, "alive"])) === "alive"
  }

  async #get(path) {
    const { get } = this.ca ? https : http
    const request = get(new URL(path, this.url), { agent: this.#metricsAgent, ca: this.ca })
    const [response] = await once(request, "response")
    const parts = await response.toArray()
    return { status: response.statusCode, body: Buffer.concat(parts).toString() }
  }

  /** The values of a metric, by its labels; empty if there is no such metric. */
  async metrics(name) {
    const { body } = await this.#get("/metrics")
    const lines = body.split("\n").filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    return new Map(lines.map(line => [line.slice(name.length, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]))
  }

  async #metric(name) {
    const values = await this.metrics(name)
    assert.ok(values.size > 0, `no metric ${name}`)
    return [...values.values()].reduce((sum, value) => sum + value)
  }

  async #heap() {
    await collectGarbage(this.#server.pid)
    const values = await this.metrics("jvm_memory_used_bytes")
    return [...values].filter(([labels]) => labels.includes('area="heap"')).reduce((sum, [, value]) => sum + value, 0)
  }

  get #target() {
    return { url: this.url, ca: this.ca, key: this.attackerKey }
  }

  /** What the attack needs to be there; gives what takes it away again, if anything is to be. */
  prepare({ name }) {
    return attacks[name].prepare?.(new Weapons(this.#target, "http1", 0))
  }

  /** Bytes that are held for clients, by purse. */
  async #held() {
    const values = await this.metrics("parley_memory_held_bytes")
    assert.ok(values.size > 0, "no metric of the memory that is held")
    return new Map([...values].filter(([labels]) => !LASTING_PURSES.some(purse => labels.includes(purse))))
  }

  /** Begins `attack` over `transport`; resolves when it stands, with what its attackers report. */
  async attack({ name, transport }) {
    const { load } = attacks[name]
    const processes = Math.max(1, Math.ceil((load.connections ?? 1) / CONNECTIONS_PER_ATTACKER))
    const reports = Array.from({ length: processes }, (_, n) => {
      const share = { ...load, ...(load.connections && { connections: Math.ceil(load.connections / processes) }) }
      return this.#sendAttacker({ name, load: share, transport, target: this.#target, number: n + 1 })
    })
    return sum(await within(STANDING_TIMEOUT_MS, Promise.all(reports), `the attack of ${name} to stand`))
  }

  async #sendAttacker(order) {
    const attacker = fork(ATTACKER, { serialization: "advanced" })
    this.#attackers.add(attacker)
    attacker.send(order)
    return report(attacker)
  }

  /** Calls the attackers off; gives what has become of their connections. */
  async callOff() {
    const reports = [...this.#attackers].map(async attacker => {
      attacker.send("stop")
      const last = await report(attacker)
      attacker.kill()
      return last
    })
    this.#attackers.clear()
    return sum(await within(STANDING_TIMEOUT_MS, Promise.all(reports), "the attackers' withdrawal"))
  }

  /** Good sessions go on while the attack stands: each gets this many more tokens through. */
  async assertGoodGoOn() {
    await this.#good.progress(PROGRESS_TIMEOUT_MS, TOKENS_UNDER_ATTACK)
    await this.assertHolds()
  }

  /** Whoever was just cut waits a moment for the server's end, which may be the cause. */
  async assertAlive(moment = 0) {
    const status = await Promise.race([this.#server.exited, sleep(moment, undefined, { ref: false })])
    assert.equal(status, undefined, `the server has ended by itself, with status ${status}:\n${this.#server.log().slice(-LOG_CHARS)}`)
  }

  /** The server is the one that was started, is ready and small, and no good session has anything to complain of. */
  async assertHolds() {
    await this.assertAlive()
    assert.equal((await this.#get("/health/ready")).status, 200)
    assert.deepEqual(this.#good.complaints, [])
    await this.#sample()
    assert.ok(this.#greatestResident < MAX_RESIDENT_BYTES, `${this.#greatestResident >> 20} MiB are resident`)
  }

  get greatestResidentMiB() {
    return this.#greatestResident >> 20
  }

  connections() {
    return this.#metric("parley_http_connections")
  }

  /** After the attack nothing of it is left: connections are gone, and so is what was held for them. */
  async assertCalm() {
    // Those of the good sessions, ours, and of a reader that just changes from one response to the next.
    await this.#comesDown("connections", () => this.connections(), this.#good.connections + 10)
    for (const [purse, bytes] of this.#heldBefore) {
      await this.#comesDown(`held bytes ${purse}`, async () => (await this.#held()).get(purse), bytes + MAX_HELD_GROWTH_BYTES)
    }
    await this.#comesDown("bytes of heap", () => this.#heap(), this.#heapBefore + MAX_HEAP_GROWTH_BYTES)
  }

  async #comesDown(what, measure, greatest) {
    let last
    try {
      await eventually(CALM_TIMEOUT_MS, async () => (last = await measure()) <= greatest, what)
    } catch {
      assert.fail(`after ${CALM_TIMEOUT_MS} ms there are still ${last} ${what}, not ${greatest} or fewer`)
    }
  }

  /** Ends the siege: every token that was acknowledged is there, once. */
  async end() {
    await this.#good.finish()
    assert.deepEqual(this.#good.complaints, [])
    await this.assertAlive()
    await this.#server.stop()
    await this.abandon()
  }

  /** Ends it whatever has become of the server. */
  async abandon() {
    clearInterval(this.#sampling)
    this.#attackers.forEach(attacker => attacker.kill("SIGKILL"))
    this.#good?.abandon()
    this.#metricsAgent?.destroy()
    if (await this.isAlive()) await this.#server.kill()
    await removeFolder(this.#folder)
  }

  /** The greatest number of files that the server may open, or undefined where there is no /proc. */
  async maxFiles() {
    const limits = await readFile(`/proc/${this.#server.pid}/limits`, "utf8").catch(() => "")
    const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1]
    return hard && Number(hard)
  }
}

const withAllRights = key => ({ key, capability: { "*": ["*"] } })

/** The next report of an attacker. */
async function report(attacker) {
  const failed = once(attacker, "exit").then(([status]) => {
    throw new Error(`an attacker has ended by itself: ${status}`)
  })
  failed.catch(() => {}) // that of a later call tells
  const [message] = await Promise.race([once(attacker, "message"), failed])
  return message
}

/** Numbers of all reports by name, added up. */
function sum(reports) {
  const total = {}
  for (const report of reports) {
    for (const [name, value] of Object.entries(report)) total[name] = (total[name] ?? 0) + value
  }
  return total
}
