// The agent and its small web server: it hands out the page and the tokens, and wakes up when the page posts an invocation.
// All that is said goes through the session on the Parley server, so neither the page nor this program has to stay alive
// for the conversation to stay whole.
//
//   PARLEY_URL=http://127.0.0.1:4437  PARLEY_KEY=app.key:secret  PORT=4438  node agent.mjs
import { createHmac } from "node:crypto"
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { json } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { Invocation } from "@ably/ai-transport"
import { createAgentSession, vercelRunOutcome } from "@ably/ai-transport/vercel"
import { convertToModelMessages, streamText } from "ai"
import * as Ably from "ably"
import { chooseModel } from "./model.mjs"

const { PARLEY_URL = "http://127.0.0.1:4437", PARLEY_KEY, PORT = "4438" } = process.env
const TOKEN_LIFETIME_S = 3_600
const HISTORY_PAGE = 100
const MAX_SESSIONS = 100

const parley = new URL(PARLEY_URL)
/** What an Ably client needs to find the server. */
const endpoint = {
  endpoint: parley.hostname,
  port: Number(parley.port),
  tlsPort: Number(parley.port),
  tls: parley.protocol === "https:",
  // What a client asks when a connection is slow to come about: this server, and none of Ably's.
  wsConnectivityCheckUrl: parley.href.replace(/^http/, "ws"),
  // And how soon it tries again: a server that was restarted has its clients back within seconds, however long it was gone.
  disconnectedRetryTimeout: 1_000,
  suspendedRetryTimeout: 2_000,
}
const ably = new Ably.Realtime({
  ...endpoint,
  key: PARLEY_KEY,
  clientId: "agent",
  disableConnectivityCheck: true, // the same for what it asks over HTTP
})
const model = chooseModel()

// ---- The agent ----------------------------------------------------------------------------------

const sessions = new Map()

/** The agent joins a session once and stays, so that people see that it is there. */
function join(name) {
  if (!sessions.has(name)) {
    if (sessions.size === MAX_SESSIONS) throw new Error(`the agent is in ${MAX_SESSIONS} sessions already`)
    const joined = enter(name)
    joined.catch(() => sessions.delete(name)) // the next one may try again
    sessions.set(name, joined)
  }
  return sessions.get(name)
}

async function enter(name) {
  const session = createAgentSession({ client: ably, channelName: name })
  session.on("error", error => console.error(`${name}: ${error.message}`))
  await session.connect()
  const tell = status => session.presence.update({ role: "agent", status })
  await tell("idle")
  return { session, tell, answering: 0 }
}

/** Answers what the invocation points at; all who are in the session see the answer grow. */
async function answer(invocation) {
  const place = await join(invocation.sessionName)
  if (++place.answering === 1) place.tell("answering").catch(complain)
  try {
    await serve(place.session.createRun(invocation))
  } finally {
    if (--place.answering === 0) place.tell("idle").catch(complain)
  }
}

async function serve(run) {
  while (run.view.hasOlder()) await run.view.loadOlder(HISTORY_PAGE)
  await run.start()
  let outcome = { reason: "cancelled" }
  // Once for the question, and again for what people add while the answer runs.
  while (run.hasInput()) {
    const messages = await convertToModelMessages(run.view.getMessages().map(({ message }) => message))
    const result = streamText({ model, messages, abortSignal: run.abortSignal })
    outcome = await vercelRunOutcome(await run.pipe(result.toUIMessageStream()), result.finishReason)
    if (outcome.reason !== "complete") break
  }
  await run.end(outcome)
}

const complain = error => console.error(`agent: ${error.message}`)

// ---- The web server -----------------------------------------------------------------------------

const FILES = {
  "/": ["page/index.html", "text/html"],
  "/use-chat": ["page/use-chat.html", "text/html"],
  "/style.css": ["page/style.css", "text/css"],
}
const SCRIPT = /^\/dist\/[\w-]+\.js$/

/** The page gets a token for one session and one name; the key stays here. A real app would ask who is calling. */
function token({ session, name }) {
  const [keyName, secret] = PARLEY_KEY.split(":")
  const now = Math.floor(Date.now() / 1_000)
  const part = value => Buffer.from(JSON.stringify(value)).toString("base64url")
  const signed = [
    part({ typ: "JWT", alg: "HS256", kid: keyName }),
    part({
      iat: now,
      exp: now + TOKEN_LIFETIME_S,
      "x-ably-clientId": name,
      "x-ably-capability": JSON.stringify({ [session]: ["publish", "subscribe", "history", "presence"] }),
    }),
  ].join(".")
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`
}

async function handle(request, respond) {
  const { pathname, searchParams } = new URL(request.url, "http://localhost")
  if (request.method === "POST" && pathname === "/api/chat") {
    const invocation = Invocation.fromJSON(await json(request))
    answer(invocation).catch(complain)
    return respond(202) // the answer itself comes through the session
  }
  if (pathname === "/endpoint") return respond(200, "application/json", JSON.stringify(endpoint))
  if (pathname === "/token") {
    const { session, name } = Object.fromEntries(searchParams)
    if (!session || !name) return respond(400, "text/plain", "which session, and who are you?")
    join(session).catch(complain) // who comes finds the agent there
    return respond(200, "application/jwt", token({ session, name }))
  }
  const [path, type] = FILES[pathname] ?? (SCRIPT.test(pathname) ? [pathname.slice(1), "text/javascript"] : [])
  if (!path) return respond(404, "text/plain", "there is no such page")
  respond(200, type, await readFile(fileURLToPath(new URL(path, import.meta.url))))
}

const server = createServer((request, response) => {
  const respond = (status, type = "text/plain", body = "") => response.writeHead(status, { "Content-Type": type }).end(body)
  handle(request, respond).catch(error => {
    console.error(`${request.method} ${request.url}: ${error.message}`)
    respond(500, "text/plain", error.message)
  })
})
server.on("error", error => {
  console.error(`agent: the page cannot be served at port ${PORT}: ${error.message}`)
  process.exit(1)
})
server.listen(Number(PORT), "127.0.0.1", () => console.log(`The page is at http://127.0.0.1:${server.address().port}`))
