// The first session of the README, as it stands there: with a server, and without one, which must not look as if it hung.
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

/** Runs the snippet in `folder` against `port` until it has printed what fits `pattern`. */
async function printed(folder, port, pattern) {
  const [, code] = /```js\n(.*?)```/s.exec(await readFile(README, "utf8"))
  assert.match(code, /port: 4437/)
  await mkdir(join(SNIPPET, ".."), { recursive: true })
  await writeFile(SNIPPET, code.replace("4437", port))
  const child = spawn(process.execPath, [SNIPPET], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", text => (output += text))
  try {
    await eventually(WAIT_MS, () => pattern.test(output), `${pattern} in the output`).catch(error => {
      throw new Error(`${error.message}\n${output}`)
    })
  } finally {
    child.kill()
    await rm(SNIPPET)
  }
}
