// `./parley demo`: starts the server, and the agent with the page, tells what to try, and ends both on Ctrl-C. Whichever of
// the two ends otherwise is started again, as a process manager would: killing them is one of the things to try.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const HERE = fileURLToPath(new URL(".", import.meta.url))
const LAUNCHER = join(HERE, "../../parley")
const RESTART_MS = 1_000

const WRONG_USAGE = 2
const values = options()
const data = resolve(values.data)
await checkPort(Number(values.port))

const children = new Set()
let ending = false

function options() {
  try {
    const { values } = parseArgs({
      options: { port: { type: "string", default: "4438" }, data: { type: "string", default: "parley-demo-data" } },
    })
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) throw new Error(`'${values.port}' is no port`)
    return values
  } catch (error) {
    console.error(`parley: ${error.message}\nUsage: ./parley demo [--port N] [--data DIR]`)
    process.exit(WRONG_USAGE)
  }
}

/** Better told now than by the agent's server, when the other one is up. */
async function checkPort(port) {
  const probe = createServer()
  try {
    await once(probe.listen(port, "127.0.0.1"), "listening")
  } catch (error) {
    const why = error.code === "EADDRINUSE" ? "it is in use" : error.message
    console.error(`parley: the page cannot be at port ${port}: ${why}. Choose another one with --port.`)
    process.exit(1)
  }
  probe.close()
  await once(probe, "close")
}

/** Starts a program, again and again when it ends. Gives its first line that fits `ready`. */
function keepRunning(name, ready, command) {
  return new Promise(resolve => {
    function start(last) {
      const [program, args, env] = command(last)
      const child = spawn(program, args, {
        cwd: HERE,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "inherit"],
        detached: true, // Ctrl-C is for this program alone, which then ends the others in good order
      })
      let found = last
      children.add(child)
      child.stdout.setEncoding("utf8").on("data", text => {
        const match = ready.exec(text)
        if (!match) return
        found = match[1]
        if (last) console.log(`The ${name} is back (process ${child.pid}).`)
        resolve({ found, pid: child.pid })
      })
      child.on("error", error => fail(`the ${name} cannot be started: ${error.message}`))
      child.on("close", status => {
        children.delete(child)
        if (ending) return children.size === 0 && process.exit(process.exitCode)
        if (!found) return fail(`the ${name} did not start (${status}), see above`)
        console.log(`The ${name} has ended; it is started again.`)
        setTimeout(() => ending || start(found), RESTART_MS)
      })
    }
    start()
  })
}

function end(status) {
  if (ending) return
  ending = true
  process.exitCode = status
  if (children.size === 0) process.exit()
  for (const child of children) child.kill("SIGTERM")
}

function fail(why) {
  console.error(`parley: ${why}`)
  end(1)
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(0))

const server = await keepRunning("server", /^Parley is listening on (\S+)$/m, last => {
  const port = last ? new URL(last).port : "0" // whoever was connected must find it again
  return [LAUNCHER, ["serve", "--host", "127.0.0.1", "--port", port, "--data", data], { PARLEY_SKIP_BUILD: "1" }]
})
const key = (await readFile(join(data, "root.key"), "utf8")).trim()
const agent = await keepRunning("agent", /^The page is at (\S+)$/m, last => {
  const port = last ? new URL(last).port : values.port
  return [process.execPath, ["agent.mjs"], { PARLEY_URL: server.found, PARLEY_KEY: key, PORT: port }]
})

console.log(`
  The demo is ready:  ${agent.found}

  Three things to try:
    1. Open the link twice, and in another browser. Ask something, and watch all of them. Reload one in mid-answer.
    2. While an answer runs, press Stop in another tab, or write something: that steers the answer.
    3. Kill the server in mid-answer: kill -9 ${server.pid}   It comes back, and the answer goes on.

  Ctrl-C ends the demo. What was said is kept in ${data}
`)
