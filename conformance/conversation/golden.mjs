// Golden files for the Java module `conversation`: what @ably/ai-transport writes into a session, and what it makes of it, with
// what it decodes and does not show (whole.mjs).
//
//   node conformance/conversation/golden.mjs      makes the files anew
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { createClientSession } from "@ably/ai-transport"
import { MemorySession } from "./memory-session.mjs"
import { CHANNEL, codec, Scene, scenes } from "./scenes.mjs"
import { brokenOff, keepingCodec, wholeMessages, wholeRun } from "./whole.mjs"

export const FOLDER = fileURLToPath(new URL("../../conversation/src/test/resources/golden/", import.meta.url))
const UUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g

const { version } = createRequire(import.meta.url)("@ably/ai-transport/package.json")

export const fileOf = name => `${name.replaceAll(/[^a-z]+/g, "-")}.json`

/** What a scene comes to, as the text of its golden file. */
export async function record(name) {
  const scene = new Scene()
  await scenes[name](scene)
  const { log } = scene.session
  const expected = await conversationOf(log)
  return named(lines({ version, scene: name, deliveries: log, history: scene.session.history(), piped: scene.piped, expected }))
}

/** JSON with one line for each delivery, message of history, node and so on. */
function lines(value, depth = 2) {
  if (depth === 0 || typeof value !== "object") return JSON.stringify(value)
  if (Array.isArray(value)) return `[\n${value.map(one => JSON.stringify(one)).join(",\n")}\n]`
  return `{\n${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${lines(one, depth - 1)}`).join(",\n")}\n}`
}

/** What a client makes of a session that it gets live from its beginning. */
async function conversationOf(log) {
  const replayed = new MemorySession()
  const session = createClientSession({ client: replayed.client("reader"), channelName: CHANNEL, codec: keepingCodec })
  await session.connect()
  for (const delivery of log) replayed.replay(delivery)
  const wholes = await wholeMessages(session, brokenOff(log))
  const whole = ({ codecMessageId, message }) => ({ codecMessageId, message: wholes.get(message) })
  // Not part of its interface, but all of the tree.
  const nodes = session.tree._sortedNodes.map(({ node }) => nodeOf(node, whole))
  const view = session.createView()
  const messages = view.getMessages()
  const branches = messages.map(({ codecMessageId }) => {
    const { siblings, index } = view.branchSelection(codecMessageId)
    return { codecMessageId, siblings: siblings.map(sibling => wholes.get(sibling)), index }
  })
  const seen = { nodes, messages: messages.map(whole), branches, runs: view.runs().map(wholeRun) }
  const conversation = JSON.parse(JSON.stringify(seen))
  view.close()
  await session.close()
  return conversation
}

function nodeOf(node, whole) {
  const messages = codec.getMessages(node.projection).map(whole)
  const { kind, parentCodecMessageId: parent, forkOf } = node
  if (kind === "input") return { kind, key: node.codecMessageId, parent, forkOf, messages }
  const { runId: key, regeneratesCodecMessageId: regenerates, clientId, invocationId, state, steps } = node
  const error = state.error && { code: state.error.code, message: state.error.message }
  return { kind, key, parent, forkOf, regenerates, clientId, invocationId, status: state.status, error, steps, messages }
}

/** Random ids become ids by the order in which they come up. */
function named(json) {
  const names = new Map()
  return json.replaceAll(UUID, id => {
    if (!names.has(id)) names.set(id, `id-${names.size + 1}`)
    return names.get(id)
  }) + "\n"
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(FOLDER, { recursive: true })
  for (const file of readdirSync(FOLDER)) rmSync(FOLDER + file)
  for (const name of Object.keys(scenes)) writeFileSync(FOLDER + fileOf(name), await record(name))
}
