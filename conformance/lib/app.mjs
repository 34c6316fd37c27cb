// The app's own backend in a test: an HTTP server that answers web Requests with web Responses.
import { once } from "node:events"
import { createServer } from "node:http"
import { text } from "node:stream/consumers"
import { Readable } from "node:stream"

/** `handle` gets a Request and gives a Response. */
export async function startApp(handle) {
  const server = createServer(async (incoming, outgoing) => {
    try {
      const body = incoming.method === "POST" ? await text(incoming) : undefined
      const { method, headers } = incoming
      const response = await handle(new Request(new URL(incoming.url, url), { method, headers, body }))
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      if (response.body) Readable.fromWeb(response.body).pipe(outgoing)
      else outgoing.end()
    } catch (error) {
      outgoing.writeHead(500).end(error.stack)
    }
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const url = `http://127.0.0.1:${server.address().port}`
  return {
    url,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, "close")
    },
  }
}
