// What an app adds to @durable-streams/client to live with a broken network.
import { stream } from "@durable-streams/client"
import { eventually } from "./wait.mjs"

const RETRY_TIMEOUT_MS = 60_000
const LAST_BATCH_TIMEOUT_MS = 60_000

/**
 * Reads to the end of the stream: when a session breaks, it opens a new one at the last offset. `subscribe` hands the
 * session's batches over as (items, batch). Gives all items and how many sessions it took.
 */
export async function readToEnd({ url, live, signal, subscribe }) {
  const items = []
  let offset = "-1"
  for (let sessions = 1; ; sessions++) {
    let broken = false
    const session = await stream({ url, offset, live, signal })
    subscribe(session, (newItems, batch) => {
      if (broken) return // was still being decoded when the session broke: the next one delivers it again
      items.push(...newItems)
      offset = batch.offset
    })
    try {
      await session.closed // may resolve before the last batch is delivered
      await eventually(LAST_BATCH_TIMEOUT_MS, () => offset === session.offset, "the last batch")
      return { items, sessions }
    } catch {
      broken = true
    }
  }
}

export const subscribeJson = (session, onBatch) => session.subscribeJson(batch => onBatch(batch.items, batch))

/** A fetch for an idempotent producer, which leaves network errors to it: a retry carries the same sequence number. */
export function retryingFetch() {
  const retrying = (...request) =>
    eventually(RETRY_TIMEOUT_MS, async () => {
      const response = await fetch(...request).catch(() => undefined)
      if (response && response.status !== 503) return response
      retrying.retries++
    }, "an answer to a retried append")
  retrying.retries = 0
  return retrying
}
