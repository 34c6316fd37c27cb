// Starts today's server on data folders that servers of earlier commits have left (make-folder.mjs made them): all that they
// answered is answered still, clients go on where they were, and nothing that was over has come back.
import { test } from "node:test"
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { basic } from "../lib/tokens.mjs"
import { eventually } from "../lib/wait.mjs"

const FOLDERS = fileURLToPath(new URL("folders", import.meta.url))
const WAIT_MS = 30_000
const TEST_TIMEOUT_MS = 120_000
const NEVER_MS = 86_400_000
const AT_ONCE_MS = 0
const COULD_NOT_START = 1
const JSON_TYPE = "application/json"
const SESSION = "/channels/kept%3Asession"
const MESSAGES = `${SESSION}/messages?limit=100&direction=forwards`
const RUNS = ["run-0", "run-1"]

/** What depends on the time and on the address that was asked, and not on the folder. */
const VOLATILE = new Set(["status", "jwks_url"])

const names = (await readdir(FOLDERS)).filter(name => name.endsWith(".json")).map(name => name.replace(".json", ""))
assert.ok(names.length > 0, "there are folders")

for (const name of names) {
  test(`the data folder of ${name} is read whole, and goes on`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const dataDir = await unpack(t, name)
    const told = JSON.parse(await readFile(join(FOLDERS, `${name}.json`), "utf8"))

    const first = await Api.start(dataDir, NEVER_MS, told)
    for (const answer of told.answers) await first.answersAsBefore(answer)
    await first.refusesWhoIsOut()
    await first.findsOpenRuns()
    await first.hasNothingThatIsGone()
    const grown = await first.goesOn()
    await first.server.stop()
    await hasNoSecretsButTheRootKey(dataDir, told)

    // Whom the crash has taken away, and what they worked at, is known as well.
    const second = await Api.start(dataDir, AT_ONCE_MS, told)
    await eventually(WAIT_MS, async () => (await second.get(`${SESSION}/presence`)).length === 0, "the members to leave")
    await eventually(WAIT_MS, async () => {
      const history = await second.get(MESSAGES)
      return RUNS.every(run => history.some(({ name, extras }) => name === "ai-run-end" && extras.ai.transport["run-id"] === run))
    }, "the runs to end")
    await second.hasWhatWentOn(grown)
    await second.refusesWhoIsOut()
    assert.doesNotMatch(second.server.log(), /\bERROR\b/)
    await second.server.stop()
    await needsItsRootKey(dataDir)
  })
}

/** Files in which secrets were kept are gone, and where their content is now they cannot be read. */
async function hasNoSecretsButTheRootKey(dataDir, told) {
  const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
  const names = files.map(file => file.name)
  assert.ok(!names.includes("apps.json") && !names.includes("revocations.json"), names.join())
  const secrets = [told.key, told.second].map(key => key.slice(key.indexOf(":") + 1))
  for (const file of files) {
    const bytes = await readFile(join(file.parentPath, file.name), "latin1")
    for (const secret of secrets) assert.ok(!bytes.includes(secret), `${file.name} has a secret`)
  }
}

/** With another root key or none, the start is refused in one line, and no root key is made. */
async function needsItsRootKey(dataDir) {
  const file = join(dataDir, "root.key")
  const own = await readFile(file, "utf8")
  const isRefused = expected =>
    assert.rejects(startServer({ dataDir, args: ["--admin-api"] }), error => {
      assert.equal(error.status, COULD_NOT_START, error.message)
      assert.match(error.log, expected)
      assert.doesNotMatch(error.log, /^\s+at /m, "a stack trace is no clear message")
      return true
    })
  await writeFile(file, `root.other:${"x".repeat(43)}\n`)
  await isRefused(/^parley: .*root\.key is not the root key of this data folder/m)
  await rm(file)
  await isRefused(/^parley: .*root\.key is missing/m)
  await assert.rejects(stat(file), { code: "ENOENT" })
  await writeFile(file, own)
}

test("a data folder of a newer program is refused in one line, and left as it is", { timeout: TEST_TIMEOUT_MS }, async t => {
  const dataDir = await temporaryFolder()
  t.after(() => removeFolder(dataDir))
  await (await startServer({ dataDir })).stop()
  const file = join(dataDir, "format")
  const [, current] = /^parley data folder, format (\d+)\n$/.exec(await readFile(file, "utf8"))
  const newer = `parley data folder, format ${Number(current) + 1}\n`
  await writeFile(file, newer)
  await assert.rejects(startServer({ dataDir }), error => {
    assert.equal(error.status, COULD_NOT_START, error.message)
    assert.match(error.log, new RegExp(`^parley: .* has format ${Number(current) + 1}, .* up to ${current}: a newer Parley`, "m"))
    assert.doesNotMatch(error.log, /^\s+at /m, "a stack trace is no clear message")
    return true
  })
  assert.equal(await readFile(file, "utf8"), newer)
})

async function unpack(t, name) {
  const dataDir = await temporaryFolder()
  t.after(() => removeFolder(dataDir))
  await promisify(execFile)("tar", ["--extract", "--gzip", "--file", join(FOLDERS, `${name}.tar.gz`), "--directory", dataDir])
  return dataDir
}

/** True of what has all of `expected` in it. Objects may have more, as answers get new fields, and lists may have gone on. */
function includes(actual, expected) {
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && actual.length >= expected.length && expected.every((part, i) => includes(actual[i], part))
  }
  if (expected === null || typeof expected !== "object") return actual === expected
  return (
    actual !== null &&
    typeof actual === "object" &&
    Object.keys(expected).every(name => VOLATILE.has(name) || includes(actual[name], expected[name]))
  )
}

