// Our Java client as the build leaves it: the class path of programs in Java that use it.
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

const [CLASSES, LIBRARIES] = ["classes", "lib"].map(name => fileURLToPath(new URL(`../../client/target/${name}`, import.meta.url)))

export function clientClassPath() {
  assert.ok(existsSync(LIBRARIES), `the Java client is not built: run "./parley build"`)
  return `${CLASSES}:${LIBRARIES}/*`
}
