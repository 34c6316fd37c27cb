// A session with its people and agents on a real server, and the trouble that strikes them.
import assert from "node:assert/strict"
import { isDeepStrictEqual } from "node:util"
import { startProxy } from "../lib/proxy.mjs"
import { seededRandom } from "../lib/random.mjs"
import { eventually } from "../lib/wait.mjs"
import { AgentProcess } from "./agent-process.mjs"
import { Agent } from "./agent.mjs"
import { JavaAgentProcess, JavaModels } from "./java-agent-process.mjs"
import { ScriptedModel } from "./model.mjs"
import { forgetful } from "./java-watcher.mjs"
import { growing, textsIn } from "./record.mjs"
import { textOf, Viewer, WAIT_MS } from "./viewer.mjs"

const FAULT_LIMIT = 12
/** So that some connections break in the handshake and some in mid-answer. */
const MAX_BYTES_BEFORE_FAULT = 12_000

let channels = 0

export class Scene {
  #server
  #trouble
  #binary
  #java
  #watcher
  #proxy
  #people = []
  #agents = []
  #clients = []

  /**
   * `trouble`: "none"; "network": connections break, stall and are half closed at random, and all are cut when strike()
   * is called; "crash": strike() kills the server and starts it again. `java`: the compiled programs, if agents are to be
   * in Java. `watcher`: a JavaWatcher, who sees all of it.
   */
  static async open(t, { server, binary, trouble, java, watcher }) {
    const scene = new Scene()
    scene.#server = server
    scene.#binary = binary
    scene.#trouble = trouble
    scene.#java = java
    scene.channel = `conversation:${++channels}`
    scene.model = java ? new JavaModels() : new ScriptedModel()
    if (trouble === "network") {
      const random = seededRandom(t)
      scene.#proxy = await startProxy(server.url, {
        faultLimit: FAULT_LIMIT,
        nextFault: () => ({
          on: random.oneOf(["request", "response"]),
          afterBytes: random.between(0, MAX_BYTES_BEFORE_FAULT),
          how: random.oneOf(["reset", "half-close", "stall"]),
        }),
      })
    }
    t.after(() => scene.#close())
    scene.#watcher = watcher
    await watcher?.watch(scene.#url, scene.#key, scene.channel)
    return scene
  }

  get #url() {
    return this.#proxy?.url ?? this.#server.url
  }

  get #key() {
    return this.#server.keys[0].keyStr
  }

  #options(clientId) {
    const url = this.#url
    return this.#server.options({ url, clientId, useBinaryProtocol: this.#binary, disableConnectivityCheck: true })
  }

  async viewer(name, { lazy } = {}) {
    const viewer = await Viewer.open({ options: this.#options(name), channel: this.channel, lazy })
    this.#people.push(viewer)
    return viewer
  }

  async agent(name = "agent") {
    if (this.#java) return this.agentProcess(name)
    const client = this.#server.realtime(this.#options(name))
    this.#clients.push(client)
    const agent = await Agent.start({ client, channel: this.channel, model: this.model })
    this.#agents.push(agent)
    return agent
  }

  async agentProcess(name = "agent") {
    const agent = await (this.#java ? this.#javaAgent(name) : AgentProcess.start({ options: this.#options(name), channel: this.channel }))
    this.#agents.push(agent)
    return agent
  }

  #javaAgent(clientId) {
    const place = { url: this.#url, key: this.#key, channel: this.channel }
    return JavaAgentProcess.start({ ...place, programs: this.#java, clientId, model: this.model })
  }

  /** What happens in mid-answer. */
  async strike() {
    if (this.#trouble === "network") this.#proxy.cutAll()
    if (this.#trouble === "crash") {
      await this.#server.kill()
      await this.#server.restart()
    }
  }

  history() {
    return this.#server.history(this.channel)
  }

  /**
   * When all is over: all viewers, one that comes only now, and the REST history have the same conversation, character by
   * character, nothing is left growing, and nobody has lost the thread meanwhile.
   */
  async assertAllAgree() {
    const latecomer = await this.viewer("latecomer")
    const expected = await latecomer.conversation()
    assert.ok(expected.messages.length > 0, "there is nothing to agree on")
    for (const viewer of this.#people) {
      let seen
      await eventually(WAIT_MS, async () => isDeepStrictEqual((seen = await viewer.conversation()), expected), "agreement")
        .catch(() => assert.deepEqual(seen, expected, `${viewer.name} and a latecomer see different things`))
    }
    if (this.#watcher) await this.#assertJavaAgrees(expected)
    const history = await this.history()
    const texts = textsIn(history)
    for (const { codecMessageId, message } of expected.messages) {
      assert.equal(textOf(message), texts.get(codecMessageId) ?? "", "what is shown is not what the history says")
    }
    for (const message of expected.messages.flatMap(({ alternatives }) => alternatives)) {
      const text = textOf(message)
      assert.ok(text === "" || [...texts.values()].includes(text), `the history does not have ${JSON.stringify(text)}`)
    }
    assert.deepEqual(growing(history), [])
    assert.deepEqual([...this.#people, ...this.#agents].flatMap(one => one.complaints ?? []), [])
  }

  async #assertJavaAgrees(conversation) {
    const expected = forgetful(conversation)
    let seen
    const agrees = async () => isDeepStrictEqual((seen = forgetful(await this.#watcher.conversation(this.channel))), expected)
    await eventually(WAIT_MS, agrees, "agreement in Java").catch(() => assert.deepEqual(seen, expected, "in Java it is different"))
  }

  async #close() {
    await this.#watcher?.leave(this.channel)
    await Promise.all([
      ...this.#people.map(viewer => viewer.close()),
      ...this.#agents.map(agent => agent.kill?.() ?? agent.detach()),
    ])
    this.#clients.forEach(client => client.close())
    await this.#proxy?.close()
  }
}
