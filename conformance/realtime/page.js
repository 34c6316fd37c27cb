// A page as an app would write it: shows a channel's messages, is present in it, and goes on after a reload as the same
// connection. The query says where the server is (`endpoint`, `port`), the `key`, the `channel` and whether to use
// MessagePack (`binary`).
import * as Ably from "ably"

const query = Object.fromEntries(new URLSearchParams(location.search))

const shown = JSON.parse(sessionStorage.getItem("shown")) ?? []
const show = () => (document.getElementById("messages").textContent = shown.join("\n"))

const client = new Ably.Realtime({
  endpoint: query.endpoint,
  port: Number(query.port),
  tls: false,
  key: query.key,
  clientId: "page",
  useBinaryProtocol: query.binary === "true",
  recover: (_, recovered) => recovered(true),
})
const channel = client.channels.get(query.channel)
// What comes after the client has noted down where it is would come again after the reload.
addEventListener("beforeunload", () => channel.unsubscribe())

show()
await channel.subscribe(message => {
  shown.push(message.data)
  sessionStorage.setItem("shown", JSON.stringify(shown))
  show()
})
await channel.presence.enter("on the page")

// For the test.
window.page = {
  connectionId: () => client.connection.id,
  publish: data => channel.publish("from the page", data).then(() => undefined),
  members: async () => (await channel.presence.get()).map(member => member.clientId).sort(),
  /** Everything that the server says when it is asked page by page, oldest first. */
  async history(limit) {
    const items = []
    let pages = 0
    for (let page = await channel.history({ limit, direction: "forwards" }); page; page = await page.next()) {
      items.push(...page.items.map(message => message.data))
      pages++
    }
    return { items, pages }
  },
  async presenceHistory() {
    const page = await channel.presence.history({ direction: "forwards" })
    return page.items.map(({ action, clientId }) => `${clientId} ${action}`)
  },
  async close() {
    client.close()
    await client.connection.whenState("closed")
  },
}
document.body.dataset.ready = "true"
