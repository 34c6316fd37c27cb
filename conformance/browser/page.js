// A page as an app would write it: shows a stream's text as it grows, remembers in localStorage how far it came, and
// goes on from there after a reload or a broken connection. The query says which `stream`, which `live` mode, and the
// `key` to remember it by.
import { DurableStream, IdempotentProducer, stream } from "@durable-streams/client"

const query = new URLSearchParams(location.search)
const url = query.get("stream")
const live = query.get("live")
const key = query.get("key")

const saved = JSON.parse(localStorage.getItem(key)) ?? { offset: "-1", text: "", sessions: 0 }
const show = () => (document.getElementById("answer").textContent = saved.text)
const save = () => localStorage.setItem(key, JSON.stringify(saved))

// For the test: writes to the stream from the browser.
window.write = async messages => {
  const handle = await DurableStream.create({ url, contentType: "application/json" })
  const producer = new IdempotentProducer(handle, "browser")
  messages.forEach(message => producer.append(JSON.stringify(message)))
  await producer.close()
}

show()
if (live) {
  for (;;) {
    saved.sessions++
    const session = await stream({ url, live, offset: saved.offset, warnOnHttp: false })
    session.subscribeJson(batch => {
      saved.text += batch.items.join("")
      saved.offset = batch.offset
      save() // text and offset as one item: a reload finds both or neither
      show()
    })
    try {
      await session.closed // may resolve before the last batch is delivered
      while (saved.offset !== session.offset) await new Promise(requestAnimationFrame)
      document.body.dataset.ended = "true"
      break
    } catch (error) {
      console.log(`reconnecting: ${error}`)
    }
  }
}
