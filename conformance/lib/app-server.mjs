// A server with an app of its own in it, and Ably clients for that app.
import assert from "node:assert/strict"
import * as Ably from "ably"
import { collectGarbage } from "./jdk.mjs"
import { metric } from "./metrics.mjs"
import { removeFolder, startServer, temporaryFolder } from "./server.mjs"

/** So that a client comes back at once: what is tested is not its patience. */
const PATIENCE = { disconnectedRetryTimeout: 100, suspendedRetryTimeout: 200, channelRetryTimeout: 100 }

const PAGE_MESSAGES = 1_000

export class AppServer {
  #server
  #args
  #env

  /** `keys` and `namespaces`: of the app, as in the body of POST /apps. `settings`: of the server, by name. */
  static async start({ keys = [{}], namespaces = [], settings = {}, env = {} } = {}) {
    const server = new AppServer()
    server.dataDir = await temporaryFolder()
    server.#args = ["--admin-api", ...Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`])]
    server.#env = env
    await server.restart()
    Object.assign(server, await server.makeApp({ keys, namespaces }))
    return server
  }

  /** Makes an app; the server's own has `appId` and `keys` as well. */
  async makeApp({ keys = [{}], namespaces = [] } = {}) {
    const response = await fetch(`${this.url}/apps`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ keys, namespaces }),
    })
    assert.ok(response.ok, `POST /apps got ${response.status}`)
    const app = await response.json()
    return { appId: app.appId, keys: app.keys }
  }

  get url() {
    return this.#server.url
  }

  get pid() {
    return this.#server.pid
  }

  log() {
    return this.#server.log()
  }

  /** Starts the server on the data and the port that it had. */
  async restart() {
    const port = this.#server ? Number(new URL(this.url).port) : 0
    this.#server = await startServer({ dataDir: this.dataDir, port, args: this.#args, env: this.#env })
  }

  /** Stops the server in good order; restart starts it again. */
  stop() {
    return this.#server.stop()
  }

  kill() {
    return this.#server.kill()
  }

  /** Ends the server in good order and removes what it has kept. */
  async end() {
    await this.#server.stop()
    await removeFolder(this.dataDir)
  }

  /** For tests in which nothing happens that a server may complain of. */
  assertNoErrorLogged() {
    assert.doesNotMatch(this.log(), /\bERROR\b/, "the server has logged an error")
  }

  /** The sum of a metric's values. */
  metric(name, label) {
    return metric(this.url, name, label)
  }

  /** Bytes of heap in use. Garbage does not count: the server's own JDK collects it first. */
  async heap() {
    await collectGarbage(this.pid)
    return this.metric("jvm_memory_used_bytes", 'area="heap"')
  }

  /** Options of a client of this server, or of one behind `url`; `options` go before them. */
  options({ url = this.url, ...options } = {}) {
    const { hostname, port } = new URL(url)
    const credentials = ["key", "token", "tokenDetails", "authCallback", "authUrl"]
    return {
      endpoint: hostname,
      port: Number(port),
      tls: false,
      logLevel: 0,
      ...PATIENCE,
      ...(credentials.some(name => name in options) ? {} : { key: this.keys[0].keyStr }),
      ...options,
    }
  }

  realtime(options) {
    return new Ably.Realtime(this.options(options))
  }

  rest(options) {
    return new Ably.Rest(this.options(options))
  }

  /** All messages of a channel, oldest first. */
  async history(channel) {
    return everything(await this.rest().channels.get(channel).history({ direction: "forwards", limit: PAGE_MESSAGES }))
  }
}

/** The items of this page and all pages after it. */
export async function everything(page) {
  const items = []
  for (; page; page = await page.next()) items.push(...page.items)
  return items
}
