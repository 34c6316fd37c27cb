// Breaks the engine and the server on purpose, one break at a time, in a copy of the commit that is checked out, and shows that the test
// notices that should:
//
//   node engine/src/test/breaks/run.mjs            all of both breaks.mjs; needs JAVA_HOME and Maven, and takes its time
//   node engine/src/test/breaks/run.mjs 'a pin'    those whose names match
//   node engine/src/test/breaks/run.mjs --server   those of the server; --engine: those of the engine
//   node engine/src/test/breaks/run.mjs --check    only whether the edits still fit the code and compile
//
// Prints a table. Ends with 1 if a break goes unnoticed or no longer fits. PARLEY_SIM_HISTORIES bounds the histories.
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"
import { breaks as ofServer } from "../../../../server/src/test/breaks/breaks.mjs"
import { breaks as ofEngine } from "./breaks.mjs"

const TEST_TIMEOUT_MS = 15 * 60_000
const ERROR_CHARS = 110

const options = process.argv.slice(2)
const checkOnly = options.includes("--check")
const pattern = new RegExp(options.find(option => !option.startsWith("--")) ?? "")
const breaks = [
  ...(options.includes("--server") ? [] : ofEngine.map(broken => ({ ...broken, module: "engine" }))),
  ...(options.includes("--engine") ? [] : ofServer),
]
const chosen = breaks.filter(({ what }) => pattern.test(what))
/** What is built, each after what it needs. */
const modules = chosen.some(({ module }) => module === "server") ? ["conversation", "engine", "server"] : ["engine"]

const root = fileURLToPath(new URL("../../../..", import.meta.url))
const copy = mkdtempSync(join(tmpdir(), "parley-breaks-"))
const classesOf = module => join(copy, module, "target/classes")
const whole = module => join(copy, module, "target/classes.whole")

const git = (...args) => execFileSync("git", ["-C", root, ...args], { encoding: "utf8" })
const maven = (...args) =>
  // Maven compiles nothing, but makes the classes of one module known to the others.
  spawnSync("mvn", ["--batch-mode", "--quiet", "--file", copy, "--projects", modules.join(), "-Dmaven.main.skip", "process-test-resources", ...args], {
    encoding: "utf8",
    timeout: TEST_TIMEOUT_MS,
  })

/** Compiles the copy without the checks of a build, which are not for broken code. Gives the class path for javac. */
function build() {
  git("worktree", "add", "--detach", "--force", copy, "HEAD")
  const list = join(copy, "classpath")
  const listed = maven("dependency:build-classpath", `-Dmdep.outputFile=${list}`)
  if (listed.status !== 0) throw new Error(`Maven does not tell the libraries:\n${listed.stdout}${listed.stderr}`)
  // Each module has overwritten the list of the one before.
  const classPath = [...modules.map(classesOf), readFileSync(list, "utf8").trim()].join(delimiter)
  for (const module of modules) {
    compileAll(join(copy, module, "src/main/java"), classPath, classesOf(module))
    cpSync(classesOf(module), whole(module), { recursive: true })
  }
  for (const module of new Set(chosen.map(({ module }) => module))) {
    compileAll(join(copy, module, "src/test/java"), classPath, join(copy, module, "target/test-classes"))
  }
  return classPath
}

function compileAll(sources, classPath, into) {
  const compiled = compile(javaFiles(sources), classPath, into)
  if (compiled.status !== 0) throw new Error(`the copy does not compile:\n${compiled.stderr}`)
}

const javaFiles = folder =>
  readdirSync(folder, { recursive: true }).filter(name => name.endsWith(".java")).map(name => join(folder, name))

/** Applies the edits; gives the texts as they were, or what does not fit. */
function apply(edits) {
  const originals = new Map()
  for (const { file, from, to } of edits) {
    const path = join(copy, file)
    const text = readFileSync(path, "utf8")
    if (!originals.has(path)) originals.set(path, text)
    if (text.split(from).length !== 2) return { originals, misfit: `${file} does not have once: ${from.trim().split("\n")[0]}` }
    writeFileSync(path, text.replace(from, () => to))
  }
  return { originals }
}

function compile(files, classPath, into) {
  const javac = join(process.env.JAVA_HOME, "bin/javac")
  return spawnSync(javac, ["-proc:none", "-nowarn", "-parameters", "-d", into, "-cp", classPath, ...files], { encoding: "utf8" })
}

/** The first words of the first failure that Surefire has written down. */
function failure(reports) {
  for (const name of (existsSync(reports) ? readdirSync(reports) : []).filter(name => name.endsWith(".txt"))) {
    const lines = readFileSync(join(reports, name), "utf8").split("\n")
    const at = lines.findIndex(line => /<<< (FAILURE|ERROR)!/.test(line) && !line.startsWith("Tests run"))
    if (at >= 0) {
      const words = lines.slice(at + 1).map(line => line.replace(/^[\w.]+(Error|Exception):/, "").trim())
      return (words.find(line => line !== "") ?? "").slice(0, ERROR_CHARS)
    }
  }
}

function tryOut({ edits, test, module }, classPath) {
  const reports = join(copy, module, "target/surefire-reports")
  const { originals, misfit } = apply(edits)
  try {
    if (misfit) return { ok: false, result: `does not fit: ${misfit}` }
    const compiled = compile([...originals.keys()], classPath, classesOf(module))
    if (compiled.status !== 0) return { ok: false, result: `does not compile: ${compiled.stderr.split("\n")[0]}` }
    if (checkOnly) return { ok: true, result: "fits" }
    rmSync(reports, { recursive: true, force: true })
    const run = maven("surefire:test", `-Dtest=${test}`, "-Dsurefire.failIfNoSpecifiedTests=false")
    if (run.status === 0 && !existsSync(reports)) return { ok: false, result: "no test ran" }
    if (run.status === 0) return { ok: false, result: "NOT NOTICED" }
    if (run.error) return { ok: true, result: `noticed: no end within ${TEST_TIMEOUT_MS} ms` }
    const seen = failure(reports)
    return seen === undefined ? { ok: false, result: `no test ran: ${run.stdout.slice(0, ERROR_CHARS)}` } : { ok: true, result: `noticed: ${seen}` }
  } finally {
    for (const [path, text] of originals) writeFileSync(path, text)
    rmSync(classesOf(module), { recursive: true })
    cpSync(whole(module), classesOf(module), { recursive: true })
  }
}

let status = 0
try {
  const classPath = build()
  console.log("| break | test | result |\n|---|---|---|")
  for (const broken of chosen) {
    const { ok, result } = tryOut(broken, classPath)
    if (!ok) status = 1
    console.log(`| ${broken.what} | ${broken.test.replace(/#[^,]*/g, "")} | ${result.replaceAll("|", "\\|")} |`)
  }
} finally {
  git("worktree", "remove", "--force", copy)
}
process.exitCode = status
