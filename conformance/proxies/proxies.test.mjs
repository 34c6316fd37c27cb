// Shows that nginx, HAProxy and Caddy, configured as docs/operations.md says and left at their defaults otherwise, stand in
// front of Parley without harm: over a silence longer than any of their timeouts no SSE reader, WebSocket or long-poll is cut
// without a clean end, and nobody misses what is sent afterwards. All three stand in front of one server at once.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { execFileSync, spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { once } from "node:events"
import { join } from "node:path"
import * as Ably from "ably"
import { DurableStream, stream } from "@durable-streams/client"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { jwt } from "../lib/tokens.mjs"
import { eventually, within } from "../lib/wait.mjs"

const SILENCE_MS = 120_000
const WAIT_MS = 60_000
const TEST_TIMEOUT_MS = 400_000
const EACH = 60
const LONG_POLLS = 10

const KEY = { keyName: "app.key", keySecret: "s".repeat(32) }
const CLIENT_ID = "quiet"
const PUBLIC_URL = "https://parley.example"
const UPSTREAM = "127.0.0.1:4437"
const DOCUMENT = new URL("../../docs/operations.md", import.meta.url)

/** How the snippet in the document, marked by the name, becomes a running proxy. */
const PROXIES = {
  nginx: {
    program: "/usr/sbin/nginx",
    site: "listen 80;",
    at: port => `listen 127.0.0.1:${port};`,
    // The frame that Debian's nginx.conf puts around a site; without it a test needs the rights of the system's folders.
    file: (snippet, folder) => `daemon off;\npid ${folder}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map(what => `${what}_temp_path ${folder}/${what};\n`)
      .join("")}${snippet}}\n`,
    args: file => ["-e", "stderr", "-c", file],
  },
  haproxy: {
    program: "/usr/sbin/haproxy",
    site: "bind :80",
    at: port => `bind 127.0.0.1:${port}`,
    file: snippet => snippet,
    args: file => ["-db", "-f", file],
  },
  caddy: {
    program: "/usr/bin/caddy",
    site: "parley.example {",
    at: port => `http://127.0.0.1:${port} {`,
    file: snippet => `{\n\tadmin off\n}\n${snippet}`,
    args: file => ["run", "--adapter", "caddyfile", "--config", file],
  },
}

const isThere = program => {
  try {
    accessSync(program, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Installs what is missing, if it can; gives the reason if it cannot. */
function missing(name) {
  const { program } = PROXIES[name]
  if (isThere(program)) return undefined
  if (process.getuid?.() !== 0) return `${program} is not there, and only root can install it`
  const options = { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } }
  try {
    execFileSync("apt-get", ["update", "-qq"], options)
    execFileSync("apt-get", ["install", "-qq", "--no-install-recommends", name], options)
  } catch (error) {
    return `apt-get could not install ${name}: ${error.message}`
  }
  return isThere(program) ? undefined : `${name} is installed, but ${program} is not there`
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  server.close()
  await once(server, "close")
  return port
}

const accepts = port =>
  new Promise(resolve => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
    socket.once("connect", () => socket.destroy())
  })

/** The snippet for `name` as the document has it. */
async function snippetFor(name) {
  const found = new RegExp(`^\`\`\`${name}\\n([^]*?)^\`\`\`$`, "m").exec(await readFile(DOCUMENT, "utf8"))
  assert.ok(found, `docs/operations.md has no snippet for ${name}`)
  return found[1]
}

/** Starts the proxy `name` in front of `upstream`; gives its port, and what ends it. */
async function startProxy(name, upstream, folder) {
  const { program, site, at, file, args } = PROXIES[name]
  const snippet = await snippetFor(name)
  for (const part of [site, UPSTREAM]) assert.ok(snippet.includes(part), `the snippet for ${name} has no "${part}"`)
  const port = await freePort()
  await mkdir(folder)
  const path = join(folder, "config")
  await writeFile(path, file(snippet.replace(site, at(port)).replaceAll(UPSTREAM, new URL(upstream).host), folder))
  const child = spawn(program, args(path), { cwd: folder, env: { ...process.env, HOME: folder }, stdio: ["ignore", "ignore", "pipe"] })
  let log = ""
  child.stderr.setEncoding("utf8").on("data", text => (log = (log + text).slice(-10_000)))
  const ended = once(child, "exit")
  let running = true
  ended.finally(() => (running = false))
  await eventually(WAIT_MS, async () => !running || (await accepts(port)), name)
  assert.ok(running, `${name} has ended: ${log}`)
  return {
    port,
    async end() {
      child.kill("SIGTERM")
      await within(WAIT_MS, ended, `the end of ${name}`)
    },
  }
}

let server, folder
const cleanups = []
before(async () => {
  folder = await temporaryFolder()
  server = await startServer({
    args: ["--set", `auth.keys=${KEY.keyName}:${KEY.keySecret}`, "--set", `server.public-url=${PUBLIC_URL}`],
  })
})
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
  await server?.stop()
  if (folder) await removeFolder(folder)
})

const token = jwt(KEY, { clientId: CLIENT_ID })
const headers = { Authorization: `Bearer ${token}` }

/** Everybody who is quiet behind one proxy. `complaints` are about those who were cut. */
class Quiet {
  complaints = []
  got = []
  #reading = new AbortController()
  #clients = []