class Api {
  /** `graceMs`: how long members and agents may be gone. */
  static async start(dataDir, graceMs, told) {
    const graces = ["realtime.presence-grace", "realtime.run-grace", "realtime.run-grace-after-leave"]
    const settings = [...graces.map(grace => [grace, graceMs]), ...(told.tokenLifetimeMs ? [["auth.token-lifetime", told.tokenLifetimeMs]] : [])]
    const args = ["--admin-api", ...settings.flatMap(([name, value]) => ["--set", `${name}=${value}`])]
    return Object.assign(new Api(), { server: await startServer({ dataDir, args }), told, owner: basic(told.key) })
  }

  async send(method, path, { body, authorization, type = JSON_TYPE, headers } = {}) {
    const response = await fetch(this.server.url + path, {
      method,
      headers: { ...(body !== undefined && { "Content-Type": type }), ...(authorization && { Authorization: authorization }), ...headers },
      body: body === undefined ? undefined : type === JSON_TYPE ? JSON.stringify(body) : body,
    })
    const text = await response.text()
    const json = response.headers.get("content-type")?.startsWith(JSON_TYPE)
    return { status: response.status, headers: response.headers, body: json && text ? JSON.parse(text) : text }
  }

  async ok(method, path, options) {
    const answer = await this.send(method, path, options)
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }

  async get(path) {
    return (await this.ok("GET", path, { authorization: this.owner })).body
  }

  async answersAsBefore({ path, authorization, body, headers }) {
    const answer = await this.ok("GET", path, { authorization })
    if (!includes(answer.body, body)) assert.deepEqual(answer.body, body, path)
    for (const [name, value] of Object.entries(headers)) assert.equal(answer.headers.get(name), value, `${name} of ${path}`)
  }

  async status(path, authorization) {
    return (await this.send("GET", path, { authorization })).status
  }

  /** Sessions whose runs were open before there was an index of them are in it. */
  async findsOpenRuns() {
    const { sessions } = await this.get("/v1/sessions?openRuns=true")
    assert.deepEqual(sessions.map(({ sessionId }) => sessionId), ["kept:session"])
    assert.equal(sessions[0].openRuns, RUNS.length)
  }

  async refusesWhoIsOut() {
    assert.equal(await this.status(MESSAGES, basic(this.told.removed)), 401, "an app that was removed")
    assert.equal(await this.status(MESSAGES, this.told.revoked), 401, "a token that was revoked")
    // The first folder has no token that is good for longer than ten minutes.
    if (this.told.good) assert.equal(await this.status(MESSAGES, this.told.good), 200, "a token of the same key that was not")
  }

  async hasNothingThatIsGone() {
    assert.equal(await this.status("/v1/stream/old/gone?offset=-1"), 404, "a stream that was deleted")
    assert.equal(await this.status("/v1/stream/old/source?offset=-1"), 410, "a stream that is kept for its fork")
    assert.deepEqual((await this.ok("GET", MESSAGES, { authorization: basic(this.told.second) })).body, [], "another app")
  }

  /** Clients go on: what they repeat has had its effect, and what is new has one. Gives the serial of a message that grows. */
  async goesOn() {
    const append = (seq, value) =>
      this.ok("POST", "/v1/stream/old/json", {
        body: [value],
        headers: { "Producer-Id": "writer", "Producer-Epoch": "1", "Producer-Seq": `${seq}` },
      })
    const tail = (await append(1, { half: 1 })).headers.get("stream-next-offset")
    assert.equal((await append(2, "new")).status, 200)
    assert.deepEqual((await this.ok("GET", `/v1/stream/old/json?offset=${tail}`)).body, ["new"])
    assert.equal((await this.send("POST", "/v1/stream/old/bytes", { body: "x", type: "application/octet-stream" })).status, 409)
    const claim = await this.ok("POST", "/v1/stream/__ds/subscriptions/pulled/claim", { body: { worker: "new" } })
    assert.ok(claim.body.streams.some(stream => stream.path === "old/json"), JSON.stringify(claim.body))
    assert.equal((await this.send("DELETE", "/v1/stream/old/fork")).status, 204)
    await eventually(WAIT_MS, async () => (await this.send("GET", "/v1/stream/old/source?offset=-1")).status === 404, "the pin to be given back")

    const authorization = this.owner
    const before = await this.get(MESSAGES)
    const grown = before.findLast(message => message.name === "grown")
    const own = { name: "plain", data: "sent again", id: "own-1:0" }
    const { serials } = (await this.ok("POST", `${SESSION}/messages`, { body: [own], authorization })).body
    assert.deepEqual(serials, [before.findLast(message => message.name === "plain").serial])
    await this.ok("PATCH", `${SESSION}/messages/${grown.serial}`, { body: { action: 5, data: " ago" }, authorization })
    const vote = { action: 0, type: "votes:multiple.v1", name: "yes", count: 1, clientId: "anna" }
    await this.ok("POST", `${SESSION}/messages/${serials[0]}/annotations`, { body: [vote], authorization })
    await this.ok("POST", `${SESSION}/object`, { body: { path: "votes", counterInc: { number: 1 } }, authorization })
    await this.hasWhatWentOn(grown.serial)
    return grown.serial
  }

  async hasWhatWentOn(grown) {
    const json = await this.get("/v1/stream/old/json?offset=-1")
    assert.deepEqual(json.slice(-2), [{ half: 1 }, "new"])
    const history = await this.get(MESSAGES)
    assert.equal(history.find(message => message.serial === grown).data, "once upon a time ago")
    const plain = history.findLast(message => message.name === "plain")
    assert.equal(plain.annotations.summary["votes:multiple.v1"].yes.total, 3)
    assert.equal((await this.get(`${SESSION}/object`)).votes, 5)
  }
}
