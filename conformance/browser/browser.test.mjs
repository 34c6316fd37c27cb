// Shows that a page in a real browser, on another origin than the server, goes on after reloads in mid-answer with no
// token lost or doubled, that a second tab sees the same, and that a page can write.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { DurableStream, stream } from "@durable-streams/client"
import { launchBrowser, startPage } from "../lib/browser.mjs"
import { startServer } from "../lib/server.mjs"

const RELOADS = 6
const TOKENS_BETWEEN_RELOADS = 40
const MAX_TOKENS = 50_000
const WAIT_MS = 30_000

let server, app, browser
before(async () => {
  server = await startServer()
  app = await startPage(import.meta.url)
  browser = await launchBrowser()
})
after(async () => {
  await browser?.close()
  await app?.close()
  await server?.stop()
})

const pageUrl = query => `${app.url}/?${new URLSearchParams(query)}`

for (const live of ["sse", "long-poll"]) {
  test(`a page that is reloaded ${RELOADS} times in mid-answer shows every token once (${live})`, async t => {
    const context = await browser.newContext()
    t.after(() => context.close())
    context.setDefaultTimeout(WAIT_MS)
    const streamUrl = `${server.url}/v1/stream/browser/${live}`
    const handle = await DurableStream.create({ url: streamUrl, contentType: "application/json" })
    const first = await context.newPage()
    await first.goto(pageUrl({ stream: streamUrl, live, key: "first" }))

    const tokens = []
    const reloads = reloadInMidAnswer(first).then(async () => {
      const second = await context.newPage()
      await second.goto(pageUrl({ stream: streamUrl, live, key: "second" }))
      await tokensShown(second, TOKENS_BETWEEN_RELOADS)
      return second
    })
    const second = await whileWriting(handle, tokens, reloads)
    await handle.close()

    for (const page of [first, second]) {
      await page.waitForSelector("body[data-ended]", { timeout: WAIT_MS })
      assert.equal(await page.textContent("#answer"), tokens.join(""))
    }
    const { sessions } = JSON.parse(await first.evaluate(() => localStorage.getItem("first")))
    t.diagnostic(`${tokens.length} tokens, ${RELOADS} reloads, ${sessions} sessions`)
    assert.ok(sessions > RELOADS)
  })
}

test("a page creates a stream, writes to it with a producer and closes it", async t => {
  const page = await browser.newPage()
  t.after(() => page.close())
  const url = `${server.url}/v1/stream/browser/written`
  await page.goto(pageUrl({ stream: url, key: "writer" }))
  const messages = Array.from({ length: 100 }, (_, n) => ({ n, text: `from the browser ☃ ${n}` }))
  await page.evaluate(messages => window.write(messages), messages)

  const reader = await stream({ url, live: false })
  assert.deepEqual(await reader.json(), messages)
  assert.equal(reader.streamClosed, true)
})

test("a page that has read a stream and appends to it sees that when it reads again", async t => {
  const page = await browser.newPage()
  t.after(() => page.close())
  const url = `${server.url}/v1/stream/browser/own-writes`
  await page.goto(pageUrl({ stream: url, key: "own-writes" }))
  const headers = { "Content-Type": "text/plain" }
  const read = () => page.evaluate(async url => (await fetch(`${url}?offset=-1`)).text(), url)
  const send = (method, body) =>
    page.evaluate(async ({ url, ...options }) => (await fetch(url, options)).status, { url, method, headers, body })
  assert.equal(await send("PUT", "one"), 201)
  assert.equal(await read(), "one")
  assert.equal(await send("POST", ", two"), 204)
  assert.equal(await read(), "one, two")

  // A page that asks again for what has not changed does not get it again: the browser asks with the tag that it has.
  const again = page.waitForResponse(response => response.url().startsWith(url))
  assert.equal(await read(), "one, two")
  assert.equal((await (await again).allHeaders())["cache-control"], "no-cache")
})

test("an EventSource comes back by itself to where it was", async t => {
  const shortLived = await startServer({ args: ["--set", "streams.sse-max-age=500"] })
  t.after(() => shortLived.stop())
  const page = await browser.newPage()
  t.after(() => page.close())
  const url = `${shortLived.url}/v1/stream/browser/event-source`
  const handle = await DurableStream.create({ url, contentType: "text/plain" })
  await handle.append("0;")
  await page.goto(pageUrl({ key: "event-source" }))
  await page.evaluate(url => {
    const source = new EventSource(`${url}?offset=-1&live=sse`)
    window.opened = 0
    source.addEventListener("open", () => window.opened++)
    source.addEventListener("data", ({ data }) => (document.getElementById("answer").textContent += data))
  }, url)
  await page.waitForFunction(() => window.opened > 1, undefined, { timeout: WAIT_MS })
  await handle.append("1;")
  await tokensShown(page, 2)
  assert.equal(await page.textContent("#answer"), "0;1;")
})

async function reloadInMidAnswer(page) {
  for (let reload = 1; reload <= RELOADS; reload++) {
    await tokensShown(page, reload * TOKENS_BETWEEN_RELOADS)
    await page.reload()
  }
}

/** Waits until the page shows at least so many tokens. */
const tokensShown = (page, count) =>
  page.waitForFunction(count => document.getElementById("answer").textContent.split(";").length > count, count, {
    timeout: WAIT_MS,
  })

/** Appends one token after the other until `done` has a result, and returns that. */
async function whileWriting(handle, tokens, done) {
  let running = true
  const finished = done.finally(() => (running = false))
  finished.catch(() => {}) // awaited below
  while (running) {
    assert.ok(tokens.length < MAX_TOKENS, "the pages keep up")
    const token = `token ${tokens.length} 🎈\n;`
    await handle.append(JSON.stringify(token))
    tokens.push(token)
  }
  return finished
}
