// Reads the metrics of a server, which are in the Prometheus text format.
import assert from "node:assert/strict"

/** The sum of a metric's values in `text`; with `label`, only of those that have it. */
export function sumOf(text, name, label = "") {
  const lines = text.split("\n")
    .filter(line => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
  assert.ok(lines.length > 0, `no metric ${name}`)
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0)
}

/** The same of the server at `url`. */
export async function metric(url, name, label) {
  return sumOf(await (await fetch(`${url}/metrics`)).text(), name, label)
}

/** The memory that is held in a purse of the server at `url`, in bytes. */
export const held = (url, purse) => metric(url, "parley_memory_held_bytes", `purse="${purse}"`)
