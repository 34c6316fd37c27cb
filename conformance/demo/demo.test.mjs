// Shows that `./parley demo` does what it says, in a real browser: two tabs and another profile show the same text, a reload
// in mid-answer goes on, whoever stops stops it for all, and a server that is killed comes back unnoticed.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Ably from "ably"
import { launchBrowser } from "../lib/browser.mjs"
import { removeFolder, temporaryFolder, watchAssertions, withAssertions } from "../lib/server.mjs"
import { eventually, within } from "../lib/wait.mjs"

const LAUNCHER = fileURLToPath(new URL("../../parley", import.meta.url))
/** So slow that there is time for what a test does in mid-answer; an answer has more than a hundred words. */
const WORD_MS = 40
const WAIT_MS = 60_000
const TEST_TIMEOUT_MS = 120_000

let demo, dataDir, browser
before(async () => {
  dataDir = await temporaryFolder()
  demo = await startDemo()
  browser = await launchBrowser()
})
after(async () => {
  await browser?.close()
  await demo?.end()
  await removeFolder(dataDir)
})

async function startDemo() {
  const child = spawn(LAUNCHER, ["demo", "--port", "0", "--data", dataDir], {
    env: { ...process.env, PARLEY_SKIP_BUILD: "1", PARLEY_JAVA_OPTS: withAssertions(), WORD_MS: String(WORD_MS) },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", text => (output += text))
  watchAssertions(child.stderr)
  const exited = new Promise(resolve => child.on("close", resolve))
  process.on("exit", () => child.kill("SIGTERM"))
  const find = pattern =>
    eventually(WAIT_MS, () => pattern.exec(output)?.[1], `${pattern} in the demo's output`).catch(error => {
      throw new Error(`${error.message}\n${output}`)
    })
  return {
    link: await find(/The demo is ready: {2}(\S+)/),
    serverPid: Number(await find(/kill -9 (\d+)/)),
    backAgain: () => find(/The server is back \(process (\d+)\)/),
    currentPid: () => Number(output.match(/(?<=kill -9 |The server is back \(process )\d+/g).at(-1)),
    async end() {
      child.kill("SIGINT")
      assert.equal(await within(WAIT_MS, exited, "the demo's end"), 0, output)
    },
  }
}

/** Two tabs of one person and one of another, all in a session of the test's own. */
async function openPages(t, path = "") {
  const session = crypto.randomUUID()
  const profiles = await Promise.all([browser.newContext(), browser.newContext()])
  t.after(() => Promise.all(profiles.map(profile => profile.close())))
  profiles.forEach(profile => profile.setDefaultTimeout(WAIT_MS))
  const open = async (profile, path) => {
    const page = await profile.newPage()
    page.on("pageerror", error => assert.fail(`an error in the page: ${error.stack}`))
    await page.goto(`${demo.link}${path}?session=${session}`)
    await page.waitForSelector('[data-agent="idle"]')
    return page
  }
  const [tab, other] = [await open(profiles[0], ""), await open(profiles[0], "")]
  return { tab, other, friend: await open(profiles[1], path), session: `chat:${session}` }
}

/** A person without a page, which comes and goes at once. */
async function join(t, session, name) {
  const endpoint = await (await fetch(new URL("/endpoint", demo.link))).json()
  const client = new Ably.Realtime({
    ...endpoint,
    authUrl: new URL("/token", demo.link).href,
    authParams: { session, name },
    disableConnectivityCheck: true,
  })
  t.after(() => client.close())
  const { presence } = client.channels.get(session)
  await presence.enter({ role: "person" })
  return { leave: () => presence.leave() }
}

const answersIn = page => page.locator('article[data-role="assistant"] > p').allTextContents()

async function ask(page, text) {
  await page.fill("input", text)
  await page.press("input", "Enter")
}

/** Does `action` while `page` is offline, and waits until it is connected again. */
async function whileOffline(page, action) {
  const network = page.context()
  await network.setOffline(true)
  await page.waitForSelector("[data-connection]:not([data-connection=connected])")
  await action()
  await network.setOffline(false)
  await page.waitForSelector("[data-connection=connected]")
}

/** Waits until answer number `index` has at least so many words. */
const words = (page, index, count) =>
  page.waitForFunction(
    ([index, count]) => {
      const answer = document.querySelectorAll('article[data-role="assistant"] > p')[index]
      return answer && answer.textContent.split(/\s+/).length >= count
    },
    [index, count],
    { timeout: WAIT_MS },
  )

async function assertSame(pages, check) {
  let texts
  const same = async () => {
    texts = await Promise.all(pages.map(answersIn))
    return texts.every(shown => JSON.stringify(shown) === JSON.stringify(texts[0])) && check(texts[0])
  }
  await eventually(WAIT_MS, same, "all pages to show the same").catch(() => assert.fail(JSON.stringify(texts, null, 2)))
  for (const page of pages) assert.deepEqual(await page.locator("[role=alert]").allTextContents(), [])
}

/** Waits until each page shows exactly the persons of all the pages and `others`. */
async function assertThere(pages, others) {
  let shown
  const there = async () => {
    shown = await Promise.all(pages.map(page => page.locator(".people > b").allTextContents()))
    const all = [...new Set([...shown.map(([self]) => self), ...others])]
    return shown.every(([self, shownOthers]) => shownOthers === all.filter(name => name !== self).sort().join(", "))
  }
  await eventually(WAIT_MS, there, "all pages to show who is there").catch(() => assert.fail(JSON.stringify(shown, null, 2)))
}

test("all tabs show an answer grow, over a reload and the server's death", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { tab, other, friend } = await openPages(t)
  await ask(tab, "What shall we do today?")
  for (const page of [tab, other, friend]) await words(page, 0, 15)
  await other.reload()
  await words(other, 0, 15)
  process.kill(demo.serverPid, "SIGKILL")
  await demo.backAgain()
  for (const page of [tab, other, friend]) await page.waitForSelector('article[data-status="complete"]')
  await assertSame([tab, other, friend], ([answer]) => answer.startsWith('You said: "What shall we do today?"'))
})

test("a page that goes offline in mid-answer has all of it, and knows who is there, when it is back", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { tab, other, friend, session } = await openPages(t)
  const pages = [tab, other, friend]
  const leaver = await join(t, session, "Leaver")
  await assertThere(pages, ["Leaver"])
  await ask(tab, "Go on without me")
  for (const page of [tab, friend]) await words(page, 0, 5)
  await whileOffline(friend, async () => {
    const [seen] = await answersIn(friend)
    await join(t, session, "Newcomer")
    await leaver.leave()
    await words(tab, 0, seen.split(/\s+/).length + 5)
  })
  for (const page of pages) {
    await page.waitForSelector('article[data-status="complete"]')
    await page.waitForSelector('[data-agent="idle"]')
  }
  await assertThere(pages, ["Newcomer"])
  await assertSame(pages, ([answer]) => answer.startsWith('You said: "Go on without me"'))
})

// The client tells the hook of events only, so who came must not be part of the members before the event is there. Nothing
// else happens here that would make the hook look again: a leave or a change of the agent's status would.
test("a page hears of who came while it was offline", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { tab, other, friend, session } = await openPages(t)
  await assertThere([tab, other, friend], [])
  await whileOffline(friend, () => join(t, session, "Newcomer"))
  await assertThere([tab, other, friend], ["Newcomer"])
})

