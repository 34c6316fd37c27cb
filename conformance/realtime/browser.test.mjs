// Shows that a page in a real browser, on another origin than the server, publishes, is present, reads history page by
// page in envelopes, and recovers its connection after reloads: no message lost or doubled, present all the time.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { setTimeout } from "node:timers/promises"
import { isDeepStrictEqual } from "node:util"
import { launchBrowser, startPage } from "../lib/browser.mjs"
import { eventually } from "../lib/wait.mjs"
import { AppServer } from "../lib/app-server.mjs"

const RELOADS = 4
const MESSAGES_BETWEEN_RELOADS = 25
/** About as fast as a model writes. */
const TOKEN_INTERVAL_MS = 5
const HISTORY_PAGE = 40
const MAX_MESSAGES = 10_000
const WAIT_MS = 30_000

let server, app, browser
before(async () => {
  server = await AppServer.start({ namespaces: [{ id: "persisted", persisted: true }] })
  app = await startPage(import.meta.url)
  browser = await launchBrowser()
})
after(async () => {
  await browser?.close()
  await app?.close()
  await server?.end()
})

for (const [format, binary] of [["JSON", false], ["MessagePack", true]]) {
  test(`a page that is reloaded ${RELOADS} times recovers its connection (${format})`, async t => {
    const name = `persisted:${format}`
    const other = server.realtime({ clientId: "other", useBinaryProtocol: !binary })
    t.after(() => other.close())
    const channel = other.channels.get(name)
    const heard = []
    const presence = []
    await channel.subscribe("from the page", message => heard.push(message.data))
    await channel.presence.subscribe(({ action, clientId }) => presence.push(`${clientId} ${action}`))
    await channel.presence.enter()

    const { hostname, port } = new URL(server.url)
    const page = await browser.newPage()
    t.after(() => page.close())
    page.setDefaultTimeout(WAIT_MS)
    await page.goto(`${app.url}/?${new URLSearchParams({ endpoint: hostname, port, key: server.keys[0].keyStr, channel: name, binary })}`)
    await ready(page)
    const connectionId = await page.evaluate(() => window.page.connectionId())

    const published = []
    let reloading = true
    const reloads = (async () => {
      for (let reload = 1; reload <= RELOADS; reload++) {
        await shown(page, reload * MESSAGES_BETWEEN_RELOADS)
        await page.reload()
        await ready(page)
        assert.equal(await page.evaluate(() => window.page.connectionId()), connectionId, "it is not the same connection")
      }
    })().finally(() => (reloading = false))
    while (reloading) {
      assert.ok(published.length < MAX_MESSAGES, "the page keeps up")
      const text = `message ${published.length} 🎈`
      await channel.publish("from the other", text)
      published.push(text)
      await setTimeout(TOKEN_INTERVAL_MS)
    }
    await reloads
    await page.evaluate(text => window.page.publish(text), "hello ☃")
    published.push("hello ☃")
    await shown(page, published.length)
    assert.equal(await page.textContent("#messages"), published.join("\n"))
    await eventually(WAIT_MS, () => heard.length > 0, "the page's message at the other")
    assert.deepEqual(heard, ["hello ☃"])

    assert.deepEqual(await page.evaluate(() => window.page.members()), ["other", "page"])
    assert.ok(!presence.includes("page leave"), `the page has left in between: ${presence}`)
    const history = await page.evaluate(limit => window.page.history(limit), HISTORY_PAGE)
    assert.deepEqual(history.items, published)
    assert.equal(history.pages, Math.ceil(published.length / HISTORY_PAGE))
    const presenceHistory = await page.evaluate(() => window.page.presenceHistory())
    assert.deepEqual(presenceHistory.slice(0, 2), ["other enter", "page enter"])

    await page.evaluate(() => window.page.close())
    const members = async () => (await channel.presence.get()).map(member => member.clientId)
    await eventually(WAIT_MS, async () => isDeepStrictEqual(await members(), ["other"]), "the page to have left")
    server.assertNoErrorLogged()
  })
}

const ready = page => page.waitForSelector("body[data-ready]", { state: "attached", timeout: WAIT_MS })

/** Waits until the page shows at least so many messages. */
const shown = (page, count) =>
  page.waitForFunction(
    count => document.getElementById("messages").textContent.split("\n").length >= count,
    count,
    { timeout: WAIT_MS },
  )
