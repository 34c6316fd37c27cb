// What `./parley package` makes: it starts where there is nothing but it, and it is the same each time. Packaging takes minutes,
// so only the long form does it. What the launcher says without a JDK that can link is shown with one that does nothing.
import { test } from "node:test"
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { chmod, copyFile, mkdir, readFile, readdir, rename, rm, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { removeFolder, startServer, temporaryFolder } from "../lib/server.mjs"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const DIST = join(ROOT, "target/dist")
const EPOCH = "1700000000"
const CACHE = "lib/parley.aot"
const PACKAGE_TIMEOUT_MS = 20 * 60_000
const skip = process.env.PARLEY_TEST_FULL !== "1" && "packaging takes minutes: PARLEY_TEST_FULL=1 does it"

test("a package", { skip }, async t => {
  const folder = await temporaryFolder()
  t.after(() => removeFolder(folder))
  const first = await makePackage(folder, "first.tar.gz")

  await t.test("runs in an empty environment", async () => {
    const home = await unpack(first, join(folder, "a"))
    const { server, log } = await serve(starter(home), {})
    assert.doesNotMatch(log, /aot|\[warning\]/i)
    await server.stop()
    // The cache is what makes the difference, and is taken wherever the package is.
    const moved = join(folder, "moved to another place")
    await rename(home, moved)
    const again = await serve(starter(moved), { PATH: "" })
    assert.doesNotMatch(again.log, /aot|\[warning\]/i)
    await again.server.stop()
  })

  await t.test("runs on a root that has nothing but a shell and the libraries of C and C++", async t => {
    // With the /proc of this machine, by which programs find the libraries beside them.
    const inRoot = 'mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"'
    const unshare = ["--user", "--map-root-user", "--mount", "sh", "-c"]
    if (spawnSync("unshare", [...unshare, 'mount --rbind /proc "$0"', folder]).status !== 0) {
      return t.skip("needs namespaces of users and of mounts, which are not here")
    }
    const root = join(folder, "root")
    for (const path of ["bin", "data", "proc", "tmp"]) await mkdir(join(root, path), { recursive: true })
    const home = await unpack(first, join(root, "opt"))
    const programs = ["/bin/sh", ...["bin/java", "lib/server/libjvm.so"].map(path => join(home, "runtime", path))]
    const libraries = run("/usr/bin/ldd", programs).matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)
    // The store needs these two as well.
    const more = run("/sbin/ldconfig", ["-p"]).matchAll(/(?:libstdc\+\+\.so\.6|libgcc_s\.so\.1) .*=> (\/\S+)$/gm)
    const paths = [...libraries, ...more].map(match => match[1]).filter(path => !path.startsWith(folder))
    assert.ok(paths.some(path => path.includes("libc.so")))
    for (const path of [...paths, "/bin/sh"]) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await copyFile(path, join(root, path))
    }
    const program = join(folder, "rooted")
    const command = [...unshare, inRoot, root, `${home.slice(root.length)}/bin/parley`].map(each => `'${each}'`).join(" ")
    await writeFile(program, `#!/bin/sh\nexec unshare ${command} "$@"\n`)
    await chmod(program, 0o755)
    const { server, log } = await serve(program, { PATH: process.env.PATH }, { dataDir: "/data/parley" })
    assert.doesNotMatch(log, /aot|\[warning\]/i)
    await server.stop()
  })

  await t.test("has commands, also through a link", async () => {
    const home = await unpack(first, join(folder, "b"))
    await symlink(starter(home), join(folder, "link"))
    await symlink("link", join(folder, "parley"))
    for (const program of [starter(home), join(folder, "parley")]) {
      for (const ask of ["version", "--version"]) assert.match(run(program, [ask]), /^Parley \d+\.\d+\S*\n$/)
      assert.match(run(program, ["--help"]), /^ *serve\b/m)
      assert.match(run(program, ["serve", "--help"]), /--data/)
    }
  })

  await t.test("starts without a cache that does not fit, and says so in one line", async () => {
    const home = await unpack(first, join(folder, "c"))
    const lines = async (env = {}) => {
      const { server, log } = await serve(starter(home), env)
      await server.stop()
      return log.split("\n").filter(line => /aot/i.test(line))
    }
    assert.deepEqual(await lines({ PARLEY_JAVA_OPTS: "-Xmx300m -XX:MaxRAMPercentage=50" }), [])
    const saysOnce = (found, what) => {
      assert.equal(found.length, 1, found.join("\n"))
      assert.match(found[0], what)
    }
    saysOnce(await lines({ PARLEY_JAVA_OPTS: "-XX:-UseCompactObjectHeaders" }), /parley\.aot does not fit .*, so that starting takes longer/)
    await writeFile(join(home, CACHE), "something else")
    saysOnce(await lines(), /parley\.aot does not fit .*, so that starting takes longer/)
    await rm(join(home, CACHE))
    saysOnce(await lines(), /^parley: .*parley\.aot is missing, so that starting takes longer\.$/)
  })

  await t.test("has checksums, an SBOM and licences", async () => {
    const home = await unpack(first, join(folder, "d"))
    for (const sums of ["SHA256SUMS", `${CACHE}.sha256`]) checkSums(home, await readFile(join(home, sums), "utf8"))
    checkSums(DIST, await readFile(join(DIST, "SHA256SUMS"), "utf8"))
    const { components } = JSON.parse(await readFile(join(home, "sbom/parley.cdx.json"), "utf8"))
    for (const name of ["parley-engine", "rocksdbjni", "vertx-core", "OpenJDK runtime"]) {
      assert.ok(components.some(each => each.name === name), name)
    }
    const listed = await readFile(join(home, "licences/README.md"), "utf8")
    for (const { group, name } of components) {
      if (group && group !== "dev.parley") assert.ok(listed.includes(`| ${group}:${name} |`), name)
    }
    for (const [, path] of listed.matchAll(/\]\(([^)]+)\)/g)) await readFile(join(home, "licences", path))
    assert.ok((await readdir(join(home, "runtime/legal/java.base"))).includes("LICENSE"))
  })

  await t.test("has the same bytes each time, except for the cache", async () => {
    const second = await makePackage(folder, "second.tar.gz")
    const [ours, others] = await Promise.all([first, second].map(entries))
    assert.deepEqual([...others.keys()], [...ours.keys()])
    for (const [name, entry] of ours) {
      if (name.includes(CACHE)) continue
      assert.ok(entry.equals(others.get(name)), `${name} differs`)
    }
  })
})

