// Shows that the AI SDK (version 6) reads the chunks that the Java module `conversation` makes of runs: each is of its form, and
// together they make the messages of the run. RunChunksTest keeps the file of chunks current.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { readUIMessageStream, safeValidateUIMessages, uiMessageChunkSchema } from "ai"
import { fileOf, FOLDER } from "./golden.mjs"
import { scenes } from "./scenes.mjs"

const CHUNKS = fileURLToPath(new URL("../../conversation/src/test/resources/chunks/", import.meta.url))

const read = path => JSON.parse(readFileSync(path, "utf8"))

/** A part as both know it. Each keeps what the other does not: how far a text is, ids, the decision about a call. */
function plain({ state, providerMetadata, callProviderMetadata, approval, rawInput, ...rest }) {
  if (rest.type === "reasoning") delete rest.id
  const call = rest.toolCallId && { state, input: rest.input ?? rawInput }
  return JSON.parse(JSON.stringify({ ...rest, ...call }))
}

async function made(chunks) {
  const errors = []
  let message
  const stream = ReadableStream.from(chunks)
  for await (const state of readUIMessageStream({ stream, onError: error => errors.push(error) })) message = state
  return { message, errors }
}

for (const name of Object.keys(scenes)) {
  test(`the AI SDK reads the runs of: ${name}`, async () => {
    const { expected } = read(FOLDER + fileOf(name))
    const runs = read(CHUNKS + fileOf(name))
    assert.equal(Object.keys(runs).length, expected.nodes.filter(({ kind }) => kind === "run").length)
    for (const { kind, key, status, messages } of expected.nodes) {
      if (kind !== "run") continue
      for (const chunk of runs[key]) {
        const { success, error } = await uiMessageChunkSchema().validate(chunk)
        assert.ok(success, `${JSON.stringify(chunk)}: ${error}`)
      }
      const { message, errors } = await made(runs[key])
      const parts = messages.filter(({ message }) => message.role === "assistant").flatMap(({ message }) => message.parts)
      assert.deepEqual(message.parts.map(plain), parts.map(plain))
      assert.equal(errors.length, status === "error" ? 1 : 0)
      // In version 6 no chunk carries the decision that the SDK wants to see in a call that was denied.
      if (message.parts.some(part => part.state === "output-denied")) continue
      assert.ok((await safeValidateUIMessages({ messages: [message] })).success)
    }
  })
}
