// The commands that ask a running server, as their users type them.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { AppServer } from "../lib/app-server.mjs"
import { basic } from "../lib/tokens.mjs"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const LAUNCHER = fileURLToPath(new URL("../../parley", import.meta.url))
const WAIT_MS = 60_000
/** A name that has to be escaped everywhere, and is beyond the BMP. */
const NAME = "tour/#1 ?& 😀"

let server, folder, environment
before(async () => {
  server = await AppServer.start({ namespaces: [{ id: "tour", mutableMessages: true }] })
  folder = await temporaryFolder()
  const { PATH, HOME } = process.env
  environment = { PATH, HOME, PARLEY_SKIP_BUILD: "1", PARLEY_URL: server.url, PARLEY_KEY: server.keys[0].keyStr }
})
after(async () => {
  await server?.end()
  if (folder) await removeFolder(folder)
})

/** Runs a command to its end, in a folder that has no data. */
function run(args, { env = {}, status = 0 } = {}) {
  const ended = spawnSync(LAUNCHER, args, { env: { ...environment, ...env }, cwd: folder, encoding: "utf8", timeout: WAIT_MS, maxBuffer: 1 << 26 })
  assert.equal(ended.status, status, `${args.join(" ")}: ${ended.stdout}${ended.stderr}`)
  return ended
}

const lines = text => text.split("\n").filter(line => line !== "").map(line => JSON.parse(line))
const json = (args, options) => lines(run([...args, "--json"], options).stdout)

const ask = (method, path, body, key = server.keys[0].keyStr) => fetch(server.url + path, {
  method,
  headers: { authorization: basic(key), "content-type": "application/json" },
  body: body && JSON.stringify(body),
})

async function say(session, content) {
  const answer = await ask("POST", `/v1/sessions/${encodeURIComponent(session)}/messages`, { content, actorId: "alice" })
  assert.ok(answer.ok, await answer.text())
}

test("sessions are listed, shown, exported and erased", async () => {
  await say(NAME, "where to?")
  await say("other", "hello")
  for (let i = 0; i < 3; i++) await say(`many:${i}`, "hello")

  const listed = json(["sessions", "ls"])
  assert.deepEqual(new Set(listed.map(each => each.sessionId)), new Set([NAME, "other", "many:0", "many:1", "many:2"]))
  assert.deepEqual(json(["sessions", "ls", "--prefix", "tour/"]).map(each => each.sessionId), [NAME])
  assert.match(run(["sessions", "ls"]).stdout, /^\d{4}-\d\d-\d\dT[\d:]{8}Z +\d+ bytes {2}other$/m)

  assert.equal(json(["sessions", "show", NAME])[0].sessionId, NAME)
  assert.match(run(["sessions", "show", NAME]).stdout, /^lastActivity: +\d{4}-/m)

  const exported = lines(run(["sessions", "export", NAME]).stdout)
  assert.ok(JSON.stringify(exported).includes("where to?"))
  const file = join(folder, "export.jsonl")
  run(["sessions", "export", NAME, "-o", file])
  assert.deepEqual(lines(await readFile(file, "utf8")), exported)
  // What is there is not written over.
  assert.match(run(["sessions", "export", NAME, "-o", file], { status: 1 }).stderr, /export\.jsonl/)

  assert.match(run(["sessions", "rm", NAME], { status: 2 }).stderr, /--yes/)
  assert.equal((await ask("GET", `/v1/sessions/${encodeURIComponent(NAME)}`)).status, 200)
  run(["sessions", "rm", NAME, "--yes"])
  assert.equal((await ask("GET", `/v1/sessions/${encodeURIComponent(NAME)}`)).status, 410)
  assert.match(run(["sessions", "show", NAME], { status: 1 }).stderr, /^parley: .*\(HTTP 410\)$/m)
  assert.match(run(["sessions", "show", "nothing"], { status: 1 }).stderr, /^parley: .*\(HTTP 404\)$/m)
})

test("an export of many pages is whole", async () => {
  const texts = Array.from({ length: 50 }, (_, i) => `${i}-`.repeat(15_000))
  for (const text of texts) await say("long", text)
  const exported = run(["sessions", "export", "long"]).stdout
  for (const text of texts) assert.ok(exported.includes(`"${text}"`))
})

