// What both pages share: the connection, who is here, and how things look.
import { useEffect, useRef, useState } from "react"
import { createRoot } from "react-dom/client"
import * as Ably from "ably"
import { AblyProvider, useConnectionStateListener, usePresence, usePresenceListener } from "ably/react"

const NAMES = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Dennis"]

/** The session is in the address of the page: who has the link is in the same session. */
export const sessionName = `chat:${new URLSearchParams(location.search).get("session") ?? "demo"}`

/** Each browser profile is somebody else; the tabs of one are the same person. */
const myName = (localStorage.name ??= `${NAMES[Math.floor(Math.random() * NAMES.length)]} ${Math.floor(Math.random() * 10_000)}`)

/** Connects, and shows `chat` in its `Provider`. The page has no key: the agent's server makes a token for it. */
export async function start(Provider, chat) {
  const endpoint = await (await fetch("/endpoint")).json()
  const authParams = { session: sessionName, name: myName }
  const client = new Ably.Realtime({
    ...endpoint,
    authUrl: "/token",
    authParams,
    transports: ["web_socket"], // Parley has no other, and
    disableConnectivityCheck: true, // Ably's own hosts need not be asked whether there is a network
  })
  createRoot(document.getElementById("root")).render(
    <AblyProvider client={client}>
      <Provider>{chat}</Provider>
    </AblyProvider>,
  )
}

/**
 * Waits until the page knows what has happened: while a connection is lost, an answer that seems to run may have ended long
 * ago. Who is here comes behind all that was missed.
 */
export async function caughtUp(client, tellThatItWaits) {
  if (client.connection.state === "connected") return
  tellThatItWaits()
  await client.connection.whenState("connected")
  await client.channels.get(sessionName).presence.get()
}

/** Asks the agent to answer what was just sent. The answer comes through the session, for everybody. */
export async function wake(run) {
  const body = JSON.stringify(run.toInvocation().toJSON())
  const response = await fetch("/api/chat", { method: "POST", headers: { "Content-Type": "application/json" }, body })
  if (!response.ok) throw new Error(`the agent's server says ${response.status}`)
}

export const textOf = message => message.parts.map(part => (part.type === "text" ? part.text : "")).join("")

/** The frame of both pages. */
export function Page({ title, other, children, error }) {
  return (
    <main>
      <header>
        <h1>{title}</h1>
        <People />
        <a href={`${other.href}${location.search}`}>{other.name}</a>
      </header>
      {error && <p role="alert">{error}</p>}
      {children}
    </main>
  )
}

/** Who is here, told by presence: people and the agent are the same kind of member. */
function People() {
  const [connection, setConnection] = useState("connecting")
  useConnectionStateListener(change => setConnection(change.current))
  usePresence({ channelName: sessionName }, { role: "person" })
  const { presenceData } = usePresenceListener({ channelName: sessionName })
  const agent = presenceData.find(({ data }) => data?.role === "agent")
  const others = new Set(presenceData.filter(({ data }) => data?.role === "person").map(({ clientId }) => clientId))
  others.delete(myName)
  return (
    <p className="people">
      <span className={`dot ${connection === "connected" ? "on" : ""}`} title={connection} data-connection={connection} />
      You are <b>{myName}</b>
      {others.size > 0 && <>, with <b>{[...others].sort().join(", ")}</b></>}
      {" · "}
      <span data-agent={agent?.data.status ?? "away"}>agent {agent?.data.status ?? "away"}</span>
    </p>
  )
}

/** The messages; keeps the newest in sight while the reader is at the end. */
export function Messages({ children }) {
  const list = useRef(null)
  const atEnd = useRef(true)
  useEffect(() => {
    if (atEnd.current) list.current.scrollTop = list.current.scrollHeight
  })
  const onScroll = ({ target }) => (atEnd.current = target.scrollHeight - target.scrollTop - target.clientHeight < 40)
  return <section className="messages" ref={list} onScroll={onScroll}>{children}</section>
}

export function Message({ message, status, children }) {
  return (
    <article className={message.role} data-role={message.role} data-status={status}>
      <p>{textOf(message)}</p>
      <footer>
        {status === "cancelled" && <small>stopped</small>}
        {status === "error" && <small>the agent broke off</small>}
        {children}
      </footer>
    </article>
  )
}

/** Where one writes. `onSend(text)` sends; `children` are more buttons. */
export function Composer({ placeholder, label = "Send", onSend, children }) {
  const [text, setText] = useState("")
  const submit = event => {
    event.preventDefault()
    if (!text.trim()) return
    onSend(text.trim())
    setText("")
  }
  return (
    <form onSubmit={submit}>
      <input autoFocus value={text} placeholder={placeholder} onChange={event => setText(event.target.value)} />
      <button>{label}</button>
      {children}
    </form>
  )
}