test("no page asks another host than the demo's own, also while the server does not answer", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { tab } = await openPages(t)
  const hosts = new Set()
  tab.on("request", request => hosts.add(new URL(request.url()).hostname))
  tab.on("websocket", socket => hosts.add(new URL(socket.url()).hostname))
  // One that takes connections and says nothing: that is when a client looks whether it has a network at all.
  const asked = new Promise(resolve => tab.on("websocket", socket => new URL(socket.url()).search === "" && resolve()))
  process.kill(demo.currentPid(), "SIGSTOP")
  try {
    await tab.reload()
    await within(WAIT_MS, asked, "the question whether there is a network")
  } finally {
    process.kill(demo.currentPid(), "SIGCONT")
  }
  await tab.waitForSelector('[data-agent="idle"]')
  assert.deepEqual([...hosts], [new URL(demo.link).hostname])
})

test("whoever stops an answer stops it for all", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { tab, other, friend } = await openPages(t)
  await ask(tab, "Tell me everything")
  for (const page of [tab, other, friend]) await words(page, 0, 10)
  await friend.click(".stop")
  for (const page of [tab, other, friend]) await page.waitForSelector('article[data-status="cancelled"]')
  await assertSame([tab, other, friend], answers => answers.length === 1)
})

test("what one writes while an answer runs becomes part of it", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { tab, friend } = await openPages(t)
  await ask(tab, "Plan a trip")
  await words(friend, 0, 10)
  await ask(friend, "by train")
  await words(tab, 1, 10)
  await friend.click(".stop")
  await tab.waitForSelector('article[data-status="cancelled"]')
  await assertSame([tab, friend], answers => answers.length === 2 && answers[1].startsWith('You said: "by train"'))
})

test("what was typed without a connection is answered, though the answer that it was to steer has ended", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { tab, friend } = await openPages(t)
  await ask(tab, "Plan a trip")
  await words(friend, 0, 10)
  await friend.context().setOffline(true)
  await friend.waitForSelector('button:has-text("Steer")')
  await ask(friend, "by train")
  await friend.waitForSelector("[role=alert]")
  await tab.click(".stop")
  await tab.waitForSelector('article[data-status="cancelled"]')
  await friend.context().setOffline(false)
  await words(tab, 1, 10)
  await tab.click(".stop")
  await tab.waitForFunction(() => document.querySelectorAll('article[data-status="cancelled"]').length === 2)
  await assertSame([tab, friend], answers => answers.length === 2 && answers[1].startsWith('You said: "by train"'))
})

test("a page with useChat takes part like the others", { timeout: TEST_TIMEOUT_MS }, async t => {
  const { tab, friend } = await openPages(t, "/use-chat")
  await ask(friend, "From useChat")
  await words(tab, 0, 10)
  await words(friend, 0, 10)
  await tab.click(".stop")
  await tab.waitForSelector('article[data-status="cancelled"]')
  await assertSame([tab, friend], answers => answers.length === 1)

  await ask(tab, "From the hooks")
  await words(friend, 1, 10)
  await friend.reload()
  await words(friend, 1, 12)
  await friend.click(".stop")
  await tab.waitForFunction(() => document.querySelectorAll('article[data-status="cancelled"]').length === 2)
  await assertSame([tab, friend], answers => answers.length === 2)
})