test("a session is followed through a restart of the server", async t => {
  await say("followed", "before")
  const tail = start(t, ["sessions", "tail", "followed", "--from", "-1"])
  await tail.shows("before")
  await say("followed", "between")
  await tail.shows("between")
  await server.kill()
  await server.restart()
  await say("followed", "after")
  await tail.shows("after")
  for (const line of tail.output().split("\n").slice(0, -1)) JSON.parse(line)
  assert.match(run(["sessions", "tail", "followed", "--from", "-1", "--no-follow"]).stdout, /after/)
})

test("a stream is followed, as JSON or as it is, to its end", async t => {
  const stream = `${server.url}/v1/stream/dir/${encodeURIComponent("a b")}`
  await fetch(stream, { method: "PUT", headers: { "content-type": "application/json" }, body: '[{"n":1},{"n":2}]' })
  const tail = start(t, ["streams", "tail", "dir/a b", "--from", "-1"])
  await tail.shows('{"n":2}\n')
  await fetch(stream, { method: "POST", headers: { "content-type": "application/json", "stream-closed": "true" }, body: '[{"n":3}]' })
  assert.equal(await tail.ended, 0)
  assert.equal(tail.output(), '{"n":1}\n{"n":2}\n{"n":3}\n')

  const listed = json(["streams", "ls", "--prefix", "dir/"])
  assert.deepEqual(listed.map(({ path, contentType, closed }) => [path, contentType, closed]), [["dir/a%20b", "application/json", true]])
  assert.equal(run(["streams", "tail", listed[0].path, "--from", "-1"]).stdout, tail.output())
  assert.match(run(["streams", "ls"]).stdout, /closed {2}application\/json {2}dir\/a%20b$/m)

  await fetch(`${server.url}/v1/stream/text`, { method: "PUT", headers: { "content-type": "text/plain" }, body: "no line 😀" })
  assert.equal(run(["streams", "tail", "text", "--from", "-1", "--no-follow"]).stdout, "no line 😀")
  assert.match(run(["streams", "tail", "nothing"], { status: 1 }).stderr, /^parley: .*\(HTTP 404\)$/m)
})

test("a list of streams has pages, and is for those who may read all", async t => {
  for (let i = 0; i < 25; i++) assert.equal((await fetch(`${server.url}/v1/stream/page/${i}`, { method: "PUT" })).status, 201)
  await fetch(`${server.url}/v1/stream/page/3`, { method: "DELETE" })
  const paths = []
  let next = ""
  do {
    const page = await (await fetch(`${server.url}/v1/stream/?prefix=page/&limit=10${next && `&cursor=${next}`}`)).json()
    assert.ok(page.streams.length <= 10)
    paths.push(...page.streams.map(({ path }) => path))
    next = page.next
  } while (next)
  assert.deepEqual(paths, Array.from({ length: 25 }, (_, i) => `page/${i}`).filter(path => path !== "page/3").sort())
  for (const wrong of ["limit=0", "limit=1001", "limit=x", "prefix=a&prefix=b"]) assert.equal((await fetch(`${server.url}/v1/stream/?${wrong}`)).status, 400, wrong)
  // A page of another site asks the open door of this machine in vain.
  assert.equal((await fetch(`${server.url}/v1/stream/`, { headers: { origin: "https://evil.example" } })).status, 403)

  const keys = { all: "app.all", some: "app.some" }
  const secret = "s".repeat(40)
  const configured = JSON.stringify([{ key: `${keys.all}:${secret}`, capability: { "*": ["read"] } }, { key: `${keys.some}:${secret}`, capability: { "page/*": ["*"] } }])
  const other = await startServer({ env: { PARLEY_AUTH_KEYS: configured } })
  t.after(() => other.stop())
  const list = headers => fetch(`${other.url}/v1/stream/`, { headers }).then(({ status }) => status)
  assert.equal(await list({}), 401)
  assert.equal(await list({ authorization: basic(`${keys.some}:${secret}`) }), 403)
  assert.equal(await list({ authorization: basic(`${keys.all}:${secret}`) }), 200)
})

