// 7. Memory per idle live reader: each reads a stream of its own, nothing is written. A fresh server for each run.
import { setTimeout as sleep } from "node:timers/promises";
import { createStreams, load } from "../lib/generators.mjs";
import { number, percent, publish, spread, table } from "../lib/report.mjs";
import { servers } from "../lib/servers.mjs";

const SETTLE_SECONDS = 2;

export async function run(context) {
  const readers = context.quick ? 2000 : 10000;
  const names = context.available(["parley", "ds-file", "ds-memory", "fanout-floor"]);
  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const name of names) {
      const server = await context.start(name);
      await createStreams(server, "/idle", readers);
      await sleep(SETTLE_SECONDS * 1000);
      const before = server.pssMiB();
      let during;
      const figures = await load("live", server, { path: "/idle", streams: readers, readers: 1, rate: 0, warmup: SETTLE_SECONDS, seconds: 5 }, (event) => {
        if (event === "measured") during = server.pssMiB();
      });
      await server.stop();
      const kibEach = ((during - before) * 1024) / readers;
      results.push({ round, name, before, during, kibEach, ...figures });
      context.say(`${name}: ${number(kibEach)} KiB per reader`);
    }
  }
  const rows = names.map((name) => {
    const runs = results.filter((r) => r.name === name);
    return [
      servers[name].title,
      readers.toLocaleString("en-US"),
      spread(runs.map((r) => r.kibEach)),
      spread(runs.map((r) => r.before)),
      spread(runs.map((r) => r.during)),
      spread(runs.map((r) => r.ready_ms)),
      percent(runs[0].server_cpu_seconds / runs[0].seconds),
      runs.reduce((sum, r) => sum + r.reconnects, 0),
    ];
  });
  context.notes.push(
    "PSS of all processes of the server, after the streams were created and with all readers live. The kernel's socket buffers are not in it.",
  );
  publish(
    "idle",
    "Idle live readers",
    context,
    [table(["server", "readers", "KiB per reader", "PSS before, MiB", "PSS with readers, MiB", "all live after, ms", "server CPU", "reconnects"], rows)],
    results,
  );
}
