// What `./parley` says while it builds, and what becomes of the training run: with a Maven and a JDK that do at once what the
// real ones may take minutes for.
import { test } from "node:test"
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { chmod, copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { removeFolder, temporaryFolder } from "../lib/server.mjs"

const LAUNCHER = fileURLToPath(new URL("../../parley", import.meta.url))
const POM = fileURLToPath(new URL("../../pom.xml", import.meta.url))
const SOURCES = [
  ...["conversation", "engine", "server"].flatMap(module => [`${module}/pom.xml`, `${module}/src/main/A.java`]),
  ".mvn/maven.config",
  "config/jvm.options",
]

/** Writes what Maven writes, colours and all, and makes the jar. */
const MVN = String.raw`#!/usr/bin/env bash
printf '\e[0m' >&2
printf '[INFO] Scanning for projects...\n'
printf '[\e[1;34mINFO\e[m] \e[1mBuilding Parley Engine 0.1.0                 [2/3]\e[m\n'
if [[ $FAKE_MAVEN == fails ]]; then
  printf '[WARNING] COMPILATION WARNING :\n[WARNING] A.java:[3,4] unused\n' 
  printf '[ERROR] A.java:[1,2] cannot find symbol\n  symbol: class Oops\n[INFO] BUILD FAILURE\n\e[0m'
  exit 1
fi
printf '[INFO] Building Parley Server 0.1.0                 [3/3]\n[INFO] BUILD SUCCESS\n\e[0m\e[0m'
mkdir -p server/target; touch server/target/parley.jar
`
/** Trains as it is told to, and takes what is a complete cache. */
const JAVA = String.raw`#!/usr/bin/env bash
for argument; do
  case $argument in
    -XX:AOTCacheOutput=*)
      echo trained >>"$FAKE_LOG"
      case $FAKE_TRAINING in
        well) echo 'Training: 50 %'; sleep 1.5; echo complete >"${"${argument#*=}"}"; exit 0 ;;
        cut-at-its-end) echo complete >"${"${argument#*=}"}"; exit 143 ;;
        slow) sleep 4; echo complete >"${"${argument#*=}"}"; exit 0 ;;
        endless) exec sleep 30 ;;
        cut) echo partial >"${"${argument#*=}"}"; exit 143 ;;
      esac ;;
    -XX:AOTCache=*) grep -q complete "${"${argument#*=}"}"; exit ;;
  esac
done
`
/** What the system says of the processor time of a training: the truth, or that it grows. */
const PS = String.raw`#!/usr/bin/env bash
if [[ $FAKE_TIME == grows ]]; then
  date +%s%N
else
  PATH=${"${PATH#*:}"} exec ps "$@"
fi
`

test("a build says how far it is, without control characters", async t => {
  const { build } = await project(t)
  const { status, output } = build({ FAKE_TRAINING: "well" })
  assert.equal(status, 0, output)
  assert.match(output, /^parley: Building Parley Engine 0\.1\.0 \[2\/3\]$/m)
  assert.match(output, /^parley: Building Parley Server 0\.1\.0 \[3\/3\]$/m)
  assert.match(output, /^parley: training: 50 %$/m)
  assert.match(output, /^parley: built$/m)
  assert.doesNotMatch(output, /[\x00-\x09\x0b-\x1f]/)
})

test("a build that fails says why", async t => {
  const { build } = await project(t)
  const { status, output } = build({ FAKE_MAVEN: "fails" })
  assert.notEqual(status, 0)
  assert.match(output, /^\[ERROR\] A\.java:\[1,2\] cannot find symbol\n {2}symbol: class Oops$/m)
  assert.match(output, /^\[WARNING\] A\.java:\[3,4\] unused$/m)
  assert.doesNotMatch(output, /BUILD FAILURE|built|\x1b/)
})

test("a training that was cut when all was there is kept", async t => {
  const { build, has, trainings } = await project(t)
  assert.equal(build({ FAKE_TRAINING: "cut-at-its-end" }).status, 0)
  assert.ok(await has("server/target/parley.aot"))
  build({ FAKE_TRAINING: "well" })
  assert.equal(await trainings(), 1)
})

test("a training that has failed is tried again without a change of the sources, but not for ever", async t => {
  const { build, has, trainings } = await project(t)
  const first = build({ FAKE_TRAINING: "cut" })
  assert.equal(first.status, 0)
  assert.match(first.output, /warning: the training has failed \(status 143, see .*training\.log\)/)
  assert.match(first.output, /tried again/)
  assert.ok(!(await has("server/target/parley.aot")))
  const second = build({ FAKE_TRAINING: "well" })
  assert.doesNotMatch(second.output, /Building/)
  assert.ok(await has("server/target/parley.aot"))

  const other = await project(t)
  for (let i = 0; i < 5; i++) other.build({ FAKE_TRAINING: "cut" })
  assert.equal(await other.trainings(), 3)
  assert.ok((await trainings()) === 2)
})

const ENDED = /^parley: the training gets no further and is ended$/m

test("a slow training goes on for as long as it gets further", async t => {
  const { build, has } = await project(t)
  const { output } = build({ FAKE_TRAINING: "slow", FAKE_TIME: "grows", PARLEY_TRAINING_STALL_SECONDS: "2" })
  assert.doesNotMatch(output, ENDED)
  assert.ok(await has("server/target/parley.aot"), output)
})

test("a training that gets no further is ended, and one that goes on too long", async t => {
  for (const limit of [{ PARLEY_TRAINING_STALL_SECONDS: "2" }, { PARLEY_TRAINING_MAX_SECONDS: "2", FAKE_TIME: "grows" }]) {
    const { build, has } = await project(t)
    const { status, output } = build({ FAKE_TRAINING: "endless", ...limit })
    assert.equal(status, 0, output)
    assert.match(output, ENDED, JSON.stringify(limit))
    assert.match(output, /warning: the training has failed \(status 143, /)
    assert.ok(!(await has("server/target/parley.aot")))
  }
})

test("the version is known without a build", async t => {
  const { run } = await project(t)
  for (const ask of ["version", "--version"]) {
    const { status, output } = run([ask], { FAKE_MAVEN: "fails" })
    assert.equal(status, 0)
    assert.match(output, /^Parley \d+\.\d+\S*\n$/)
  }
})

test("a change of whatever the server is made of is built", async t => {
  const { build, touch } = await project(t)
  const quickly = { FAKE_TRAINING: "cut-at-its-end" }
  build(quickly)
  assert.doesNotMatch(build(quickly).output, /Building/)
  for (const source of SOURCES.filter(path => path.endsWith(".java") || path.startsWith("config/"))) {
    await touch(source)
    assert.match(build(quickly).output, /Building/, source)
  }
})

/** A project like ours, of which nothing is built. */
async function project(t) {
  const root = await temporaryFolder()
  t.after(() => removeFolder(root))
  const file = async (path, text, mode = 0o644) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
    await chmod(join(root, path), mode)
  }
  await copyFile(LAUNCHER, join(root, "parley"))
  await copyFile(POM, join(root, "pom.xml"))
  for (const path of SOURCES) await file(path, "")
  await file("bin/mvn", MVN, 0o755)
  await file("bin/ps", PS, 0o755)
  for (const program of ["java", "javac"]) await file(`jdk/bin/${program}`, JAVA, 0o755)
  await file("jdk/release", 'JAVA_VERSION="25.0.1"\n')
  const log = join(root, "trainings")
  const env = {
    ...process.env,
    PATH: `${join(root, "bin")}:${process.env.PATH}`,
    PARLEY_JAVA_HOME: join(root, "jdk"),
    PARLEY_SKIP_BUILD: "",
    FAKE_LOG: log,
    FAKE_MAVEN: "",
    FAKE_TIME: "",
  }
  const run = (args, more) => {
    const { status, stdout, stderr } = spawnSync(join(root, "parley"), args, { env: { ...env, ...more }, encoding: "utf8" })
    return { status, output: stdout + stderr }
  }
  return {
    run,
    build: more => run(["build"], more),
    touch: path => file(path, "changed"),
    has: path => stat(join(root, path)).then(() => true, () => false),
    trainings: async () => (await readFile(log, "utf8")).split("\n").length - 1,
  }
}