test("keys are made, and a server takes them", async t => {
  const key = run(["keys", "new", "--app", "shop"]).stdout.trim()
  assert.match(key, /^shop\.[\w-]+:[\w-]{43}$/)
  const [made] = json(["keys", "new"])
  assert.match(made.key, /^app\./)
  assert.equal(made.keyName, made.key.split(":")[0])
  assert.match(run(["keys", "new", "--app", "a.b"], { status: 2 }).stderr, /An app has/)
  const other = await startServer({ env: { PARLEY_AUTH_KEYS: key } })
  t.after(() => other.stop())
  const answer = await fetch(`${other.url}/v1/sessions`, { headers: { authorization: basic(key) } })
  assert.equal(answer.status, 200)
})

test("tokens are made, and may do what they say", async () => {
  const token = run(["token", "new", "--capability", '{"other":["subscribe","history"]}', "--ttl", "30m", "--client-id", "bob"]).stdout.trim()
  const of = path => fetch(server.url + path, { headers: { authorization: `Bearer ${token}` } })
  assert.equal((await of("/v1/sessions/other/messages")).status, 200)
  assert.equal((await of("/v1/sessions")).status, 401)
  const [details] = json(["token", "new", "--ttl", "90s"])
  assert.equal(details.expires - details.issued, 90_000)
  assert.equal(details.keyName, server.keys[0].keyName)
  // A token is as good as a key for the commands that ask.
  assert.match(run(["sessions", "tail", "other", "--from", "-1", "--no-follow"], { env: { PARLEY_KEY: token } }).stdout, /hello/)
  assert.match(run(["token", "new"], { status: 1, env: { PARLEY_KEY: token } }).stderr, /made of a key/)
  assert.match(run(["token", "new", "--ttl", "1 hour"], { status: 2 }).stderr, /no duration/)
  assert.match(run(["token", "new", "--capability", "all"], { status: 2 }).stderr, /capability/i)
})

test("what is wrong is said in one line", async () => {
  assert.match(run(["sessions", "ls"], { status: 1, env: { PARLEY_URL: "http://127.0.0.1:1" } }).stderr, /^parley: No server answers at http:\/\/127\.0\.0\.1:1 .*\n$/)
  assert.match(run(["sessions", "ls"], { status: 1, env: { PARLEY_URL: "nonsense" } }).stderr, /^parley: 'nonsense' is no address.*\n$/)
  assert.match(run(["sessions", "ls"], { status: 1, env: { PARLEY_KEY: "" } }).stderr, /^parley: .*\(HTTP 401\)\n$/)
  assert.match(run(["sessions", "ls", "--key-file", "missing"], { status: 1 }).stderr, /^parley: The key in missing cannot be read/)
  assert.match(run(["sessions"], { status: 2 }).stderr, /which command\? .*export/)
  const file = join(folder, "key")
  await writeFile(file, `${server.keys[0].keyStr}\n`)
  assert.match(run(["sessions", "ls", "--key-file", file, "--url", `${server.url}/`], { env: { PARLEY_KEY: "", PARLEY_URL: "" } }).stdout, /other/)
})

test("the doctor says how a server and its data are", async () => {
  const states = found => Object.fromEntries(found.map(each => [each.about, each.state]))
  const well = states(json(["doctor", "--data", server.dataDir]))
  assert.equal(well.server, "ok")
  assert.equal(well.clock, "ok")
  assert.equal(well.data, "ok")
  assert.equal(well.permissions, "ok")
  assert.ok(well.disk && well["open files"])

  const other = join(folder, "future")
  await mkdir(other)
  await writeFile(join(other, "format"), "parley data folder, format 999\n")
  await chmod(other, 0o755)
  const ill = json(["doctor", "--data", other], { status: 1, env: { PARLEY_URL: "http://127.0.0.1:1" } })
  assert.deepEqual(states(ill).server, "wrong")
  assert.deepEqual(states(ill).data, "wrong")
  assert.equal(states(ill).permissions, "warning")
  assert.match(run(["doctor", "--data", join(folder, "nowhere")], { status: 1 }).stdout, /^wrong +data +.*nowhere is no folder$/m)
})

/** Starts a command that goes on. */
function start(t, args) {
  const child = spawn(LAUNCHER, args, { env: environment, cwd: folder, stdio: ["ignore", "pipe", "inherit"] })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", text => (output += text))
  const ended = once(child, "exit").then(([status]) => status)
  t.after(async () => {
    child.kill("SIGTERM")
    await ended
  })
  return { ended, output: () => output, shows: text => eventually(WAIT_MS, () => output.includes(text), text) }
}