test("a JDK that cannot link a runtime is refused before anything is built", async t => {
  const { make, java } = await project(t)
  await java("jlink", "echo 'Capabilities: Linking from run-time image disabled'")
  const { status, output } = make()
  assert.equal(status, 1, output)
  assert.match(output, /cannot make a runtime: it has no jmods folder, and its jlink cannot link from the JDK itself\.$/m)
  assert.match(output, /PARLEY_JAVA_HOME\.$/m)
})

test("a JDK without jlink is refused", async t => {
  const { make } = await project(t)
  const { status, output } = make()
  assert.equal(status, 1, output)
  assert.match(output, /has no jlink/)
})

test("a JDK with the files of its modules links from them, whatever its jlink can do besides", async t => {
  const { make, java, file } = await project(t)
  await java("jlink", "[ \"$1\" != --help ] || { echo 'Linking from run-time image disabled'; exit; }; echo 'no such module'; exit 1")
  await file("jdk/jmods/java.base.jmod", "")
  const { status, output } = make()
  assert.equal(status, 1, output)
  assert.match(output, /jlink has failed: no such module/)
})

test("a JDK that was changed after it was made links from itself when told to, and the change is said", async t => {
  const { make, java } = await project(t)
  await java("jlink", `
    case $1 in
      --help) echo 'Linking from run-time image enabled' ;;
      --ignore-modified-runtime) echo 'linked all the same'; exit 1 ;;
      *) echo 'Error: /jdk/lib/security/cacerts has been modified'; exit 1 ;;
    esac`)
  const { output } = make()
  assert.match(output, /this JDK was changed after it was made.*cacerts has been modified/)
  assert.match(output, /jlink has failed: linked all the same/)
})

