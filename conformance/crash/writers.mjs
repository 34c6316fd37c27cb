// Those who write while the server crashes. `run` goes on until it throws Crashed, and may be called again after the
// restart; `check` holds what the server has then against what this writer knows.
import assert from "node:assert/strict"
import { eventually } from "../lib/wait.mjs"
import { IN_DOUBT, Ledger, NO, YES } from "./ledger.mjs"
import { TYPES } from "./messages.mjs"
import { Crashed } from "./victim.mjs"

const CLEANUP_TIMEOUT_MS = 10_000

/** Appends one message at a time, and never again what is in doubt. */
export class PlainWriter {
  #victim
  #ledger
  #name
  #next = 0

  constructor(victim, ledger, name) {
    this.#victim = victim
    this.#ledger = ledger
    this.#name = name
  }

  async run() {
    for (;;) {
      const id = `${this.#name}.${this.#next++}`
      this.#ledger.attempt([id])
      const reply = await this.#victim.append(this.#ledger, [id])
      this.#ledger.confirm([id], reply.headers.get("stream-next-offset"))
      this.#victim.acknowledged()
    }
  }
}

/** An idempotent producer: appends batches, and everything in doubt again until it is acknowledged. */
export class Producer {
  #victim
  #ledger
  #name
  #random
  #next = 0
  #seq = 0
  #pending

  constructor(victim, ledger, name, random) {
    this.#victim = victim
    this.#ledger = ledger
    this.#name = name
    this.#random = random
  }

  async run() {
    for (;;) {
      if (!this.#pending) {
        this.#pending = Array.from({ length: this.#random.between(1, 5) }, () => `${this.#name}.${this.#next++}`)
        this.#ledger.attempt(this.#pending)
      }
      await this.settle()
    }
  }

  /** Brings what is in doubt to its end. */
  async settle() {
    if (!this.#pending) return
    const reply = await this.#send(this.#seq, this.#pending, [200, 204])
    // The tail in the answer to a retry may be behind what others have written since.
    if (reply.status === 200) this.#ledger.confirm(this.#pending, reply.headers.get("stream-next-offset"))
    else this.#ledger.confirmSomewhere(this.#pending)
    const sent = this.#pending
    this.#pending = undefined
    this.#seq++
    this.#victim.acknowledged()
    if (this.#random.between(1, 8) === 1) await this.#send(this.#seq - 1, sent, [204])
  }

  #send(seq, ids, expected) {
    const headers = { "Producer-Id": this.#name, "Producer-Epoch": "0", "Producer-Seq": String(seq) }
    return this.#victim.append(this.#ledger, ids, { headers, expected })
  }
}

/** Makes streams, writes a little to them and closes them in each of the ways there are. */
export class Closer {
  #victim
  #prefix
  #random
  #count = 0
  #ledgers = []
  #checked = 0

  constructor(victim, prefix, random) {
    this.#victim = victim
    this.#prefix = prefix
    this.#random = random
  }

  async run() {
    for (;;) {
      const ledger = new Ledger(`${this.#prefix}/${this.#count++}`, this.#random.oneOf(TYPES))
      const name = `closer${this.#count}`
      await this.#victim.send("PUT", ledger.path, [201], { headers: { "Content-Type": ledger.type } })
      this.#ledgers.push(ledger)
      await this.#append(ledger, [`${name}.0`, `${name}.1`])
      const way = this.#random.oneOf(["close", "append and close", "producer"])
      const headers = { "Producer-Id": name, "Producer-Epoch": "0", "Producer-Seq": "0" }
      await this.#append(ledger, way === "close" ? [] : [`${name}.2`, `${name}.3`], {
        closes: true,
        ...(way === "producer" && { headers, expected: [200] }),
      })
      const refused = await this.#victim.append(ledger, [`${name}.4`], { expected: [409] })
      assert.equal(refused.headers.get("stream-closed"), "true")
    }
  }

  async #append(ledger, ids, options) {
    ledger.attempt(ids, options?.closes)
    const reply = await this.#victim.append(ledger, ids, options)
    if (ids.length) ledger.confirm(ids, reply.headers.get("stream-next-offset"))
    if (options?.closes) ledger.closed = YES
    this.#victim.acknowledged()
  }

  /** `all`: also what was checked before. */
  async check({ all = false } = {}) {
    for (const ledger of this.#ledgers.slice(all ? 0 : this.#checked)) {
      const { ids, closed } = await this.#victim.readAll(ledger)
      ledger.check(ids, { closed })
      // Whatever was in doubt is certain now, and must stay so.
      ledger.closed = closed ? YES : NO
    }
    this.#checked = this.#ledgers.length
  }
}

/** Makes a stream, writes to it, deletes it and makes it again at the same path. */
export class Recreator {
  #victim
  #path
  #random
  #life = 0
  #written = 0
  #ledger
  #there = NO

  constructor(victim, path, random) {
    this.#victim = victim
    this.#path = path
    this.#random = random
  }

