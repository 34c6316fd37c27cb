// What `./parley demo` says when it cannot start: one line, and no stack trace.
import { test } from "node:test"
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"

const DEMO = fileURLToPath(new URL("../../examples/chat/demo.mjs", import.meta.url))
const WAIT_MS = 60_000

/** As the launcher calls it, once the packages of the page are there: nothing here gets as far as to need them. */
function demo(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, ...args], { encoding: "utf8", timeout: WAIT_MS })
  assert.equal(stdout, "")
  assert.doesNotMatch(stderr, /^\s+at /m, "a stack trace is no clear message")
  return { status, stderr }
}

test("a wrong option is named, with those that there are", () => {
  for (const [args, why] of [
    [["--prot", "1"], /Unknown option '--prot'/],
    [["--port"], /--port/],
    [["--port", "eighty"], /'eighty' is no port/],
    [["--port", "65536"], /'65536' is no port/],
    [["elsewhere"], /elsewhere/],
  ]) {
    const { status, stderr } = demo(...args)
    assert.equal(status, 2, stderr)
    assert.match(stderr, why)
    assert.match(stderr, /^parley: [^\n]+\nUsage: \.\/parley demo \[--port N\] \[--data DIR\]\n$/)
  }
})

test("a port in use is named", async t => {
  const other = createServer().listen(0, "127.0.0.1")
  await once(other, "listening")
  t.after(() => other.close())
  const { port } = other.address()
  const { status, stderr } = demo("--port", String(port))
  assert.equal(status, 1)
  assert.equal(stderr, `parley: the page cannot be at port ${port}: it is in use. Choose another one with --port.\n`)
})
