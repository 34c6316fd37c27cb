// The edits with which run.mjs breaks the code must fit the code. Otherwise, nobody sees that a break breaks nothing any more until
// run.mjs is run, which takes too long to be a part of `./parley test`.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { breaks as ofEngine } from "./breaks.mjs"
import { breaks as ofServer } from "../../../../server/src/test/breaks/breaks.mjs"

const root = new URL("../../../../", import.meta.url)
const times = (text, part) => text.split(part).length - 1

/** The edits of one break are made one after the other. */
function misfits({ what, edits }) {
  const texts = new Map()
  return edits.flatMap(({ file, from, to }) => {
    const text = texts.get(file) ?? readFileSync(fileURLToPath(new URL(file, root)), "utf8")
    texts.set(file, text.replace(from, () => to))
    return times(text, from) === 1 ? [] : [`${what}: ${file} has ${times(text, from)} times: ${from}`]
  })
}

test("every break fits the code once, and has a name of its own", () => {
  const all = [...ofEngine, ...ofServer]
  assert.deepEqual(all.flatMap(misfits), [])
  assert.equal(new Set(all.map(({ what }) => what)).size, all.length)
})
