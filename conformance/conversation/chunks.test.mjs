// Shows that the AI SDK, in its versions 6 and 7, reads the chunks that the Java module `conversation` makes of runs: each is of
// its form, and together they make the messages of the run. RunChunksTest keeps the files of chunks current.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import * as version6 from "ai"
import * as version7 from "ai7"
import { fileOf, FOLDER } from "./golden.mjs"
import { scenes } from "./scenes.mjs"

const CHUNKS = fileURLToPath(new URL("../../conversation/src/test/resources/chunks/", import.meta.url))
const SDKS = [
  { sdk: version6, name: "ai", version: 6 },
  { sdk: version7, name: "ai7", version: 7 },
]

const read = path => JSON.parse(readFileSync(path, "utf8"))
const majorOf = name => Number(createRequire(import.meta.url)(`${name}/package.json`).version.split(".")[0])

/** A part as the SDK has read it, without what only the SDK says: ids of thoughts, raw inputs, and what it guesses of an input. */
function plain({ rawInput, resultProviderMetadata, ...rest }) {
  if (rest.type === "reasoning") delete rest.id
  if (rest.toolCallId) rest.input = rest.state === "input-streaming" ? undefined : (rest.input ?? rawInput)
  // Of a call whose input is wrong, the SDK takes the same for what is said of the result.
  if (resultProviderMetadata) rest.callProviderMetadata = resultProviderMetadata
  return JSON.parse(JSON.stringify(rest))
}

/** The parts that a page of a version should have of a message; in version 7, the message of somebody who steers is a part. */
function partsIn(version, { role, id, parts }) {
  if (role === "user") return version === 7 ? [{ type: "steering-message", id, parts }] : []
  return version === 7 ? parts : parts.map(withoutDecision)
}

/** Version 6 has no chunk for a decision: who was asked is not told what was decided, unless it is seen in what came of it. */
function withoutDecision({ approval, ...part }) {
  if (!approval) return part
  if (part.state === "approval-responded") return { ...part, state: "input-available" }
  return approval.approved ? part : { ...part, approval: { id: approval.id } }
}

async function made({ readUIMessageStream }, chunks) {
  const errors = []
  let message
  const stream = ReadableStream.from(chunks)
  for await (const state of readUIMessageStream({ stream, onError: error => errors.push(error) })) message = state
  return { message, errors }
}

for (const { sdk, name, version } of SDKS) {
  test(`${name} is the AI SDK ${version}`, () => assert.equal(majorOf(name), version))

  for (const scene of Object.keys(scenes)) {
    test(`the AI SDK ${version} reads the runs of: ${scene}`, async () => {
      const { expected } = read(FOLDER + fileOf(scene))
      const runs = read(`${CHUNKS}v${version}/${fileOf(scene)}`)
      assert.equal(Object.keys(runs).length, expected.nodes.filter(({ kind }) => kind === "run").length)
      for (const { kind, key, status, messages } of expected.nodes) {
        if (kind !== "run") continue
        for (const chunk of runs[key]) {
          const { success, error } = await sdk.uiMessageChunkSchema().validate(chunk)
          assert.ok(success, `${JSON.stringify(chunk)}: ${error}`)
        }
        const { message, errors } = await made(sdk, runs[key])
        const parts = messages.flatMap(({ message }) => partsIn(version, message))
        assert.deepEqual(message.parts.map(plain), parts)
        assert.equal(errors.length, status === "error" ? 1 : 0)
        // In version 6 no chunk carries the decision that the SDK wants to see in a call that was denied.
        if (version === 6 && message.parts.some(part => part.state === "output-denied")) continue
        assert.ok((await sdk.safeValidateUIMessages({ messages: [message] })).success)
      }
    })
  }
}
