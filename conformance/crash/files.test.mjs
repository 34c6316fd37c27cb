// What a server leaves behind on the disk, and who may read it: kills it without mercy and looks at the files.
import { test } from "node:test"
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { chmod, cp, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"

const run = promisify(execFile)

const LIBRARY = /rocksdbjni/
const KILLS = 2
const TEST_TIMEOUT_MS = 120_000
const [FOLDER_MODE, FILE_MODE] = [0o700, 0o600]

test("nobody but the owner may read what is kept", { timeout: TEST_TIMEOUT_MS }, async t => {
  const parent = await temporaryFolder()
  t.after(() => removeFolder(parent))
  const dataDir = join(parent, "data")
  const first = await startServer({ dataDir })
  await useSomewhat(first)
  await assertPrivate(dataDir)
  await first.stop()

  await t.test("a folder that was open to others is closed to them", async () => {
    for (const path of await everything(dataDir)) await chmod(path, (await stat(path)).isDirectory() ? 0o755 : 0o644)
    const second = await startServer({ dataDir })
    await assertPrivate(dataDir)
    await second.kill()
  })
  await t.test("a folder with other files keeps its rights, its parts do not", async () => {
    const shared = join(parent, "shared")
    await mkdir(shared)
    await writeFile(join(shared, "notes.txt"), "somebody else's")
    await chmod(shared, 0o755)
    const server = await startServer({ dataDir: shared })
    await server.stop()
    assert.equal(await mode(shared), 0o755)
    for (const name of await readdir(shared)) if (name !== "notes.txt") await assertPrivate(join(shared, name))
    assert.match(server.log(), /has files that are not Parley's/)
  })
})

test("kills leave nothing in the temporary folder", { timeout: TEST_TIMEOUT_MS }, async t => {
  const parent = await temporaryFolder()
  t.after(() => removeFolder(parent))
  const [dataDir, tmp] = [join(parent, "data"), join(parent, "tmp")]
  await mkdir(tmp)
  const start = folder =>
    startServer({ dataDir, env: { PARLEY_JAVA_OPTS: `-Djava.io.tmpdir=${folder}` } })
  for (let i = 0; i < KILLS; i++) await (await start(tmp)).kill()
  const left = async folder => (await readdir(folder)).filter(name => LIBRARY.test(name))
  assert.deepEqual(await left(tmp), [])

  const [library] = await readdir(join(dataDir, "native"))
  const path = join(dataDir, "native", library)
  const original = await readFile(path)
  await t.test("a library that is not what it was is made anew", async () => {
    const damaged = Buffer.from(original)
    damaged[damaged.length >> 1] ^= 1
    // A file of its own: the old one may still be mapped somewhere.
    await cp(path, `${path}.old`)
    await writeFile(path, damaged)
    await (await start(tmp)).kill()
    assert.ok((await readFile(path)).equals(original))
  })
  await t.test("a library that cannot be kept is loaded all the same", async () => {
    await removeFolder(join(dataDir, "native"))
    await writeFile(join(dataDir, "native"), "in the way")
    const server = await start(tmp)
    await server.stop()
    await removeFolder(join(dataDir, "native"))
    assert.match(server.log(), /RocksDB cannot be loaded from/)
  })
  await t.test("nothing has to be executable in the temporary folder", async t => {
    try {
      await run("mount", ["-t", "tmpfs", "-o", "size=64m,noexec", "parley-noexec", tmp])
    } catch (error) {
      t.skip(`no file system can be mounted here: ${error.message.trim()}`)
      return
    }
    try {
      await (await start(tmp)).stop()
    } finally {
      await run("umount", [tmp])
    }
  })
})

async function useSomewhat(server) {
  const stream = `${server.url}/v1/stream/files`
  await fetch(stream, { method: "PUT", headers: { "Content-Type": "text/plain" }, body: "some text" })
}

async function everything(path) {
  if (!(await stat(path)).isDirectory()) return [path]
  const below = await Promise.all((await readdir(path)).map(name => everything(join(path, name))))
  return [path, ...below.flat()]
}

const mode = async path => (await stat(path)).mode & 0o777

async function assertPrivate(path) {
  for (const file of await everything(path)) {
    const found = await mode(file)
    const most = (await stat(file)).isDirectory() ? FOLDER_MODE : FILE_MODE
    assert.equal(found & ~most, 0, `${file} has the mode ${found.toString(8)}`)
  }
}
