// 3. Fan-out: one stream at 50 appends/s to many SSE readers.
import { setTimeout as sleep } from "node:timers/promises";
import { createStreams, load } from "../lib/generators.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";

const READERS = [1, 100, 1000, 5000];
const RATE = 50;
// Far beyond what it can do (about 2,000 deliveries/s): more readers only take longer to say the same.
const MOST_READERS = { "ds-file": 1000 };

export async function run(context) {
  const seconds = context.quick ? 4 : 10;
  const names = context.available(["parley", "ds-file", "ds-memory", "fanout-floor"]);
  const started = [];
  let paths = 0;
  const measure = async (server, readers, warmup, measured) => {
    const path = `/fanout${paths++}`;
    await createStreams(server, path, 1);
    const before = server.pssMiB();
    let atEnd;
    const figures = await load("live", server, { path, streams: 1, readers, rate: RATE, warmup, seconds: measured }, (event) => {
      if (event === "measured") atEnd = server.pssMiB();
    });
    return { ...figures, pssBeforeMiB: before, pssMiB: atEnd };
  };
  for (const name of names) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.push(server);
    await measure(server, 500, context.quick ? 2 : servers[name].jvm ? 20 : 3, 1);
  }

  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const readers of READERS) {
      for (const server of inTurn(started, round)) {
        if (readers > (MOST_READERS[server.name] ?? Infinity)) continue;
        const figures = await measure(server, readers, 2, seconds);
        results.push({ round, name: server.name, readers, ...figures, cpuPerMillion: (figures.server_cpu_seconds * 1e6) / figures.delivered });
        context.say(`${server.name} ${readers} reader(s): ${number(figures.delivered / figures.seconds)}/s, p99 ${number(figures.latency_ms?.p99)} ms`);
        await sleep(1000);
      }
    }
  }
  for (const server of started) await server.stop();

  const rows = [];
  for (const readers of READERS) {
    for (const name of names) {
      const runs = results.filter((r) => r.readers === readers && r.name === name);
      if (runs.length === 0) continue;
      const of = (pick) => runs.map(pick);
      const growth = median(of((r) => ((r.pssMiB - r.pssBeforeMiB) * 1024) / readers));
      const floorOf = (round) => results.find((r) => r.name === "fanout-floor" && r.readers === readers && r.round === round);
      rows.push([
        readers,
        servers[name].title,
        `${number(median(of((r) => r.delivered / r.seconds)))} of ${(readers * RATE).toLocaleString("en-US")}`,
        spread(of((r) => r.latency_ms?.p50)),
        spread(of((r) => r.latency_ms?.p99)),
        spread(of((r) => r.cpuPerMillion)),
        number(median(of((r) => r.cpuPerMillion / floorOf(r.round)?.cpuPerMillion))),
        number(median(of((r) => r.bytes / r.delivered))),
        number(median(of((r) => r.pssMiB))),
        number(growth > 0 ? growth : undefined),
        number(median(of((r) => r.backlog))),
        `${runs.reduce((sum, r) => sum + r.gaps, 0)} / ${runs.reduce((sum, r) => sum + r.duplicates, 0)}`,
        percent(median(of((r) => r.server_cpu_seconds / r.seconds))),
        percent(median(of((r) => r.reader_cpu_seconds / r.seconds))),
      ]);
    }
  }
  context.notes.push(
    "`delivered/s` counts messages that arrived within the window; latencies are of the messages sent within it, also " +
      "of those that came up to 5 s after it. What had not come by then is `undelivered`, and not in the percentiles: a " +
      "server above its capacity falls behind by more the longer the run.",
    "`generator` is the share of one core that the thread of the readers used: at 100 % the generator, not the server, is the bound.",
    "`memory/reader` is the growth of the server's PSS while its readers are there; a heap that has grown before hides it: " +
      "the idle workload measures it on fresh servers.",
  );
  publish(
    "fanout",
    "Fan-out",
    context,
    [table(
      ["readers", "server", "delivered/s", "p50 ms", "p99 ms", "CPU s per million", "of the floor", "bytes/delivery", "PSS MiB",
        "memory/reader KiB", "undelivered", "gaps / duplicates", "server CPU", "generator"],
      rows,
    )],
    results,
  );
}
