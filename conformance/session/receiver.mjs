// The other end of calls, as its author would write it: an agent that is woken, or an application that is told of something. It takes
// what the server has signed, once.
import { createPublicKey, verify } from "node:crypto"
import { once } from "node:events"
import { createServer } from "node:http"

const MAX_AGE_S = 300

export class Receiver {
  #server
  #keys
  #serve
  #seen = new Set()
  #told = new Set()
  /** What came and was taken: { headers, raw, body }. */
  calls = []
  /** Why calls were refused. */
  refused = []
  /** Notifications that came again, although the application had taken them. */
  repeated = []

  /**
   * `server`: whose calls these are. `serve`: gives the status of the answer, given the body of a call. `port`: where it listened
   * before.
   */
  static async start({ server, serve = () => 200, port = 0 }) {
    const receiver = new Receiver()
    receiver.#serve = serve
    receiver.#keys = async () => (await (await fetch(`${server.url}/v1/stream/__ds/jwks.json`)).json()).keys
    receiver.#server = createServer((request, response) => receiver.#take(request, response))
    receiver.#server.listen(port, "127.0.0.1")
    await once(receiver.#server, "listening")
    return receiver
  }

  get port() {
    return this.#server.address().port
  }

  get url() {
    return `http://127.0.0.1:${this.port}/wake?from=parley`
  }

  async #take(request, response) {
    const raw = Buffer.concat(await request.toArray())
    const why = await this.#whyNot(request.headers["webhook-signature"], raw)
    let status = 401
    if (why) this.refused.push(why)
    else {
      const body = JSON.parse(raw)
      if (this.#told.has(body.id)) {
        this.repeated.push(body)
        status = 200
      } else {
        this.calls.push({ headers: request.headers, raw, body })
        status = await this.#serve(body)
        if (body.id && status < 300) this.#told.add(body.id)
      }
    }
    response.writeHead(status).end()
  }

  /** Why a call is not to be trusted; undefined if it is. */
  async #whyNot(signature = "", raw) {
    const parts = Object.fromEntries(signature.split(",").map(part => part.split(/=(.*)/s)))
    const jwk = (await this.#keys()).find(({ kid }) => kid === parts.kid)
    if (!jwk) return "unknown key"
    const signed = Buffer.concat([Buffer.from(`${parts.t}.`), raw])
    const key = createPublicKey({ key: jwk, format: "jwk" })
    if (!verify(null, signed, key, Buffer.from(parts.ed25519, "base64url"))) return "forged"
    if (Math.abs(Date.now() / 1000 - Number(parts.t)) > MAX_AGE_S) return "too old"
    const { id, wakeId, lease } = JSON.parse(raw)
    // Somebody is told at least once: what comes again has the same id, and nothing is done again.
    if (id) return
    if (this.#seen.has(`${wakeId}/${lease}`)) return "replayed"
    this.#seen.add(`${wakeId}/${lease}`)
  }

  async stop() {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, "close")
  }
}
