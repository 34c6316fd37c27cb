// Ably's clients for Python and Go, unmodified, beside ably-js in one session: what each publishes, changes and annotates
// reaches the other; they come back over a cut and a SIGKILL of the server without a gap; who crashes leaves and may enter
// again; tokens are renewed and revoked. ably-java has its part in exchange.test.mjs.
import { test } from "node:test"
import assert from "node:assert/strict"
import { createServer } from "node:http"
import { once } from "node:events"
import { isDeepStrictEqual } from "node:util"
import { AppServer } from "../lib/app-server.mjs"
import { startProxy } from "../lib/proxy.mjs"
import { basic, jwt } from "../lib/tokens.mjs"
import { eventually } from "../lib/wait.mjs"
import { PACKAGES, RemoteClient, whyNot } from "./remote-client.mjs"

const WAIT_MS = 60_000
const TEST_TIMEOUT_MS = 240_000
const GRACE_MS = 2_000
const SHORT_TOKEN_S = 4
/** ably-python renews an expired token once: it takes the second time for a failure of the first. */
const RENEWALS = 1
const CHANNEL = "persisted:clients"
const REACTION = "reaction:distinct.v1"
const APPENDED = 5
const SUMMARY = 4

for (const [name, client] of Object.entries(PACKAGES)) {
  for (const binary of [false, true]) {
    const format = binary ? "MessagePack" : "JSON"
    test(`${name} with ${format} and ably-js share a session`, { timeout: TEST_TIMEOUT_MS, skip: whyNot(client) }, async t => {
      const scene = await Scene.set(t, client, binary)
      await scene.messagesGoBothWays()
      await scene.messagesChange()
      await scene.annotationsAreSummedUp()
      await scene.membersAreSeen()
      await scene.aCutLosesNothing()
      await scene.aCrashOfTheServerLosesNothing()
      await scene.whoCrashesLeavesAndEntersAgain()
      await scene.whoClosesLeaves()
      scene.server.assertNoErrorLogged()
    })
  }

  // A token is a text in either format.
  test(`${name} renews its token, and gives up when it gets none`, { timeout: TEST_TIMEOUT_MS, skip: whyNot(client) }, async t => {
    const scene = await Scene.set(t, client, false)
    await scene.tokensAreRenewed()
    await scene.aRevokedTokenEnds()
  })
}

