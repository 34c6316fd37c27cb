// The Java libraries as `mvn install` puts them into a repository, used by a project outside of the clone.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { jdkProgram } from "../lib/jdk.mjs"
import { startServer, temporaryFolder } from "../lib/server.mjs"

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const MODULES = {
  "parley-bom": "bom",
  "parley-client": "client",
  "parley-conversation": "conversation",
  "parley-langchain4j": "integrations/langchain4j",
  "parley-spring-ai": "integrations/spring-ai",
}
// Class files of Java 17.
const NEWEST_CLASS_FILE = 61

const version = /<version>(.*?)<\/version>/.exec(await readFile(join(ROOT, "pom.xml"), "utf8"))[1]
const built = Object.values(MODULES).every(module => existsSync(join(ROOT, module, "target/published-pom.xml")))
// Where Maven keeps what it has fetched, unless its settings say otherwise.
const FETCHED = join(homedir(), ".m2/repository")
const skip = built
  ? !existsSync(FETCHED) && `Maven's local repository is not at ${FETCHED}`
  : "the libraries are not packaged: run `mvn package` or `./parley test`"

const folder = skip ? undefined : await temporaryFolder()
after(() => folder && rm(folder, { recursive: true, force: true }))

/** A repository with all that is in the one of this machine, except what was installed of Parley, and with what was built. */
async function repository() {
  const there = join(folder, "repository")
  const links = async (path, without) => {
    await mkdir(join(there, path), { recursive: true })
    for (const name of await readdir(join(FETCHED, path))) {
      if (name !== without) await symlink(join(FETCHED, path, name), join(there, path, name))
    }
  }
  await links("", "dev")
  await links("dev", "parley")
  for (const [artifact, module] of Object.entries(MODULES)) {
    const target = join(ROOT, module, "target")
    const at = join(there, "dev/parley", artifact, version)
    await mkdir(at, { recursive: true })
    await cp(join(target, "published-pom.xml"), join(at, `${artifact}-${version}.pom`))
    for (const file of await readdir(target)) {
      if (file.startsWith(`${artifact}-${version}`) && file.endsWith(".jar")) await cp(join(target, file), join(at, file))
    }
  }
  return there
}

/** The fragments of a POM that docs/java.md shows, with more dependencies. */
async function project(...more) {
  const page = await readFile(join(ROOT, "docs/java.md"), "utf8")
  const fragments = [...page.matchAll(/^```xml\n(.*?)^```$/gms)].map(([, xml]) => xml).join("\n")
  const dependencies = more.map(artifact =>
    `<dependency><groupId>dev.parley</groupId><artifactId>${artifact}</artifactId></dependency>`).join("")
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
    <groupId>outside</groupId><artifactId>outside</artifactId><version>1</version>
    ${fragments.replace("<dependencies>\n  <dependency>\n    <groupId>dev.parley", `<dependencies>${dependencies}<dependency><groupId>dev.parley`)}
    </project>`
}

/** The files that a project gets. */
async function classPath(name, ...more) {
  const at = join(folder, name)
  await mkdir(at)
  await writeFile(join(at, "pom.xml"), await project(...more))
  const list = join(at, "class-path")
  await run("mvn", ["--batch-mode", "--quiet", "--offline", `-Dmaven.repo.local=${await known}`,
    "org.apache.maven.plugins:maven-dependency-plugin:2.8:build-classpath", `-Dmdep.outputFile=${list}`], { cwd: at })
  return (await readFile(list, "utf8")).split(":")
}

const known = skip ? undefined : repository()
const artifacts = files => files.map(file => /([^/]+?)-\d[^/]*\.jar$/.exec(file)?.[1]).sort()

test("every library has a POM of its own, sources and Javadoc", { skip }, async () => {
  for (const [artifact, module] of Object.entries(MODULES)) {
    const at = join(await known, "dev/parley", artifact, version)
    const pom = await readFile(join(at, `${artifact}-${version}.pom`), "utf8")
    for (const element of ["name", "description", "licenses", "developers", "scm"]) {
      assert.match(pom, new RegExp(`<${element}[ >]`), `${artifact}: ${element}`)
    }
    assert.doesNotMatch(pom, /<parent>|<scope>test|parley-engine|parley-server/, artifact)
    if (module === "bom") {
      const managed = [...pom.matchAll(/<artifactId>(.*?)<\/artifactId>/g)].map(match => match[1]).sort()
      assert.deepEqual(managed, Object.keys(MODULES).sort(), "the BOM has what is published, and nothing else")
      continue
    }
    assert.doesNotMatch(pom, /\$\{/, `${artifact}: all is resolved`)
    for (const kind of ["", "-sources", "-javadoc"]) {
      assert.ok(existsSync(join(at, `${artifact}-${version}${kind}.jar`)), `${artifact}${kind}: run \`mvn package\``)
    }
  }
})

test("a project outside of the clone runs with the libraries, on Java 17 or what there is", { skip }, async () => {
  assert.deepEqual(artifacts(await classPath("client")), [
    "jackson-annotations", "jackson-core", "jackson-databind", "jspecify", "parley-client", "parley-conversation", "slf4j-api",
  ])

  const files = await classPath("langchain4j", "parley-langchain4j")
  assert.ok(!artifacts(files).some(name => /rocksdb|vertx|netty|parley-(engine|server)/.test(name)), "nothing of the server")
  const server = await startServer()
  try {
    const tool = name => jdkProgram(server.pid, name)
    const examples = join(ROOT, "examples/java/src/main/java/dev/parley/examples")
    const sources = ["FirstConnection", "LangChainTrips", "Shop"].map(name => join(examples, `${name}.java`))
    const classes = join(folder, "classes")
    await run(await tool("javac"), ["--release", "17", "-parameters", "-d", classes, "-cp", files.join(":"), ...sources])
    const key = (await readFile(join(server.dataDir, "root.key"), "utf8")).trim()
    const java = ["17", "21"].map(release => `/usr/lib/jvm/java-${release}-openjdk-amd64/bin/java`).find(existsSync)
    const { stdout } = await run(java ?? await tool("java"), ["-Dslf4j.internal.verbosity=ERROR", "-cp", [classes, ...files].join(":"),
      "dev.parley.examples.FirstConnection", server.url, key])
    assert.equal(stdout, "Once upon a time\n")
  } finally {
    await server.stop()
  }
})
