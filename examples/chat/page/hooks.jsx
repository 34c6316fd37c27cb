// The chat with the SDK's own React hooks: all that a session can do.
import { useState } from "react"
import { ClientSessionProvider, useClientSession, useView } from "@ably/ai-transport/react"
import { useAbly } from "ably/react"
import { createUIMessageCodec } from "@ably/ai-transport/vercel"
import { caughtUp, Composer, Message, Messages, Page, sessionName, start, wake } from "./common.jsx"

const PAGE_MESSAGES = 20
const codec = createUIMessageCodec()

function Chat() {
  const [error, setError] = useState()
  const { session } = useClientSession({ onError: error => setError(error.message) })
  const { messages, hasOlder, loading, loadOlder, runOf, runs, branchSelection, send, regenerate } = useView({
    limit: PAGE_MESSAGES,
  })
  const client = useAbly()
  const active = () => runs().filter(run => run.status === "active")
  const running = active()
  const act = action => action().then(() => setError(undefined), error => setError(error.message))

  const ask = text =>
    act(async () => {
      const message = { id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] }
      await caughtUp(client, () => setError("no connection: this is sent when it is back"))
      // While an answer runs, what people write steers it: it becomes part of that run, which takes it up.
      const steered = active().at(-1)
      const run = await send(codec.createUserMessage(message), steered && { runId: steered.runId })
      if (!steered) await wake(run)
    })
  const stop = () => act(() => Promise.all(running.map(run => session.cancel(run.runId))))
  const again = id => act(async () => wake(await regenerate(id)))

  return (
    <Page title="Chat" other={{ name: "the same with useChat", href: "/use-chat" }} error={error}>
      <Messages>
        {hasOlder && <button className="older" disabled={loading} onClick={loadOlder}>Older messages</button>}
        {messages.map(({ codecMessageId: id, message }) => {
          const isAnswer = message.role === "assistant"
          const status = isAnswer ? runOf(id)?.status : undefined
          const branch = branchSelection(id)
          return (
            <Message key={id} message={message} status={status}>
              {branch.hasSiblings && <Branches branch={branch} />}
              {isAnswer && status !== "active" && <button onClick={() => again(id)}>Again</button>}
            </Message>
          )
        })}
      </Messages>
      <Composer
        placeholder={running.length ? "Steer the answer: add something, change your mind" : "Ask anything"}
        label={running.length ? "Steer" : "Send"}
        onSend={ask}
      >
        {running.length > 0 && <button type="button" className="stop" onClick={stop}>Stop</button>}
      </Composer>
    </Page>
  )
}

/** Nothing is overwritten: each answer that was asked for again is still there. */
function Branches({ branch: { index, siblings, select } }) {
  return (
    <span className="branches">
      <button disabled={index === 0} onClick={() => select(index - 1)}>‹</button>
      {index + 1}/{siblings.length}
      <button disabled={index === siblings.length - 1} onClick={() => select(index + 1)}>›</button>
    </span>
  )
}

const Provider = ({ children }) => (
  <ClientSessionProvider channelName={sessionName} codec={codec}>{children}</ClientSessionProvider>
)
start(Provider, <Chat />)