  constructor(name, port) {
    this.name = name
    this.base = `http://127.0.0.1:${port}`
    this.port = port
    cleanups.push(() => this.leave())
  }

  #complain(who, error) {
    if (!this.#reading.signal.aborted) this.complaints.push(`${who} behind ${this.name}: ${error?.message ?? error}`)
  }

  async gather() {
    for (let n = 0; n < EACH; n++) {
      await this.#follow(`SSE reader ${n}`, "sse")
      await this.#connect(`WebSocket ${n}`)
    }
    for (let n = 0; n < LONG_POLLS; n++) await this.#follow(`long-poll ${n}`, "long-poll")
    this.#readBare("bare SSE reader")
    this.#pollBare("bare long-poll")
  }

  /** With the published client, which goes on by itself after a clean end, and only after that. */
  async #follow(who, live) {
    const reading = new AbortController()
    this.#reading.signal.addEventListener("abort", () => reading.abort())
    const got = this.#one(who)
    const session = await stream({ url: `${this.base}/v1/stream/quiet`, offset: "-1", live, headers, signal: reading.signal, warnOnHttp: false })
    session.subscribeJson(batch => got.push(...batch.items))
    session.closed.then(() => this.#complain(who, "has ended"), error => this.#complain(who, error))
  }

  /** With fetch alone: sees each end. */
  async #readBare(who) {
    const got = this.#one(who)
    let offset = "-1"
    try {
      while (!this.#reading.signal.aborted) {
        const response = await fetch(`${this.base}/v1/stream/quiet?offset=${offset}&live=sse`, { headers, signal: this.#reading.signal })
        assert.equal(response.status, 200)
        let text = ""
        for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
          text += part
          for (const [event, , data] of text.matchAll(/event: (data|control)\ndata: ?(.*)\n\n/g)) {
            text = text.slice(text.indexOf(event) + event.length)
            const value = JSON.parse(data)
            if (event.startsWith("event: data")) got.push(...value)
            else offset = value.streamNextOffset
          }
        }
      }
    } catch (error) {
      this.#complain(who, error)
    }
  }

  async #pollBare(who) {
    const got = this.#one(who)
    let offset = "-1"
    try {
      while (!this.#reading.signal.aborted) {
        const live = offset === "-1" ? "" : "&live=long-poll"
        const response = await fetch(`${this.base}/v1/stream/quiet?offset=${offset}${live}`, { headers, signal: this.#reading.signal })
        assert.ok([200, 204].includes(response.status), `answered ${response.status}`)
        if (response.status === 200) got.push(...(await response.json()))
        offset = response.headers.get("stream-next-offset")
      }
    } catch (error) {
      this.#complain(who, error)
    }
  }

  async #connect(who) {
    const client = new Ably.Realtime({ endpoint: "127.0.0.1", port: this.port, tls: false, token, clientId: CLIENT_ID, logLevel: 0 })
    this.#clients.push(client)
    const got = this.#one(who)
    await within(WAIT_MS, client.channels.get("quiet").subscribe(message => got.push(message.data)), `${who} behind ${this.name}`)
    client.connection.on(change => this.#complain(who, `is ${change.current}: ${change.reason?.message}`))
  }

  #one(who) {
    const got = Object.assign([], { who })
    this.got.push(got)
    return got
  }

  leave() {
    this.#reading.abort()
    for (const client of this.#clients) {
      client.connection.off()
      client.close()
    }
  }
}

test(`a silence of ${SILENCE_MS / 1_000} s behind nginx, HAProxy and Caddy`, { timeout: TEST_TIMEOUT_MS }, async t => {
  const handle = await DurableStream.create({ url: `${server.url}/v1/stream/quiet`, contentType: "application/json", headers })
  const all = []
  for (const name of Object.keys(PROXIES)) {
    const reason = missing(name)
    if (reason) {
      await t.test(name, { skip: reason })
      continue
    }
    const proxy = await startProxy(name, server.url, join(folder, name))
    cleanups.push(() => proxy.end())
    const quiet = new Quiet(name, proxy.port)
    await quiet.gather()
    all.push(quiet)

    const made = await fetch(`${quiet.base}/v1/stream/made-${name}`, { method: "PUT", headers })
    assert.equal(made.status, 201)
    assert.equal(made.headers.get("location"), `${PUBLIC_URL}/v1/stream/made-${name}`)
  }

  // The silence is what this is about, not a wait for something.
  await new Promise(resolve => setTimeout(resolve, SILENCE_MS))

  assert.deepEqual(all.flatMap(quiet => quiet.complaints), [])
  await handle.append(JSON.stringify("at last"))
  const publisher = new Ably.Rest({ endpoint: "127.0.0.1", port: Number(new URL(server.url).port), tls: false, token })
  await publisher.channels.get("quiet").publish("greeting", "at last")
  const waiting = () => all.flatMap(({ name, got }) => got.filter(one => one.length === 0).map(({ who }) => `${who} behind ${name}`))
  await eventually(WAIT_MS, () => waiting().length === 0, "what was sent to everybody").catch(error => {
    throw new Error(`${error.message}: ${waiting().join(", ")}`)
  })
  for (const { name, got } of all) {
    for (const one of got) assert.deepEqual([...one], ["at last"], `${one.who} behind ${name}`)
  }
  assert.deepEqual(all.flatMap(quiet => quiet.complaints), [])
})
