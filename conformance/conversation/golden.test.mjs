// Shows that the golden files of the Java module `conversation` are what the npm library makes today.
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { test } from "node:test"
import { fileOf, FOLDER, record } from "./golden.mjs"
import { scenes } from "./scenes.mjs"

const AGAIN = "if the library has changed on purpose, run: node conformance/conversation/golden.mjs"

test("there is a golden file for each scene, and none besides", () => {
  assert.deepEqual(readdirSync(FOLDER).sort(), Object.keys(scenes).map(fileOf).sort(), AGAIN)
})

for (const name of Object.keys(scenes)) {
  test(`the golden file is current: ${name}`, async () => {
    assert.equal(readFileSync(FOLDER + fileOf(name), "utf8"), await record(name), AGAIN)
  })
}
