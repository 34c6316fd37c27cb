// The same chat with the AI SDK's useChat: what changes in an existing app is the transport, and one hook that brings in what
// happens elsewhere.
import { useChat } from "@ai-sdk/react"
import { ChatTransportProvider, useChatTransport, useMessageSync, useView } from "@ably/ai-transport/vercel/react"
import { Composer, Message, Messages, Page, sessionName, start } from "./common.jsx"

const PAGE_MESSAGES = 20

function Chat() {
  const { session, chatTransport } = useChatTransport()
  const { messages, setMessages, sendMessage, regenerate, status, error } = useChat({ transport: chatTransport })
  useMessageSync({ setMessages })
  const { hasOlder, loading, loadOlder, runs } = useView({ session, limit: PAGE_MESSAGES })

  // Runs of the whole session, not only those that this tab has asked for.
  const running = runs().filter(run => run.status === "active")
  const stop = () => running.forEach(run => session.cancel(run.runId))
  const busy = running.length > 0 || status === "submitted"

  return (
    <Page title="Chat with useChat" other={{ name: "the same with the SDK's hooks", href: "/" }} error={error?.message}>
      <Messages>
        {hasOlder && <button className="older" disabled={loading} onClick={loadOlder}>Older messages</button>}
        {messages.map((message, index) => (
          <Message key={message.id} message={message}>
            {message.role === "assistant" && index === messages.length - 1 && !busy && (
              <button onClick={() => regenerate({ messageId: message.id })}>Again</button>
            )}
          </Message>
        ))}
      </Messages>
      <Composer placeholder="Ask anything" onSend={text => sendMessage({ text })}>
        {busy && <button type="button" className="stop" onClick={stop}>Stop</button>}
      </Composer>
    </Page>
  )
}

const Provider = ({ children }) => <ChatTransportProvider channelName={sessionName}>{children}</ChatTransportProvider>
start(Provider, <Chat />)
