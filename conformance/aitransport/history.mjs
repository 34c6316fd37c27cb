// Reading a session to its beginning.

const MAX_FAILURES = 20
const PAGE_MESSAGES = 100

/** Pages a view back to the session's first message; on a bad network the SDK's own three attempts may not do. */
export async function loadAll(view) {
  for (let failures = 0; view.hasOlder(); ) {
    try {
      await view.loadOlder(PAGE_MESSAGES)
    } catch (error) {
      if (++failures > MAX_FAILURES) throw error
    }
  }
}
