// Those who read while the server crashes. Each keeps a transcript of all it was shown from the start on, and resumes
// after the restart where it was.
import assert from "node:assert/strict"
import { decode } from "./messages.mjs"

const MAX_PLACES = 1_000

class Reader {
  constructor(victim, ledger, random) {
    this.victim = victim
    this.ledger = ledger
    this.random = random
    this.transcript = ledger.transcript()
    /** Offsets this reader has been told, with how much of the transcript lies before them. */
    this.places = [{ offset: "-1", index: 0 }]
  }

  get here() {
    return this.places.at(-1)
  }

  take(ids, next) {
    this.transcript.push(...ids)
    if (next === this.here.offset) return
    this.places.push({ offset: next, index: this.transcript.length })
    if (this.places.length > MAX_PLACES) this.places.splice(0, MAX_PLACES / 2)
  }
}

/** Follows by long-polls. */
export class LongPollReader extends Reader {
  async run() {
    for (;;) {
      const chunk = await this.victim.read(this.ledger, `offset=${this.here.offset}&live=long-poll`)
      this.take(chunk.ids, chunk.next)
    }
  }
}

/** Reads on from its end, and at times again from an offset it was told earlier. */
export class CatchUpReader extends Reader {
  async run() {
    for (;;) {
      const chunk = await this.victim.read(this.ledger, `offset=${this.here.offset}`)
      this.take(chunk.ids, chunk.next)
      const place = this.random.oneOf(this.places)
      const again = await this.victim.read(this.ledger, `offset=${place.offset}`)
      const known = this.transcript.slice(place.index, place.index + again.ids.length)
      assert.deepEqual(again.ids.slice(0, known.length), known, `${this.ledger.path} differs at the second reading`)
      this.ledger.glimpse(again.ids)
    }
  }
}

/** Follows by server-sent events. */
export class SseReader extends Reader {
  async run() {
    for (;;) {
      const response = await this.victim.open("GET", `${this.ledger.path}?offset=${this.here.offset}&live=sse`)
      assert.equal(response.status, 200)
      await this.victim.survive(this.#follow(response))
    }
  }

  async #follow(response) {
    const base64 = response.headers.get("stream-sse-data-encoding") === "base64"
    let pending = []
    let text = ""
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (text + part).split("\n\n")
      text = events.pop()
      for (const event of events) {
        const { kind, data } = parse(event)
        if (kind === "data") {
          const ids = decode(this.ledger.type, base64 ? Buffer.from(data, "base64").toString() : data)
          this.ledger.glimpse(ids)
          pending.push(...ids)
        } else {
          this.take(pending, JSON.parse(data).streamNextOffset)
          pending = []
        }
      }
    }
  }
}

function parse(event) {
  const data = []
  let kind
  for (const line of event.split("\n")) {
    if (line.startsWith("event: ")) kind = line.slice("event: ".length)
    else if (line.startsWith("data:")) data.push(line.slice("data:".length).replace(/^ /, ""))
  }
  return { kind, data: data.join("\n") }
}
