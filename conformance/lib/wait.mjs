// Waiting with a bound: for a promise, or for a condition that only polling can see.

const POLL_INTERVAL_MS = 10

/** The promise's result, or an error that says what did not come in time. */
export async function within(timeoutMs, promise, what) {
  let timer
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms in vain for ${what}`)), timeoutMs)
  })
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer))
}

/** Asks `condition` until it yields something true, and returns that. */
export async function eventually(timeoutMs, condition, what) {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const result = await condition()
    if (result) return result
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, POLL_INTERVAL_MS))
  }
}
