// What the writers and readers of one stream know of it, and whether what the stream holds agrees with that.
import assert from "node:assert/strict"

/** How far a step has come: IN_DOUBT is one whose answer the crash took away. */
export const [NO, IN_DOUBT, YES] = ["no", "in doubt", "yes"]

/** Ids are `writer.number`, where each writer counts up. */
export class Ledger {
  /** Batches with an id that was sent and not (yet) confirmed, or was. */
  #batches = []
  /** Confirmed ids, with the offset behind them where an answer gave it. */
  #confirmed = new Map()
  #offsets = new Set()
  #transcripts = []
  #glimpsed = new Set()
  closed = NO

  constructor(path, type) {
    this.path = path
    this.type = type
  }

  /** To be called before an append is sent. `closes`: it also closes the stream, in the same step. */
  attempt(ids, closes = false) {
    if (ids.length) this.#batches.push({ ids, closes })
    if (closes) this.closed = IN_DOUBT
  }

  /** The attempt with `ids` was refused: nothing of it may be there. */
  refused(ids) {
    this.#batches = this.#batches.filter(batch => batch.ids !== ids)
  }

  /** The append of `ids` is acknowledged, and the stream ended at `offset` behind it. */
  confirm(ids, offset) {
    assert.ok(!this.#offsets.has(offset), `offset ${offset} of ${this.path} was given twice`)
    this.#offsets.add(offset)
    for (const id of ids) this.#confirmed.set(id, id === ids.at(-1) ? offset : undefined)
  }

  /** The append of `ids` is acknowledged, and stands somewhere before the tail that the answer gave. */
  confirmSomewhere(ids) {
    for (const id of ids) this.#confirmed.set(id, undefined)
  }

  /** Some acknowledged ids with the offsets behind them, at most `count`. */
  someOffsets(random, count) {
    const known = [...this.#confirmed].filter(([, offset]) => offset)
    return Array.from({ length: Math.min(count, known.length) }, () => random.oneOf(known))
  }

  /** A list that a reader keeps of all it has read from the start on. */
  transcript() {
    const ids = []
    this.#transcripts.push(ids)
    return ids
  }

  /** A reader has seen these, but not yet the offset behind them. */
  glimpse(ids) {
    ids.forEach(id => this.#glimpsed.add(id))
  }

  /** Checks `ids`, all that the stream holds. `inherited` is what it must begin with. */
  check(ids, { inherited = [], closed } = {}) {
    const where = `in ${this.path}`
    assert.deepEqual(ids.slice(0, inherited.length), inherited, `what the fork inherited differs ${where}`)
    const own = ids.slice(inherited.length)
    const place = new Map(own.map((id, index) => [id, index]))
    assert.equal(
      place.size,
      own.length,
      `a message is there twice ${where}: ${own.find((id, i) => place.get(id) !== i)}`,
    )

    for (const id of this.#confirmed.keys()) assert.ok(place.has(id), `the acknowledged ${id} is lost ${where}`)
    for (const id of this.#glimpsed)
      assert.ok(place.has(id) || inherited.includes(id), `${id}, which was read, is gone ${where}`)
    for (const transcript of this.#transcripts) {
      assert.deepEqual(ids.slice(0, transcript.length), transcript, `what was read differs from what is there ${where}`)
    }

    const sent = new Set(this.#batches.flatMap(batch => batch.ids))
    for (const id of own) assert.ok(sent.has(id), `nobody sent ${id} ${where}`)
    for (const batch of this.#batches) {
      const start = place.get(batch.ids[0])
      const expected = start === undefined ? batch.ids.map(() => undefined) : batch.ids.map((_, i) => start + i)
      assert.deepEqual(
        batch.ids.map(id => place.get(id)),
        expected,
        `a batch is torn ${where}`,
      )
      if (batch.closes && closed !== undefined) {
        assert.equal(start !== undefined, closed, `an append that closes was done by half ${where}`)
      }
    }

    const last = new Map()
    for (const id of own) {
      const [writer, number] = id.split(".")
      assert.ok(Number(number) > (last.get(writer) ?? -1), `${id} is out of order ${where}`)
      last.set(writer, Number(number))
    }

    if (closed !== undefined && this.closed !== IN_DOUBT) assert.equal(closed, this.closed === YES, `closed? ${where}`)
  }
}