test("a time that is no number is refused", async t => {
  const { make, java } = await project(t)
  await java("jlink", "echo 'Linking from run-time image enabled'")
  const { status, output } = make({ SOURCE_DATE_EPOCH: "yesterday" })
  assert.equal(status, 1, output)
  assert.match(output, /SOURCE_DATE_EPOCH is no number of seconds: yesterday/)
})

/** Makes a package and returns the path of a copy of it. */
async function makePackage(folder, name) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, "parley"), ["package"], {
    env: { ...process.env, PARLEY_SKIP_BUILD: "1", SOURCE_DATE_EPOCH: EPOCH },
    encoding: "utf8",
    timeout: PACKAGE_TIMEOUT_MS,
  })
  assert.equal(status, 0, stdout + stderr)
  const [, made] = /^parley: made (target\/dist\/parley-\S+\.tar\.gz) /m.exec(stderr)
  await copyFile(join(ROOT, made), join(folder, name))
  return join(folder, name)
}

/** Unpacks a package and returns the folder that was in it. */
async function unpack(file, target) {
  await mkdir(target)
  run("/bin/tar", ["--extract", "--file", file, "--directory", target], { PATH: process.env.PATH })
  const [home] = await readdir(target)
  return join(target, home)
}

/** Runs a program of a package in an environment that has nothing but `env`. */
function run(program, args, env = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: "utf8" })
  assert.equal(status, 0, stdout + stderr)
  return stdout
}

const starter = home => join(home, "bin/parley")

/** Starts the server of a package in an environment that has nothing but `env`, and writes to it. */
async function serve(program, env, options = {}) {
  const server = await startServer({ launcher: program, environment: env, ...options })
  const stream = `${server.url}/v1/stream/packaged`
  const headers = { "content-type": "application/json" }
  assert.equal((await fetch(stream, { method: "PUT", headers, body: "[1]" })).status, 201)
  assert.deepEqual(await (await fetch(`${stream}?offset=-1`)).json(), [1])
  assert.equal((await fetch(`${server.url}/metrics`)).status, 200)
  return { server, log: server.log() }
}

function checkSums(folder, text) {
  const { status, stdout, stderr } = spawnSync("sha256sum", ["--check", "--strict", "--quiet"], { cwd: folder, input: text, encoding: "utf8" })
  assert.equal(status, 0, stdout + stderr)
}

/** The entries of a tar.gz in their order: name to a digest of header and content. */
async function entries(path) {
  const tar = gunzipSync(await readFile(path))
  const found = new Map()
  const text = (from, length) => tar.toString("utf8", from, from + length).replace(/\0.*$/s, "")
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const prefix = text(at + 345, 155)
    const name = (prefix ? `${prefix}/` : "") + text(at, 100)
    const size = parseInt(text(at + 124, 12), 8)
    const end = at + 512 + Math.ceil(size / 512) * 512
    found.set(name, createHash("sha256").update(tar.subarray(at, end)).digest())
    at = end
  }
  assert.ok(found.size > 50)
  return found
}

/** A project like ours that counts as built, with a JDK that has no program but those that a test adds. */
async function project(t) {
  const root = await temporaryFolder()
  t.after(() => removeFolder(root))
  const file = async (path, text, mode = 0o644) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
    await chmod(join(root, path), mode)
  }
  const java = (program, text) => file(`jdk/bin/${program}`, `#!/bin/sh\n${text}\n`, 0o755)
  for (const path of ["parley", "pom.xml", "deploy/package.bash"]) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await copyFile(join(ROOT, path), join(root, path))
  }
  await file("server/target/parley.jar", "")
  for (const program of ["java", "javac"]) await java(program, "exit 0")
  await file("jdk/release", 'JAVA_VERSION="25.0.1"\n')
  const make = env => {
    const { status, stdout, stderr } = spawnSync(join(root, "parley"), ["package"], {
      env: { ...process.env, PARLEY_JAVA_HOME: join(root, "jdk"), PARLEY_SKIP_BUILD: "1", SOURCE_DATE_EPOCH: EPOCH, ...env },
      encoding: "utf8",
    })
    return { status, output: stdout + stderr }
  }
  return { make, java, file }
}
