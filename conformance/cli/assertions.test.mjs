// A test file fails if an assertion fails in its server, even if no client notices. The server here only pretends to be one.
import { test } from "node:test"
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { removeFolder, temporaryFolder } from "../lib/server.mjs"

const LIBRARY = new URL("../lib/server.mjs", import.meta.url).href
const FAILURE = "java.lang.AssertionError: the store is read on a thread that must not wait for the disk"

const pretender = logged => `#!/usr/bin/env node
process.on("SIGTERM", () => process.exit(0))
process.stderr.write(${JSON.stringify(logged)})
setTimeout(() => console.log("Parley is listening on http://127.0.0.1:1"), 10)
setInterval(() => {}, 1_000)
`

const TEST = `
import { test } from "node:test"
import { startServer } from ${JSON.stringify(LIBRARY)}
test("what clients see is right", async () => {
  const server = await startServer()
  await server.stop()
})
`

/** Runs a test file with a server that logs this. */
async function run(t, logged) {
  const folder = await temporaryFolder()
  t.after(() => removeFolder(folder))
  const [launcher, file] = [join(folder, "parley.mjs"), join(folder, "some.test.mjs")]
  await writeFile(launcher, pretender(logged), { mode: 0o755 })
  await writeFile(file, TEST)
  const env = { ...process.env, PARLEY_LAUNCHER: launcher }
  // Otherwise it would take itself for a part of this run.
  delete env.NODE_TEST_CONTEXT
  return new Promise(resolve => {
    execFile(process.execPath, ["--test", "--test-force-exit", "--test-reporter=spec", file], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    )
  })
}

test("an assertion that fails in a server fails the test file, with what the server has logged", async t => {
  const { code, output } = await run(t, `12:00:00.000 ERROR Unhandled exception\n${FAILURE}\n\tat dev.parley.Somewhere\n`)
  assert.equal(code, 1, output)
  assert.ok(output.includes(FAILURE), output)
  assert.match(output, /ERROR Unhandled exception[^]*at dev\.parley\.Somewhere/)
})

test("other lines do not", async t => {
  const { code, output } = await run(t, "12:00:00.000 WARN This process may open few files\n")
  assert.equal(code, 0, output)
})
