// Talks HTTP/2 to a server, one request at a time or many.
import { once } from "node:events"
import http2 from "node:http2"
import { within } from "./wait.mjs"

const WAIT_MS = 30_000
const { HTTP2_HEADER_CONTENT_TYPE: TYPE, HTTP2_HEADER_METHOD: METHOD, HTTP2_HEADER_PATH: PATH, HTTP2_HEADER_STATUS: STATUS } = http2.constants

/** A session that is destroyed after the test `t`. */
export async function openSession(t, url, settings = {}) {
  const session = http2.connect(url, { settings })
  t.after(() => session.destroy())
  session.on("error", () => {})
  await within(WAIT_MS, once(session, "remoteSettings"), "the server's settings")
  return session
}

/** Sends a request with a body of text, and yields the status of its answer when this has ended. */
export async function ask(session, method, path, body) {
  const request = session.request({ [METHOD]: method, [PATH]: path, [TYPE]: "text/plain" })
  request.end(body)
  const [headers] = await within(WAIT_MS, once(request, "response"), `${method} ${path}`)
  request.resume()
  await within(WAIT_MS, once(request, "close"), "the end of the answer")
  return headers[STATUS]
}
