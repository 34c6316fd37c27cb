// The first stream and the first session of the README, as they stand there; the session with a server and without one, which
// must not look as if it hung.
import { test } from "node:test"
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"

const README = fileURLToPath(new URL("../../README.md", import.meta.url))
/** Below this folder, so that the snippet finds the packages. */
const SNIPPET = fileURLToPath(new URL("../target/readme-session.mjs", import.meta.url))
const WAIT_MS = 30_000
const NOBODY_LISTENS = "1"

test("the README's first stream", async t => {
  const server = await startServer()
  t.after(() => server.stop())
  const commands = (await block("bash")).replace("4437", new URL(server.url).port)
  const { output, end } = start("bash", ["-c", commands])
  t.after(end)
  await output.shows(/^HTTP\/1\.1 201 [^]*^HTTP\/1\.1 204 [^]*^HTTP\/1\.1 200 /m)
  await output.shows(/^stream-next-offset: \S+\r\n[^]*^\r\n\[\{"text":"Hello"\}\]/im)
  await output.shows(/^data: *\[\{"text":"Hello"\}\]$/m)
  // "Append another message from a third terminal and watch it appear."
  const append = commands.match(/^curl .* -X POST .*$/m)[0].replace("Hello", "again")
  const third = start("bash", ["-c", `${commands.match(/^S=.*$/m)[0]}\n${append}`])
  t.after(third.end)
  await third.output.shows(/^HTTP\/1\.1 204 /m)
  await output.shows(/^data: *\[\{"text":"again"\}\]$/m)
})

test("the README's first session", async t => {
  const folder = await temporaryFolder()
  t.after(() => removeFolder(folder))
  const dataDir = join(folder, "parley-data")
  await t.test("does what it says", async () => {
    const server = await startServer({ dataDir })
    try {
      await printed(folder, new URL(server.url).port, /^Hello$/m)
    } finally {
      await server.stop()
    }
  })
  await t.test("says what is wrong when no server is there", () => printed(folder, NOBODY_LISTENS, /^Is Parley running\? .+/m))
})

/** The README's only block of this language. */
async function block(language) {
  const blocks = [...(await readFile(README, "utf8")).matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"))]
  assert.equal(blocks.length, 1)
  assert.match(blocks[0][1], /4437/)
  return blocks[0][1]
}

/** Starts a program of a process group of its own. */
function start(program, args, cwd) {
  const child = spawn(program, args, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] })
  // Apart: curl writes its progress to standard error where that is no terminal.
  const texts = { stdout: "", stderr: "" }
  for (const stream of ["stdout", "stderr"]) child[stream].setEncoding("utf8").on("data", more => (texts[stream] += more))
  const shows = pattern =>
    eventually(WAIT_MS, () => Object.values(texts).some(text => pattern.test(text)), `${pattern} in the output`).catch(error => {
      throw new Error(`${error.message}\n${texts.stdout}\n${texts.stderr}`)
    })
  const end = () => (child.exitCode ?? child.signalCode) === null && process.kill(-child.pid, "SIGKILL")
  return { output: { shows }, end }
}

/** Runs the snippet in `folder` against `port` until it has printed what fits `pattern`. */
async function printed(folder, port, pattern) {
  const code = (await block("js")).replace("4437", port)
  await mkdir(join(SNIPPET, ".."), { recursive: true })
  await writeFile(SNIPPET, code)
  const { output, end } = start(process.execPath, [SNIPPET], folder)
  try {
    await output.shows(pattern)
  } finally {
    end()
    await rm(SNIPPET)
  }
}
