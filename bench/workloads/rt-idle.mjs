// Memory of idle connections, all in one channel. A fresh server for each run.
import { setTimeout as sleep } from "node:timers/promises";
import { channel, peers } from "../lib/realtime.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { servers } from "../lib/servers.mjs";

const SETTLE_SECONDS = 2;
// Each reader makes the producer of the stream send to one more: beyond this they do not all come to be.
const MOST_READERS = { "resumable-sse": 2000 };

export async function run(context) {
  const names = context.available(peers);
  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const name of names) {
      const readers = Math.min(context.quick ? 2000 : 10000, MOST_READERS[name] ?? Infinity);
      const server = await context.start(name);
      await sleep(SETTLE_SECONDS * 1000);
      const before = server.pssMiB();
      let during;
      const figures = await channel(server, "idle", { readers, rate: 0, warmup: SETTLE_SECONDS, seconds: 5 }, (event) => {
        if (event === "measured") during = server.pssMiB();
      });
      await server.stop();
      const kibEach = ((during - before) * 1024) / readers;
      results.push({ round, name, before, during, kibEach, ...figures });
      context.say(`${name}: ${number(kibEach)} KiB per connection`);
    }
  }
  const rows = names.map((name) => {
    const runs = results.filter((r) => r.name === name);
    return [
      servers[name].title,
      runs[0].readers.toLocaleString("en-US"),
      spread(runs.map((r) => r.kibEach)),
      number(2 ** 20 / median(runs.map((r) => r.kibEach))),
      spread(runs.map((r) => r.before)),
      spread(runs.map((r) => r.during)),
      spread(runs.map((r) => r.ready_ms)),
      percent(median(runs.map((r) => r.server_cpu_seconds / r.seconds))),
    ];
  });
  context.notes.push(
    "PSS of all processes of the server, its heap as it had grown by then. The kernel's socket buffers are not in it.",
  );
  publish(
    "rt-idle",
    "Realtime: idle connections",
    context,
    [table(
      ["server", "connections", "KiB per connection", "connections per GiB", "PSS before, MiB", "PSS with them, MiB", "all attached after, ms", "server CPU"],
      rows,
    )],
    results,
  );
}
