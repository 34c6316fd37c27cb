// A server that gets killed and comes back on the same data and port, and requests to it that tell a crash from an
// error.
import assert from "node:assert/strict"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { within } from "../lib/wait.mjs"
import { decode, encode } from "./messages.mjs"

const REQUEST_TIMEOUT_MS = 30_000
const END_TIMEOUT_MS = 30_000

/** Thrown out of requests whose answer a crash has taken away. */
export class Crashed extends Error {}

export class Victim {
  #args
  #server
  #port = 0
  #url
  #alive = false
  #acknowledged = 0
  #waiting = new Set()

  /** `settings`: of the server, by name. */
  constructor(settings = {}) {
    this.#args = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`])
  }

  async start({ signal } = {}) {
    this.dataDir ??= await temporaryFolder()
    this.#server = await startServer({ dataDir: this.dataDir, port: this.#port, args: this.#args, signal })
    this.#url = this.#server.url
    this.#port = Number(new URL(this.#url).port)
    this.#alive = true
  }

  /** Starts the server and kills it `delayMs` later, ready or not. */
  async startAndDie(delayMs) {
    const kill = AbortSignal.timeout(delayMs)
    try {
      await this.start({ signal: kill })
    } catch (error) {
      assert.ok(kill.aborted, error)
      return
    }
    await this.kill()
  }

  async kill() {
    this.#alive = false
    await this.#server.kill()
  }

  async stop() {
    this.#alive = false
    await this.#server.stop()
  }

  /** Resolves with {status, log} once the server has ended by itself. */
  async ended() {
    const status = await within(END_TIMEOUT_MS, this.#server.exited, "the server's end")
    this.#alive = false
    return { status, log: this.#server.log() }
  }

  async remove() {
    if (this.#alive) await this.#server.kill()
    if (this.dataDir) await removeFolder(this.dataDir)
  }

  /** To be called where nothing has happened that a server may complain of. */
  assertNoErrorLogged() {
    assert.doesNotMatch(this.#server.log(), /\bERROR\b/, "the server has logged an error")
  }

  /** Resolves once `count` more appends are acknowledged. */
  acknowledgements(count) {
    return new Promise(resolve => this.#waiting.add({ at: this.#acknowledged + count, resolve }))
  }

  acknowledged() {
    this.#acknowledged++
    for (const waiter of this.#waiting) {
      if (this.#acknowledged >= waiter.at) {
        this.#waiting.delete(waiter)
        waiter.resolve()
      }
    }
  }

  /** Sends a request and yields the response, without its body. */
  async open(method, path, { headers, body, signal } = {}) {
    return this.survive(
      fetch(this.#url + path, { method, headers, body, signal: signal ?? AbortSignal.timeout(REQUEST_TIMEOUT_MS) }),
    )
  }

  /** Turns what fails because the server was killed into Crashed. */
  async survive(promise) {
    try {
      return await promise
    } catch (error) {
      if (!this.#alive) throw new Crashed("the server was killed", { cause: error })
      throw error
    }
  }

  /** Sends a request, checks that its status is one of `expected` and yields {status, headers, text}. */
  async send(method, path, expected, options) {
    const response = await this.open(method, path, options)
    const text = await this.survive(response.text())
    assert.ok(
      expected.includes(response.status),
      `${method} ${path} got ${response.status} instead of ${expected}: ${text}`,
    )
    return { status: response.status, headers: response.headers, text }
  }

  /** Sends an append of a message for each of `ids`. */
  append(ledger, ids, { headers = {}, closes = false, expected = [204] } = {}) {
    return this.send("POST", ledger.path, expected, {
      headers: { "Content-Type": ledger.type, ...(closes && { "Stream-Closed": "true" }), ...headers },
      body: ids.length ? encode(ledger.type, ids) : undefined,
    })
  }

  /** A chunk of a stream: {ids, next, upToDate, closed}. */
  async read(ledger, query) {
    const reply = await this.send("GET", `${ledger.path}?${query}`, [200, 204])
    return {
      ids: decode(ledger.type, reply.text),
      next: reply.headers.get("stream-next-offset"),
      upToDate: reply.headers.get("stream-up-to-date") === "true",
      closed: reply.headers.get("stream-closed") === "true",
    }
  }

  /** All that a stream holds: {ids, closed}. */
  async readAll(ledger) {
    const ids = []
    for (let offset = "-1"; ;) {
      const chunk = await this.read(ledger, `offset=${offset}`)
      ids.push(...chunk.ids)
      if (chunk.upToDate) return { ids, closed: chunk.closed }
      assert.notEqual(chunk.next, offset, "a read does not get on")
      offset = chunk.next
    }
  }

  async status(path) {
    return (await this.send("HEAD", path, [200, 404, 410])).status
  }
}