/** Hands out tokens of `lifetimeS` to whoever asks, as an application's backend does, until it `refuses`. */
async function startTokenServer(t, key) {
  const tokens = { lifetimeS: 3_600, given: 0, refuses: false }
  const server = createServer((request, response) => {
    if (tokens.refuses) {
      response.writeHead(403).end()
      return
    }
    tokens.given++
    const { lifetimeS } = tokens
    const issued = Date.now()
    const token = jwt(key, { clientId: "remote", lifetimeS })
    response
      .writeHead(200, { "Content-Type": "application/json" })
      .end(JSON.stringify({ token, issued, expires: issued + 1_000 * lifetimeS, clientId: "remote", capability: '{"*":["*"]}' }))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  t.after(() => server.close())
  tokens.url = `http://127.0.0.1:${server.address().port}/token`
  return tokens
}

class Scene {
  static async set(t, client, binary) {
    const scene = new Scene()
    scene.client = client
    scene.binary = binary
    scene.server = await AppServer.start({
      keys: [{ revocableTokens: true }],
      namespaces: [{ id: "persisted", persisted: true, mutableMessages: true }],
      settings: { "realtime.presence-grace": GRACE_MS },
    })
    t.after(() => scene.server.end())
    scene.tokens = await startTokenServer(t, scene.server.keys[0])
    scene.proxy = await startProxy(scene.server.url)
    t.after(() => scene.proxy.close())
    scene.js = scene.server.realtime({ clientId: "js", useBinaryProtocol: !binary })
    t.after(() => scene.js.close())
    scene.channel = scene.js.channels.get(CHANNEL)
    scene.received = []
    scene.actions = []
    await scene.channel.subscribe(message => {
      scene.actions.push(message.action)
      if (message.action === "message.create") scene.received.push(message)
    })
    scene.remote = await scene.join()
    t.after(() => scene.remote.kill())
    return scene
  }

  join() {
    const { hostname, port } = new URL(this.proxy.url)
    return RemoteClient.start(this.client, {
      host: hostname,
      port: Number(port),
      authUrl: this.tokens.url,
      binary: this.binary,
      channel: CHANNEL,
      clientId: "remote",
    })
  }

  /** ably-js publishes `texts`; each reaches the other client once and in order. */
  async jsSays(...texts) {
    const before = this.heard().length
    for (const data of texts) await this.channel.publish("said", data)
    await eventually(WAIT_MS, () => this.heard().length >= before + texts.length, `${texts} at the other client`)
    assert.deepEqual(this.heard().slice(before), texts)
  }

  heard() {
    return this.remote.told.message.filter(({ action, name }) => action === 0 && name === "said").map(({ data }) => data)
  }

  /** The other client publishes `data`; ably-js has it once, with the serial that was acknowledged. */
  async remoteSays(data) {
    const { serial } = await this.remote.ask("publish", { name: "answer", data })
    await eventually(WAIT_MS, () => this.received.some(message => message.data === data), `"${data}" at ably-js`)
    const found = this.received.filter(message => message.data === data)
    assert.deepEqual(found.map(message => [message.serial, message.clientId]), [[serial, "remote"]])
    return serial
  }

  async messagesGoBothWays() {
    await this.jsSays("one", "two 🙂")
    await this.remoteSays("three")
    const expected = await this.server.history(CHANNEL)
    assert.deepEqual(
      (await this.remote.ask("history")).items,
      expected.map(({ data, serial }) => ({ data, serial })),
    )
  }

  async messagesChange() {
    const serial = await this.remoteSays("Hel")
    const stored = async () => (await this.channel.getMessage(serial)).data
    await this.remote.ask("append", { serial, data: "lo" })
    await eventually(WAIT_MS, async () => (await stored()) === "Hello", "the appended text")
    await this.remote.hears("message", ({ action, serial: of }) => action === APPENDED && of === serial, "its own append")
    await this.remote.ask("update", { serial, data: "Good bye" })
    await eventually(WAIT_MS, async () => (await stored()) === "Good bye", "the updated text")
    await this.remote.ask("delete", { serial })
    for (const action of ["message.append", "message.update", "message.delete"]) {
      await eventually(WAIT_MS, () => this.actions.includes(action), `${action} at ably-js`)
    }
  }

  async annotationsAreSummedUp() {
    const serial = await this.remoteSays("What do you think?")
    await this.channel.annotations.publish(serial, { type: REACTION, name: "👍" })
    if (this.client.lacks.includes("annotations")) {
      await this.remote.hears("message", ({ action, serial: of }) => action === SUMMARY && of === serial, "the sum")
      return
    }
    await this.remote.hears("annotation", ({ type, name }) => type === REACTION && name === "👍", "a reaction")
    await this.remote.ask("annotate", { serial, type: REACTION, name: "👍" })
    const both = ({ action, summary }) => action === SUMMARY && summary?.[REACTION]?.["👍"]?.total === 2
    await this.remote.hears("message", both, "the sum of both reactions")
  }

  async membersAreSeen() {
    await this.channel.presence.enter("listening")
    await this.remote.ask("enter", { data: "thinking" })
    await this.membersAre({ js: "listening", remote: "thinking" })
    await this.remote.ask("enter", { data: "answering" })
    await this.membersAre({ js: "listening", remote: "answering" })
  }

  async membersAre(expected) {
    const seenByJs = async () =>
      Object.fromEntries((await this.channel.presence.get()).map(({ clientId, data }) => [clientId, data]))
    await eventually(WAIT_MS, async () => isDeepStrictEqual(await seenByJs(), expected), `ably-js to see ${JSON.stringify(expected)}`)
    if (!("remote" in expected)) return
    const seenByRemote = async () => (await this.remote.ask("members")).members
    await eventually(WAIT_MS, async () => isDeepStrictEqual(await seenByRemote(), expected), `the other client to see the same`)
  }

  async aCutLosesNothing() {
    this.proxy.cutAll()
    await this.jsSays("during the cut", "and after it")
    await this.isBack("after the cut")
  }

  async aCrashOfTheServerLosesNothing() {
    await this.server.kill()
    await this.server.restart()
    await this.jsSays("after the crash")
    await this.isBack("after the server's crash")
  }

  /** It goes on where it was: nothing was lost, and it is still a member. */
  async isBack(text) {
    await this.remoteSays(text)
    await this.membersAre({ js: "listening", remote: "answering" })
    const [, ...later] = this.remote.told.channel.filter(({ state }) => state === "attached")
    assert.deepEqual(later.filter(({ resumed }) => !resumed), [], "the channel was not resumed")
  }

  async whoCrashesLeavesAndEntersAgain() {
    this.remote.kill()
    await this.membersAre({ js: "listening" })
    this.remote = await this.join()
    await this.remote.ask("enter", { data: "back" })
    await this.membersAre({ js: "listening", remote: "back" })
  }

  async whoClosesLeaves() {
    await this.remote.ask("close")
    await this.membersAre({ js: "listening" })
  }

  async tokensAreRenewed() {
    const { given } = this.tokens
    this.tokens.lifetimeS = SHORT_TOKEN_S
    this.remote.kill()
    this.remote = await this.join()
    await eventually(WAIT_MS, () => this.tokens.given > given + RENEWALS, "new tokens in time")
    await this.jsSays("with a new token")
    await this.remoteSays("with a new one, too")
  }

  async aRevokedTokenEnds() {
    this.tokens.lifetimeS = 3_600
    this.remote.kill()
    this.remote = await this.join()
    await this.jsSays("before the revocation")
    this.tokens.refuses = true
    const { length } = this.remote.told.connection
    const [{ keyName, keyStr }] = this.server.keys
    const response = await fetch(`${this.server.url}/keys/${keyName}/revokeTokens`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: basic(keyStr) },
      body: JSON.stringify({ targets: ["clientId:remote"] }),
    })
    assert.ok(response.ok, await response.text())
    const ended = ({ state }) => state === "failed" || state === "disconnected"
    await eventually(WAIT_MS, () => this.remote.told.connection.slice(length).some(ended), "the connection to end")
    await this.channel.publish("said", "after the revocation")
    assert.ok(!this.heard().includes("after the revocation"), "who was revoked goes on listening")
  }
}
