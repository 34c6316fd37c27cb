// What deploy/ has for systemd, Docker, Prometheus, Grafana and Helm, checked by their own programs. A program that is not here is
// said, and its checks are skipped.
import { test } from "node:test"
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { copyFile, cp, mkdir, readFile, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const DEPLOY = join(ROOT, "deploy")
const TARGET = fileURLToPath(new URL("../target", import.meta.url))
const WAIT_MS = 60_000
/** Nothing happens on a healthy server that these could show. */
const WITHOUT_VALUES = /parley_housekeeping_failures_total|status="507"/

/** The path of a program that conformance/run has unpacked or that the system has. */
const find = name => [
  join(TARGET, "prometheus/usr/bin", name),
  join(TARGET, "helm", name),
  ...(process.env.PATH ?? "").split(":").map(folder => join(folder, name)),
].find(existsSync)

const needs = (...names) => {
  const missing = names.filter(name => !find(name))
  return missing.length > 0 && `needs ${missing.join(" and ")}, which is not here`
}

function run(name, ...args) {
  const { status, stdout, stderr } = spawnSync(find(name), args, { encoding: "utf8", cwd: DEPLOY })
  return { status, output: stdout + stderr }
}

function succeeds(name, ...args) {
  const { status, output } = run(name, ...args)
  assert.equal(status, 0, output)
  return output
}

test("the systemd unit is one", { skip: needs("systemd-analyze") }, async t => {
  const root = await temporaryFolder()
  t.after(() => removeFolder(root))
  const unit = join(root, "etc/systemd/system/parley.service")
  const program = join(root, "opt/parley/bin/parley")
  for (const file of [unit, program]) await mkdir(dirname(file), { recursive: true })
  await copyFile(join(DEPLOY, "systemd/parley.service"), unit)
  await copyFile(join(DEPLOY, "bin/parley"), program)
  // The units of the system, which ours names.
  for (const folder of ["usr/lib/systemd/system", "lib/systemd/system"]) {
    if (existsSync(`/${folder}`)) await cp(`/${folder}`, join(root, folder), { recursive: true, verbatimSymlinks: true })
  }
  const { status, output } = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", `--root=${root}`, "parley.service")
  assert.equal(status, 0, output)
  assert.doesNotMatch(output, /parley\.service/)
})

test("the composition is one", { skip: needs("docker") }, async t => {
  if (run("docker", "compose", "version").status !== 0) return t.skip("needs docker compose, which is not here")
  const compose = (...args) => run("docker", "compose", "--file", "compose.yaml", "config", ...args)
  const without = spawnSync(find("docker"), ["compose", "--file", "compose.yaml", "config"], {
    encoding: "utf8", cwd: DEPLOY, env: { ...process.env, PARLEY_AUTH_KEYS: "" },
  })
  assert.notEqual(without.status, 0)
  assert.match(without.stderr, /set it to a key/)
  process.env.PARLEY_AUTH_KEYS = `app.main:${"s".repeat(32)}`
  const { status, output } = compose("--quiet")
  assert.equal(status, 0, output)
})

test("each file that the composition mounts is there", async () => {
  const text = await readFile(join(DEPLOY, "compose.yaml"), "utf8")
  const mounted = [...text.matchAll(/^ +- (\.\/[^:]+):/gm)].map(match => match[1])
  assert.equal(mounted.length, 3)
  for (const path of mounted) assert.ok(existsSync(join(DEPLOY, path)), path)
})

test("the rules of Prometheus are rules", { skip: needs("promtool") }, () => {
  succeeds("promtool", "check", "rules", "prometheus/alerts.yml")
  succeeds("promtool", "check", "config", "prometheus/prometheus.yml")
})

test("what is asked of the metrics", async t => {
  const server = await startServer()
  t.after(() => server.stop())
  const queries = [...await dashboardQueries(), ...await alertQueries()]
  assert.ok(queries.length > 30)
  // Some are counted from their first time on.
  const stream = `${server.url}/v1/stream/asked`
  assert.equal((await fetch(stream, { method: "PUT", headers: { "content-type": "application/json" }, body: "[1]" })).status, 201)
  assert.equal((await fetch(`${server.url}/v1/sessions`)).status, 401)

  await t.test("names metrics that a server has", async () => {
    const named = new Set(queries.flatMap(query => query.match(/\b(parley|jvm|process|system)_\w+/g) ?? []))
    assert.ok(named.size > 25)
    let missing
    await eventually(WAIT_MS, async () => {
      const text = await (await fetch(`${server.url}/metrics`)).text()
      const names = new Set([...text.matchAll(/^(\w+)[ {]/gm)].map(match => match[1]))
      missing = [...named].filter(name => !names.has(name))
      return missing.length === 0
    }, "all metrics").catch(error => assert.fail(`${error.message}: ${missing}`))
  })

  await t.test("is answered by a Prometheus that follows the server", { skip: needs("prometheus") }, async t => {
    const prometheus = await startPrometheus(t, server.url)
    const ask = async query => {
      const answer = await (await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(query)}`)).json()
      assert.equal(answer.status, "success", `${query}: ${answer.error}`)
      return answer.data.result
    }
    // Rates need two samples.
    await eventually(WAIT_MS, async () => (await ask('count_over_time(up{job="parley"}[1m]) > 3')).length > 0, "a few samples")
    for (const query of await dashboardQueries()) {
      await eventually(WAIT_MS, async () => (await ask(query)).length > 0 || WITHOUT_VALUES.test(query), `values of ${query}`)
    }
    for (const query of await alertQueries()) assert.deepEqual(await ask(query), [], `${query} would be alarmed of a healthy server`)
  })
})

test("the Helm chart is one", { skip: needs("helm") }, async t => {
  const keys = `auth.keys=app.main:${"s".repeat(32)}`
  succeeds("helm", "lint", "--strict", "helm/parley", "--set", keys)
  const made = succeeds("helm", "template", "test", "helm/parley", "--set", keys)
  assert.match(made, /^kind: StatefulSet$/m)
  assert.match(made, /^ {2}replicas: 1$/m)
  for (const probe of ["startup", "liveness", "readiness"]) assert.match(made, new RegExp(`${probe}Probe:`))
  assert.match(made, /mountPath: \/data$/m)
  await t.test("refuses to serve nobody", () => {
    const { status, output } = run("helm", "template", "test", "helm/parley")
    assert.notEqual(status, 0)
    assert.match(output, /set auth\.keys or auth\.existingSecret/)
  })
  await t.test("takes a secret that is there, and further settings", () => {
    const other = succeeds("helm", "template", "test", "helm/parley", "--set", "auth.existingSecret=mine",
      "--set", "env.PARLEY_LOG_FORMAT=json")
    assert.match(other, /name: mine\n +key: keys/)
    assert.doesNotMatch(other, /^kind: Secret$/m)
    assert.match(other, /name: PARLEY_LOG_FORMAT\n +value: "json"/)
  })
})

/** What the dashboard asks, with its variables filled in. */
async function dashboardQueries() {
  const { panels } = JSON.parse(await readFile(join(DEPLOY, "grafana/dashboards/parley.json"), "utf8"))
  return panels.flatMap(panel => panel.targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "30s").replaceAll("$instance", ".*")))
}

async function alertQueries() {
  const text = await readFile(join(DEPLOY, "prometheus/alerts.yml"), "utf8")
  return [...text.matchAll(/^ +expr: (?:>\n((?: {10,}.*\n)+)|(.+)\n)/gm)].map(([, folded, plain]) => (plain ?? folded).replace(/\s+/g, " ").trim())
}

/** Starts the Prometheus of our configuration, which asks the server at `url` each second. Returns its address. */
async function startPrometheus(t, url) {
  const folder = await temporaryFolder()
  const config = await readFile(join(DEPLOY, "prometheus/prometheus.yml"), "utf8")
  await writeFile(join(folder, "prometheus.yml"), config.replaceAll(/: 15s$/gm, ": 1s").replace("server:4437", new URL(url).host))
  await copyFile(join(DEPLOY, "prometheus/alerts.yml"), join(folder, "alerts.yml"))
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(find("prometheus"), [
    `--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`,
  ], { stdio: ["ignore", "ignore", "pipe"] })
  let log = ""
  child.stderr.setEncoding("utf8").on("data", text => (log = (log + text).slice(-10_000)))
  const ended = once(child, "exit")
  t.after(async () => {
    child.kill("SIGTERM")
    await ended
    await removeFolder(folder)
  })
  await eventually(WAIT_MS, () => {
    assert.equal(child.exitCode, null, log)
    return fetch(`http://${address}/-/ready`).then(answer => answer.status === 200, () => false)
  }, "Prometheus")
  return `http://${address}`
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  server.close()
  await once(server, "close")
  return port
}
