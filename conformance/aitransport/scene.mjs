// A session with its people and agents on a real server, and the trouble that strikes them.
import assert from "node:assert/strict"
import { isDeepStrictEqual } from "node:util"
import { DoorPerson } from "../session/door-person.mjs"
import { startProxy } from "../lib/proxy.mjs"
import { seededRandom } from "../lib/random.mjs"
import { eventually } from "../lib/wait.mjs"
import { AgentProcess } from "./agent-process.mjs"
import { Agent } from "./agent.mjs"
import { JavaAgent, JavaAgentProcess, JavaModels } from "./java-agent.mjs"
import { JavaViewer } from "./java-viewer.mjs"
import { ScriptedModel } from "./model.mjs"
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
  #agentsAre
  #peopleAre
  #proxy
  #people = []
  #agents = []
  #clients = []
  #models = { npm: new ScriptedModel(), Java: new JavaModels() }

  /**
   * `trouble`: "none"; "network": connections break, stall and are half closed at random, and all are cut when strike()
   * is called; "crash": strike() kills the server and starts it again. `agents` and `people`: the libraries that they use,
   * "npm" or "Java"; people may also use "HTTP", which is none. `java`: { programs, peers }, the compiled programs and the process for those who can share one, without
   * which nobody uses Java. Somebody who does nothing but watch uses the library that the people do not.
   */
  static async open(t, { server, binary, trouble, agents = "npm", people = "npm", java }) {
    const scene = new Scene()
    scene.#server = server
    scene.#binary = binary
    scene.#trouble = trouble
    scene.#java = java
    scene.#agentsAre = agents
    scene.#peopleAre = people
    scene.number = ++channels
    scene.channel = `conversation:${scene.number}`
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
    if (people !== "npm") await scene.#person("watcher with npm", "npm")
    else if (java) await scene.#person("watcher in Java", "Java")
    return scene
  }

  /** The library that the agents use. */
  get agentsAre() {
    return this.#agentsAre
  }

  /** The model of the agents. */
  get model() {
    return this.#models[this.#agentsAre]
  }

  /** Lets whoever performs the script of this name go on after a gate. */
  async open(script, gate) {
    await Promise.all(Object.values(this.#models).map(model => model.release(script, 1, gate)))
  }

  get #url() {
    return this.#proxy?.url ?? this.#server.url
  }

  #place(clientId) {
    return { url: this.#url, key: this.#server.keys[0].keyStr, clientId, channel: this.channel }
  }

  #options(clientId) {
    const url = this.#url
    return this.#server.options({ url, clientId, useBinaryProtocol: this.#binary, disableConnectivityCheck: true })
  }

  viewer(name, options) {
    return this.#person(name, this.#peopleAre, options)
  }

  async #person(name, library, { lazy, keeps } = {}) {
    const viewer =
      library === "Java"
        ? await JavaViewer.open(this.#java.peers, { ...this.#place(name), lazy })
        : library === "HTTP"
        ? await DoorPerson.open(this.#place(name))
        : await Viewer.open({ options: this.#options(name), channel: this.channel, lazy, keeps })
    this.#people.push(viewer)
    return viewer
  }

  /** Somebody in Java, who has a view of the session as a room. */
  inJava(name) {
    return this.#person(name, "Java")
  }

  async agent(name = "agent", library = this.#agentsAre) {
    const agent = await (library === "Java" ? this.#javaAgent(name) : this.#npmAgent(name))
    this.#agents.push(agent)
    return agent
  }

  #javaAgent(name) {
    return JavaAgent.open(this.#java.peers, { ...this.#place(name), model: this.#models.Java })
  }

  #npmAgent(name) {
    const client = this.#server.realtime(this.#options(name))
    this.#clients.push(client)
    return Agent.start({ client, channel: this.channel, model: this.#models.npm })
  }

  /** An agent in a process of its own. */
  async agentProcess(name = "agent") {
    const agent = await (this.#agentsAre === "Java"
      ? JavaAgentProcess.start(this.#java.programs, { ...this.#place(name), model: this.model })
      : AgentProcess.start({ options: this.#options(name), channel: this.channel }))
    this.#agents.push(agent)
    return agent
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
   * character, nothing is left growing, and nobody has lost the thread meanwhile. People in Java also see what the npm library
   * decodes and does not show.
   */
  async assertAllAgree() {
    const latecomer = await this.#person("latecomer", "npm")
    const bookkeeper = await this.#person("bookkeeper", "npm", { keeps: true })
    const expected = await latecomer.conversation()
    assert.ok(expected.messages.length > 0, "there is nothing to agree on")
    const whole = await bookkeeper.wholeConversation(await this.history())
    for (const viewer of this.#people) {
      const wanted = viewer.shouldSee({ plain: expected, whole })
      let seen
      const agrees = async () => isDeepStrictEqual((seen = await viewer.conversation()), wanted)
      await eventually(WAIT_MS, agrees, "agreement")
        .catch(() => assert.deepEqual(seen, wanted, `${viewer.name} and a latecomer see different things`))
    }
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

  async #close() {
    await Promise.all([
      ...this.#people.map(viewer => viewer.close()),
      ...this.#agents.map(agent => agent.kill?.() ?? agent.detach()),
    ])
    this.#clients.forEach(client => client.close())
    await this.#proxy?.close()
  }
}