  async run() {
    for (;;) {
      if (this.#there === NO) {
        this.#ledger = new Ledger(this.#path, this.#random.oneOf(TYPES))
        this.#there = IN_DOUBT
        await this.#victim.send("PUT", this.#path, [201], { headers: { "Content-Type": this.#ledger.type } })
        this.#there = YES
        this.#life++
      }
      for (let n = this.#random.between(0, 3); n > 0; n--) {
        const id = `life${this.#life}.${this.#written++}`
        this.#ledger.attempt([id])
        const reply = await this.#victim.append(this.#ledger, [id])
        this.#ledger.confirm([id], reply.headers.get("stream-next-offset"))
        this.#victim.acknowledged()
      }
      this.#there = IN_DOUBT
      await this.#victim.send("DELETE", this.#path, [204])
      this.#there = NO
      assert.equal(await this.#victim.status(this.#path), 404)
    }
  }

  async check() {
    const status = await this.#victim.status(this.#path)
    if (this.#there !== IN_DOUBT) assert.equal(status, this.#there === YES ? 200 : 404, `HEAD ${this.#path}`)
    assert.notEqual(status, 410)
    if (status === 200) this.#ledger.check((await this.#victim.readAll(this.#ledger)).ids)
    this.#there = status === 200 ? YES : NO
  }
}

/** Makes families of a stream and its fork, deletes the stream first and then the fork. */
export class Parent {
  #victim
  #prefix
  #random
  #count = 0
  #families = []
  #checked = 0

  constructor(victim, prefix, random) {
    this.#victim = victim
    this.#prefix = prefix
    this.#random = random
  }

  async run() {
    for (;;) {
      // A number of its own: a stream whose creation is in doubt is in no family.
      const number = this.#count++
      const path = `${this.#prefix}/${number}`
      const type = this.#random.oneOf(TYPES)
      const family = {
        source: new Ledger(path, type),
        fork: new Ledger(`${path}-fork`, type),
        forked: NO,
        deleted: NO,
        ended: NO,
      }
      const name = `parent${number}`
      await this.#victim.send("PUT", path, [201], { headers: { "Content-Type": type } })
      this.#families.push(family)
      family.inherited = [`${name}.0`]
      const offset = await this.#append(family.source, family.inherited)
      await this.#append(family.source, [`${name}.1`, `${name}.2`])

      family.forked = IN_DOUBT
      await this.#victim.send("PUT", family.fork.path, [201], {
        headers: { "Stream-Forked-From": path, "Stream-Fork-Offset": offset },
      })
      family.forked = YES
      await this.#append(family.fork, ["child.0", "child.1"])

      family.deleted = IN_DOUBT
      await this.#victim.send("DELETE", path, [204])
      family.deleted = YES
      await this.#victim.send("PUT", path, [409], { headers: { "Content-Type": type } })
      await this.#append(family.fork, ["child.2"])
      if (this.#random.between(1, 2) === 1) continue

      family.ended = IN_DOUBT
      await this.#victim.send("DELETE", family.fork.path, [204])
      family.ended = YES
    }
  }

  async #append(ledger, ids) {
    ledger.attempt(ids)
    const reply = await this.#victim.append(ledger, ids)
    const offset = reply.headers.get("stream-next-offset")
    ledger.confirm(ids, offset)
    this.#victim.acknowledged()
    return offset
  }

  async check({ all = false } = {}) {
    for (const family of this.#families.slice(all ? 0 : this.#checked)) {
      const forkStatus = await this.#victim.status(family.fork.path)
      const forkIsThere = forkStatus === 200
      assert.notEqual(forkStatus, 410)
      if (family.forked === NO || family.ended === YES) assert.ok(!forkIsThere, `${family.fork.path} is there`)
      if (family.forked === YES && family.ended === NO) assert.ok(forkIsThere, `${family.fork.path} is gone`)
      if (forkIsThere) {
        family.fork.check((await this.#victim.readAll(family.fork)).ids, { inherited: family.inherited })
      }
      if (family.forked === IN_DOUBT) family.forked = forkIsThere ? YES : NO
      if (family.ended === IN_DOUBT) family.ended = forkIsThere ? NO : YES

      const status = await this.#sourceStatus(family, forkIsThere)
      if (family.deleted !== IN_DOUBT)
        assert.equal(status === 200, family.deleted === NO, `HEAD ${family.source.path} says ${status}`)
      if (status === 200) family.source.check((await this.#victim.readAll(family.source)).ids)
      if (status === 410) assert.ok(forkIsThere, `${family.source.path} is kept for a fork that is not there`)
      family.deleted = status === 200 ? NO : YES
    }
    this.#checked = this.#families.length
  }

  /** The server may take a moment to free what only a deleted fork has used. */
  #sourceStatus(family, forkIsThere) {
    const path = family.source.path
    return eventually(
      CLEANUP_TIMEOUT_MS,
      async () => {
        const status = await this.#victim.status(path)
        return status === 410 && !forkIsThere ? undefined : status
      },
      `the end of ${path}, whose fork is gone`,
    )
  }
}

/** Runs until the server is killed. */
export async function untilCrash(work) {
  try {
    await work
  } catch (error) {
    if (!(error instanceof Crashed)) throw error
  }
}
