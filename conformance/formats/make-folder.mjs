// Makes a data folder with something of everything in it, and writes down what its server answered. Later servers must be
// able to start on it: see old-folders.test.mjs. Run it with the program of the commit that the folder is to be of:
//
//   PARLEY_LAUNCHER=/path/of/that/commit/parley node formats/make-folder.mjs NAME
//
// It writes folders/NAME.tar.gz and folders/NAME.json. Half of what is in the folder is in its store, the rest in the journal
// only, as a crash leaves it. The keys in it are good for nothing else.
import { execFile } from "node:child_process"
import { readdir, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { basic, bearer, jwt } from "../lib/tokens.mjs"
import { ACTION, WireConnection } from "../realtime/wire.mjs"

const JSON_TYPE = "application/json"
const TEXT = "text/plain"
const NEVER_MS = 86_400_000
const TEN_YEARS_S = 10 * 365 * 86_400
/** Tokens that are good still when somebody runs the test in years; that clock may also be behind the one of today. */
const TOKEN_LIFETIME_MS = 100 * 365 * NEVER_MS
const TOKEN = { issuedS: 1_500_000_000, lifetimeS: TOKEN_LIFETIME_MS / 1_000 }
const SETTINGS = {
  "realtime.presence-grace": NEVER_MS,
  "realtime.run-grace": NEVER_MS,
  "engine.checkpoint-interval": NEVER_MS,
  "auth.token-lifetime": TOKEN_LIFETIME_MS,
}

const [name] = process.argv.slice(2)
if (!name) throw new Error("usage: node formats/make-folder.mjs NAME")
const folders = fileURLToPath(new URL("folders", import.meta.url))

const dataDir = await temporaryFolder()
const args = ["--admin-api", ...Object.entries(SETTINGS).flatMap(([name, value]) => ["--set", `${name}=${value}`])]
let server
const start = async () => (server = await startServer({ dataDir, args }))

/** One request, which must do well; `as` is a key or a token's header. */
async function call(method, path, { body, type, headers = {}, as } = {}) {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...(body !== undefined && { "Content-Type": type ?? JSON_TYPE }),
      ...(as && { Authorization: as.keyStr ? basic(as.keyStr) : as }),
      ...headers,
    },
    body: body === undefined ? undefined : type === undefined ? JSON.stringify(body) : body,
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  const isJson = text !== "" && response.headers.get("content-type")?.startsWith(JSON_TYPE)
  return { headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

const stream = path => `/v1/stream/old/${path}`
const create = (path, type, headers) => call("PUT", stream(path), { type, body: "", headers })
const append = (path, type, body, headers) => call("POST", stream(path), { type, body, headers })
const producer = (epoch, seq) => ({ "Producer-Id": "writer", "Producer-Epoch": `${epoch}`, "Producer-Seq": `${seq}` })

/** The first half of each part is in the store, the second in the journal. */
async function streams(half) {
  if (half === 0) {
    for (const [path, type] of [["json", JSON_TYPE], ["text", TEXT], ["bytes", "application/octet-stream"], ["source", JSON_TYPE], ["gone", TEXT], ["wakes", JSON_TYPE]]) {
      await create(path, type)
    }
    await create("sliding", TEXT, { "Stream-TTL": `${TEN_YEARS_S}` })
    await create("dated", TEXT, { "Stream-Expires-At": "2100-01-01T00:00:00Z" })
    await append("source", JSON_TYPE, '[1,{"two":2},"drei"]')
    await call("PUT", stream("fork"), { headers: { "Stream-Forked-From": stream("source") } })
    await call("DELETE", stream("gone"))
  } else {
    await call("DELETE", stream("source"))
    await create("late", TEXT)
    await append("late", TEXT, "only in the journal")
  }
  await append("json", JSON_TYPE, `[{"half":${half}},"ü"]`, producer(half, 0))
  await append("json", JSON_TYPE, `{"half":${half}}`, producer(half, 1))
  await append("text", TEXT, `half ${half} of a text, ü `, { "Stream-Seq": `${half}` })
  await append("bytes", "application/octet-stream", Buffer.from([0, 255, half]))
  await append("sliding", TEXT, `half ${half}`)
  await append("fork", JSON_TYPE, `"of the fork ${half}"`)
  if (half === 1) await call("POST", stream("bytes"), { headers: { "Stream-Closed": "true" } })
}

const subscription = id => `/v1/stream/__ds/subscriptions/${id}`

async function subscriptions(half) {
  if (half === 0) {
    await call("PUT", subscription("pulled"), {
      body: { type: "pull-wake", wake_stream: "old/wakes", streams: ["old/json", "old/text"], description: "for people" },
    })
    await call("PUT", subscription("called"), {
      body: { type: "webhook", webhook: { url: "http://127.0.0.1:9/hook" }, pattern: "quiet/*", lease_ttl_ms: 60_000 },
    })
  } else {
    const { body: claim } = await call("POST", subscription("pulled") + "/claim", { body: { worker: "w" } })
    const [{ path, stream, tail_offset: offset }] = claim.streams
    await call("POST", subscription("pulled") + "/ack", {
      body: { wake_id: claim.wake_id, generation: claim.generation, acks: [{ stream: stream ?? path, offset }], done: true },
      as: `Bearer ${claim.token}`,
    })
  }
}

const made = {}

async function apps(half) {
  if (half === 0) {
    made.app = (await call("POST", "/apps", { body: { keys: [{}, { revocableTokens: true }, { capability: JSON.stringify({ "*": ["history"] }) }], namespaces: [{ id: "kept" }] } })).body
    made.removed = (await call("POST", "/apps", { body: { keys: [{}] } })).body
  } else {
    await call("DELETE", `/apps/${made.removed.appId}`, { as: made.removed.keys[0] })
    made.second = (await call("POST", "/apps", { body: { keys: [{}] } })).body
    const revoker = made.app.keys[1]
    made.revoked = jwt(revoker, { clientId: "mallory", ...TOKEN })
    made.good = jwt(revoker, { clientId: "anna", ...TOKEN })
    await call("POST", `/keys/${revoker.keyName}/revokeTokens`, { body: { targets: ["clientId:mallory"] }, as: revoker })
  }
}

const CHANNEL = "kept:session"
const channel = (rest, name = CHANNEL) => `/channels/${encodeURIComponent(name)}/${rest}`

async function sessions(half) {
  const as = made.app.keys[0]
  const publish = async message => (await call("POST", channel("messages"), { body: message, as })).body.serials
  const change = (serial, body) => call("PATCH", channel(`messages/${serial}`), { body, as })
  const annotate = (serial, body) => call("POST", channel(`messages/${serial}/annotations`), { body, as })
  const operate = body => call("POST", channel("object"), { body, as })

  const [first, grown, edited, deleted] = await publish([
    { name: "plain", data: `half ${half}, ü`, extras: { headers: { half: `${half}` } }, id: `own-${half}:0` },
    { name: "grown", data: "once ", id: `own-${half}:1` },
    { name: "edited", data: { half }, id: `own-${half}:2` },
    { name: "deleted", data: "gone", id: `own-${half}:3` },
  ])
  for (const piece of ["upon ", "a ", "time"]) await change(grown, { action: 5, data: piece })
  await change(edited, { action: 1, data: { edited: half }, version: { description: "a slip" } })
  await change(deleted, { action: 2 })
  await annotate(first, [
    { action: 0, type: "votes:multiple.v1", name: "yes", count: 2, clientId: "anna" },
    { action: 0, type: "seen:flag.v1", clientId: "anna" },
  ])
  if (half === 0) {
    await operate({ path: "plan", mapCreate: { semantics: 0, entries: { title: { data: { string: "Rome" } } } } })
    await operate({ path: "votes", counterCreate: { count: 1 } })
  } else {
    await operate({ path: "plan", mapSet: { key: "days", value: { number: 3 } } })
    await operate({ path: "", mapSet: { key: "note", value: { string: "mine" } } })
    await operate({ path: "plan", mapRemove: { key: "title" } })
  }
  await operate({ path: "votes", counterInc: { number: 1.5 } })
  await call("POST", channel("messages", "other"), { body: { data: `in a second session, ${half}` }, as })
}

/** Members whose connection the crash takes away, and an agent at work on a run. */
async function connections(half) {
  const connection = await WireConnection.connect(server.url, { key: made.app.keys[0].keyStr, clientId: `client-${half}` })
  await connection.ask({ action: ACTION.attach, channel: CHANNEL }, "attached", "error")
  await connection.ask({ action: ACTION.presence, channel: CHANNEL, msgSerial: 0, presence: [{ action: 2, data: `member ${half}` }] }, "ack", "nack")
  await connection.ask(
    {
      action: ACTION.message,
      channel: CHANNEL,
      msgSerial: 1,
      messages: [{ name: "ai-run-start", data: "", extras: { ai: { transport: { "run-id": `run-${half}` } } } }],
    },
    "ack",
    "nack",
  )
  if (connection.received.some(message => message.action === ACTION.nack)) throw new Error(JSON.stringify(connection.received))
  return connection
}

/** What the next server must be able to read, with what was the answer. */
async function answers() {
  const key = made.app.keys[0]
  const paths = ["json", "text", "bytes", "fork", "sliding", "dated", "late"].map(path => [`${stream(path)}?offset=-1`])
  paths.push([subscription("pulled")], [subscription("called")])
  const { body: history } = await call("GET", channel("messages?limit=100&direction=forwards"), { as: key })
  paths.push([channel("messages?limit=100&direction=forwards"), basic(key.keyStr)])
  for (const { serial } of history) {
    paths.push([channel(`messages/${serial}/versions`), basic(key.keyStr)])
    paths.push([channel(`messages/${serial}/annotations`), basic(key.keyStr)])
  }
  paths.push([channel("object"), basic(key.keyStr)], [channel("object?compact=false"), basic(key.keyStr)])
  paths.push([channel("presence"), basic(key.keyStr)], [channel("presence/history"), basic(key.keyStr)])
  paths.push([channel("messages", "other"), basic(made.app.keys[2].keyStr)])
  return Promise.all(
    paths.map(async ([path, authorization]) => {
      const { headers, body } = await call("GET", path, { as: authorization })
      return {
        path,
        authorization,
        body,
        headers: Object.fromEntries(["stream-next-offset", "stream-closed"].flatMap(name => (headers.has(name) ? [[name, headers.get(name)]] : []))),
      }
    }),
  )
}

await start()
for (const part of [apps, streams, subscriptions, sessions, connections]) await part(0)
// A checkpoint is made at the end of a server that is stopped; what comes after it is in the journal only.
await server.stop()
await start()
for (const part of [apps, streams, subscriptions, sessions, connections]) await part(1)
const answered = await answers()
await server.kill()

await rm(join(dataDir, "native"), { recursive: true })
await rm(join(dataDir, "lock"))
const archive = join(folders, `${name}.tar.gz`)
await promisify(execFile)("tar", ["--create", "--gzip", "--owner=0", "--group=0", "--numeric-owner", "--exclude=store/LOG*", "--exclude=store/LOCK", "--file", archive, "--directory", dataDir, ...(await readdir(dataDir))])
await writeFile(
  join(folders, `${name}.json`),
  JSON.stringify(
    { key: made.app.keys[0].keyStr, second: made.second.keys[0].keyStr, removed: made.removed.keys[0].keyStr, revoked: bearer(made.revoked), good: bearer(made.good), tokenLifetimeMs: TOKEN_LIFETIME_MS, answers: answered },
    null,
    1,
  ) + "\n",
)
console.log(`${archive}: ${(await stat(archive)).size} bytes, ${answered.length} answers`)
await removeFolder(dataDir)
process.exit()
