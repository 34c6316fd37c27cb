// Random choices that a seed replays. CONFORMANCE_SEED sets the seed; each test prints the one it used.

/** A source of random whole numbers for the test `t`, which reports the seed. */
export function seededRandom(t) {
  const seed = Number(process.env.CONFORMANCE_SEED ?? Date.now() % 2 ** 32)
  t.diagnostic(`replay with CONFORMANCE_SEED=${seed}`)

  // The 32-bit generator "mulberry32": small, and good enough to choose faults.
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    /** From `low` to `high`, both included. */
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    oneOf: choices => choices[Math.floor(next() * choices.length)],
  }
}
