// A real browser, and the pages that it opens in a test: a page.html with its page.js, bundled.
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { chromium } from "playwright-core"
import { startApp } from "./app.mjs"

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium"
const CHROMIUM_FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

/** Playwright gives each launch a new profile folder and removes it. */
export const launchBrowser = () => chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })

/** Starts an app that serves the page in `folder`, a URL. */
export function startPage(folder) {
  const file = name => fileURLToPath(new URL(name, folder))
  const answer = (body, type) => new Response(body, { headers: { "content-type": type } })
  return startApp(async request => {
    const { pathname } = new URL(request.url)
    if (pathname === "/") return answer(await readFile(file("page.html")), "text/html")
    if (pathname !== "/page.js") return new Response(null, { status: 404 })
    const { outputFiles } = await build({
      entryPoints: [file("page.js")],
      bundle: true,
      format: "esm",
      target: "es2022",
      write: false,
    })
    return answer(outputFiles[0].text, "text/javascript")
  })
}
