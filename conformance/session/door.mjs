// A client of the session door as a program without any library would write it.
import assert from "node:assert/strict"
import { basic } from "../lib/tokens.mjs"

/** Somebody who uses the session door with a key. */
export class DoorClient {
  #url
  #authorization
  #actorId

  constructor({ url, key, authorization = key && basic(key), actorId }) {
    this.#url = url
    this.#authorization = authorization
    this.#actorId = actorId
  }

  /** Sends a request; `session` and `path` make its path. Gives { status, headers, body }. */
  request(method, path, body) {
    return this.#at(`${this.#url}/v1${path}`, method, body)
  }

  async #at(url, method, body) {
    const response = await fetch(url, {
      method,
      headers: {
        ...(this.#authorization && { Authorization: this.#authorization }),
        ...(this.#actorId && { "X-Actor-Id": this.#actorId }),
        ...(body !== undefined && { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
    })
    const text = await response.text()
    const isJson = response.headers.get("content-type") === "application/json"
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text || undefined }
  }

  async #ok(status, method, path, body) {
    const answer = await this.request(method, path, body)
    assert.equal(answer.status, status, `${method} ${path} got ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  /** Sends a request to the REST door, with the same credentials. */
  ofChannels(method, path, body) {
    return new DoorClient({ url: this.#url, authorization: this.#authorization }).#at(`${this.#url}${path}`, method, body)
  }

  get = path => this.#ok(200, "GET", path)
  list = (query = "") => this.get(`/sessions${query}`)

  session(id) {
    const door = this
    const path = `/sessions/${encodeURIComponent(id)}`
    const post = (status, name, body) => this.#ok(status, "POST", `${path}/${name}`, body)
    return {
      path,
      summary: () => this.get(path),
      make: labels => this.request("PUT", path, labels && { labels }),
      erase: body => this.request("DELETE", path, body),
      label: labels => this.#ok(200, "PATCH", `${path}/labels`, labels),
      relabel: labels => this.#ok(200, "PUT", `${path}/labels`, labels),
      messages: async (query = "") => (await this.get(`${path}/messages${query}`)).messages,
      conversation: async (query = "") => (await this.get(`${path}/conversation${query}`)).nodes,
      /** The log, page by page. */
      async export() {
        const lines = []
        for (let query = ""; query !== undefined; ) {
          const { status, headers, body } = await door.request("GET", `${path}/export${query}`)
          assert.equal(status, 200)
          lines.push(...(body ?? "").split("\n").filter(Boolean).map(line => JSON.parse(line)))
          query = /<\.\/export(\?[^>]+)>; rel="next"/.exec(headers.get("link") ?? "")?.[1]
        }
        return lines
      },
      members: async () => (await this.get(`${path}/presence`)).members,
      send: (content, more) => post(200, "messages", { content, ...more }),
      edit: (messageId, content) => this.#ok(200, "PUT", `${path}/messages/${encodeURIComponent(messageId)}`, { content }),
      regenerate: fromMessageId => post(200, "regenerate", { fromMessageId }),
      stop: (what = {}) => post(204, "stop", what),
      toolResult: (toolCallId, output) => post(204, "tool-results", { toolCallId, output }),
      answer: (approvalId, approved) => post(204, `approvals/${encodeURIComponent(approvalId)}`, { approved }),
    }
  }
}
