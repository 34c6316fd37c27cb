// Messages that prove themselves: each has an id and a filler that follows from it, so that a reader can tell a message
// that is whole from one that is not, and one of ours from any other bytes.
import assert from "node:assert/strict"

const SMALL_FILLER = 60
const LARGE_FILLER = 8_000
const LARGE_ONE_IN = 16
/** All messages of a writer whose name begins so are large. */
export const BULK = "bulk"

/** The types that the server stores, cuts and shows in different ways. */
export const TYPES = ["application/json", "text/plain", "application/octet-stream"]

// FNV-1a.
function hash(text) {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

function compose(id) {
  const number = hash(id)
  const large = number % LARGE_ONE_IN === 0 || id.startsWith(BULK)
  const length = number % (large ? LARGE_FILLER : SMALL_FILLER)
  // Digits without a pattern, for a store that compresses must get full as well.
  let filler = ""
  for (let state = number | 1; filler.length < length; filler += state.toString(36)) {
    state ^= state << 13
    state ^= state >>> 17
    state = (state ^ (state << 5)) >>> 0
  }
  return `${id}:${filler.slice(0, length)}`
}

function idOf(message) {
  const id = message.slice(0, message.indexOf(":"))
  assert.equal(message, compose(id), "a message is not whole")
  return id
}

/** The body of an append with a message for each of `ids`. */
export function encode(type, ids) {
  if (type === "application/json") return JSON.stringify(ids.map(compose))
  return ids.map(id => `${compose(id)}\n`).join("")
}

/** The ids of the messages in what was read; fails if any of them is not whole. */
export function decode(type, body) {
  if (type === "application/json") return body === "" ? [] : JSON.parse(body).map(idOf)
  const lines = body.split("\n")
  assert.equal(lines.pop(), "", "the last line is not whole")
  return lines.map(idOf)
}
