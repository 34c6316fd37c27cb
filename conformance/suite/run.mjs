// Runs the published protocol suite against a server: `node suite/run.mjs [URL] [--only PATTERN]`.
// Without a URL it starts a fresh Parley. Ends with "N passed, N failed, N skipped"; exit status 0 means that every
// test of the suite passed.
import { parseArgs } from "node:util"
import { fileURLToPath } from "node:url"
import { startVitest } from "vitest/node"
import { startServer } from "../lib/server.mjs"
import { Summary } from "./summary.mjs"

// The size of the pinned version, subscriptions included: a suite that shrinks must not look like a pass.
const ALL_TESTS = 338
const TEST_TIMEOUT_MS = 30_000
// Two tests wait for the end of a long poll; the server's default of 20 s would only make them slow.
const LONG_POLL_MS = 3_000
// The suite asks as a page of example.com once. By default an open server on loopback is for pages of this machine only.
const SETTINGS = [`streams.long-poll-timeout=${LONG_POLL_MS}`, "cors.origins=*"]

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: "string" } } })
const [url] = positionals
const server = url ? undefined : await startServer({ args: SETTINGS.flatMap(setting => ["--set", setting]) })
const baseUrl = (url ?? server.url).replace(/\/+$/, "")

const summary = new Summary()
const vitest = await startVitest("test", [], {
  config: false,
  root: fileURLToPath(new URL(".", import.meta.url)),
  include: ["protocol.spec.mjs"],
  watch: false,
  reporters: [summary],
  testTimeout: TEST_TIMEOUT_MS,
  hookTimeout: TEST_TIMEOUT_MS,
  testNamePattern: values.only,
  env: { CONFORMANCE_BASE_URL: baseUrl },
})
await vitest.close()
await server?.stop()

const { passed, failed, skipped } = summary.totals
const complete = values.only !== undefined || passed === ALL_TESTS
if (!complete) console.log(`All ${ALL_TESTS} tests of the suite have to pass.`)
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 && passed > 0 && complete ? 0 : 1)
