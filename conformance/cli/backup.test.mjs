// A backup is made of a server under load, and restored: everything that was acknowledged before it began is there, and the server
// that was copied has noticed nothing.
import { test } from "node:test"
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, readFile, readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { AppServer } from "../lib/app-server.mjs"
import { basic } from "../lib/tokens.mjs"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const LAUNCHER = fileURLToPath(new URL("../../parley", import.meta.url))
const WAIT_MS = 60_000
const WRITERS = 4
const BACKUPS = process.env.PARLEY_TEST_FULL === "1" ? 10 : 2
const MEMO = "x".repeat(20_000)
/** Checkpoints that free files of the journal all the time, and files that are full soon. */
const SETTINGS = { "engine.checkpoint-interval": 100, "engine.segment-bytes": 8 << 20, "limits.body-bytes": 1 << 20 }

test("a backup under load has everything that was acknowledged before it began", async t => {
  const folder = await temporaryFolder()
  t.after(() => removeFolder(folder))
  const server = await AppServer.start({ settings: SETTINGS })
  t.after(() => server.end())
  const load = startLoad(server.url, server.keys[0].keyStr)
  t.after(() => load.stop())
  await load.more(200)

  for (let i = 0; i < BACKUPS; i++) {
    const acknowledged = load.acknowledged()
    const target = join(folder, `backup ${i} ü`)
    const { stdout } = await backup(server, target)
    assert.ok(stdout.includes(target), stdout)
    assert.equal((await stat(target)).mode & 0o777, 0o700)
    await load.more(100)
    await restored(t, server, target, acknowledged)
  }
  const acknowledged = load.acknowledged()
  await load.stop()
  await complete(server.url, server.keys[0].keyStr, acknowledged)
  server.assertNoErrorLogged()
})

test("a backup is refused in words, and leaves nothing behind", async t => {
  const folder = await temporaryFolder()
  t.after(() => removeFolder(folder))
  const server = await AppServer.start()
  t.after(() => server.end())
  const refused = async (target, what, env) => assert.match((await backup(server, target, { status: 1, env })).stderr, what)
  await mkdir(join(folder, "there"))
  await refused(join(folder, "there"), /exists already.*\(HTTP 409\)/)
  await refused(join(folder, "😀"), /beyond U\+FFFF.*\(HTTP 400\)/)
  await refused(join(folder, "no/such"), /There is no folder .*\(HTTP 400\)/)
  await refused(join(server.dataDir, "inside"), /data folder itself.*\(HTTP 400\)/)
  await refused(join(folder, "other"), /root key.*\(HTTP 40[13]\)/, { PARLEY_KEY: server.keys[0].keyStr })
  const relative = await fetch(`${server.url}/backup`, {
    method: "POST",
    headers: { authorization: basic(await rootKey(server)), "content-type": "application/json" },
    body: '{"folder":"here"}',
  })
  assert.equal(relative.status, 400)
  assert.deepEqual(await readdir(folder), ["there"])
  // What one that failed has left is no hindrance.
  await mkdir(join(folder, "next.unfinished/store"), { recursive: true })
  await backup(server, join(folder, "next"))
  assert.deepEqual((await readdir(folder)).sort(), ["next", "there"])
})

const rootKey = async server => (await readFile(join(server.dataDir, "root.key"), "utf8")).trim()

async function backup(server, target, { status = 0, env = {} } = {}) {
  const child = spawn(LAUNCHER, ["backup", target], {
    env: { ...process.env, PARLEY_SKIP_BUILD: "1", PARLEY_URL: server.url, PARLEY_KEY: await rootKey(server), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const told = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", text => (told[name] += text))
  const [ended] = await once(child, "close")
  assert.equal(ended, status, told.stdout + told.stderr)
  return told
}

/** Starts a server on a copy of the backup, twice, and checks what it has. */
async function restored(t, server, target, acknowledged) {
  const args = Object.entries(SETTINGS).flatMap(([name, value]) => ["--set", `${name}=${value}`])
  for (const end of ["kill", "stop"]) {
    const copy = await startServer({ dataDir: target, args })
    try {
      await complete(copy.url, server.keys[0].keyStr, acknowledged)
      assert.ok(!(await readdir(target)).includes("restored"))
      const stream = `${copy.url}/v1/stream/${end}`
      assert.equal((await fetch(stream, { method: "PUT", headers: { "content-type": "application/json" }, body: "[1]" })).status, 201)
    } finally {
      await copy[end]()
    }
  }
}

/** Writes numbered messages all the time: each writer into a stream and a session of its own. */
function startLoad(url, key) {
  let running = true
  const counts = Array(WRITERS).fill(0)
  const writer = async index => {
    const stream = `${url}/v1/stream/load/${index}`
    const json = { "content-type": "application/json" }
    assert.equal((await fetch(stream, { method: "PUT", headers: json })).status, 201)
    for (let n = 0; running; n++) {
      const body = JSON.stringify([{ n, memo: MEMO }])
      assert.equal((await fetch(stream, { method: "POST", headers: json, body })).status, 204)
      const said = await fetch(`${url}/channels/load-${index}/messages`, {
        method: "POST", headers: { ...json, authorization: basic(key) }, body: JSON.stringify({ name: `${n}`, data: "said" }),
      })
      assert.equal(said.status, 201)
      counts[index] = n + 1
    }
  }
  const done = Promise.all(counts.map((_, index) => writer(index)))
  done.catch(() => (running = false))
  const acknowledged = () => [...counts]
  return {
    acknowledged,
    /** Waits until so many more were acknowledged. */
    more(number) {
      const enough = acknowledged().reduce((sum, count) => sum + count) + number
      return Promise.race([
        eventually(WAIT_MS, () => counts.reduce((sum, count) => sum + count) >= enough, "the load"),
        done.then(() => assert.fail("the load has ended")),
      ])
    },
    async stop() {
      running = false
      await done
    },
  }
}

/** Checks that a server has all that was acknowledged, in order and without a gap. */
async function complete(url, key, acknowledged) {
  for (const [index, count] of acknowledged.entries()) {
    const numbers = []
    let offset = "-1"
    for (let upToDate = false; !upToDate;) {
      const page = await fetch(`${url}/v1/stream/load/${index}?offset=${offset}`)
      assert.equal(page.status, 200)
      numbers.push(...(await page.json()).map(({ n, memo }) => (assert.equal(memo, MEMO), n)))
      offset = page.headers.get("stream-next-offset")
      upToDate = page.headers.get("stream-up-to-date") === "true"
    }
    assert.ok(numbers.length >= count, `${numbers.length} of ${count}`)
    assert.deepEqual(numbers, numbers.map((_, n) => n))

    const names = []
    for (let next = `/channels/load-${index}/messages?direction=forwards&limit=1000`; next;) {
      const page = await fetch(new URL(next, `${url}/channels/load-${index}/`), { headers: { authorization: basic(key) } })
      assert.equal(page.status, 200)
      names.push(...(await page.json()).map(({ name }) => Number(name)))
      next = /<([^>]*)>; *rel="next"/.exec(page.headers.get("link") ?? "")?.[1]
    }
    assert.ok(names.length >= count, `${names.length} of ${count}`)
    assert.deepEqual(names, names.map((_, n) => n))
  }
}
