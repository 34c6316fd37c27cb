// Realtime fan-out and latency: one publisher at 50 messages/s to 1, 100, 1,000 and 5,000 connections in its channel.
import { setTimeout as sleep } from "node:timers/promises";
import { channel, peers } from "../lib/realtime.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";

const READERS = [1, 100, 1000, 5000];
const RATE = 50;
// It sends every message to every reader by itself through Redis: more readers only take longer to say the same.
const MOST_READERS = { "resumable-sse": 1000 };

export async function run(context) {
  const seconds = context.quick ? 4 : 15;
  const names = context.available(peers);
  const started = [];
  let channels = 0;
  const measure = async (server, readers, warmup, measured) => {
    const before = server.pssMiB();
    let atEnd;
    const options = { readers, rate: RATE, warmup, seconds: measured };
    const figures = await channel(server, `fanout${channels++}`, options, (event) => {
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
      const parley = (round) => results.find((r) => r.name === "parley" && r.readers === readers && r.round === round);
      const growth = median(of((r) => ((r.pssMiB - r.pssBeforeMiB) * 1024) / readers));
      rows.push([
        readers,
        servers[name].title,
        servers[name].durability,
        `${number(median(of((r) => r.delivered / r.seconds)))} of ${(readers * RATE).toLocaleString("en-US")}`,
        spread(of((r) => r.latency_ms?.p50)),
        spread(of((r) => r.latency_ms?.p99)),
        number(median(of((r) => r.latency_ms?.p99 / parley(r.round)?.latency_ms?.p99))),
        spread(of((r) => r.cpuPerMillion)),
        number(median(of((r) => r.cpuPerMillion / parley(r.round)?.cpuPerMillion))),
        number(median(of((r) => r.bytes / r.delivered))),
        number(growth > 0 ? growth : undefined),
        number(median(of((r) => r.backlog))),
        `${runs.reduce((sum, r) => sum + r.gaps, 0)} / ${runs.reduce((sum, r) => sum + r.duplicates, 0)}`,
        percent(median(of((r) => r.server_cpu_seconds / r.seconds))),
        percent(median(of((r) => r.reader_cpu_seconds / r.seconds))),
      ]);
    }
  }
  context.notes.push(
    "Latency is from the stamp in a message, just before it is sent, until the reader's read(2) returns. The publisher does not " +
      "wait for acknowledgements, but over SSE, where it posts one after another.",
    "`of Parley's` is a ratio within one round: above 1 Parley is better.",
    "`generator` is the share of one core that the thread of the readers used: at 100 % the generator, not the server, is the bound.",
    "`memory/reader` is the growth of the server's PSS while its readers are there; a heap that has grown before hides it: " +
      "`rt-idle` measures it on fresh servers.",
  );
  publish(
    "rt-fanout",
    "Realtime: latency and fan-out",
    context,
    [table(
      ["readers", "server", "durable", "delivered/s", "p50 ms", "p99 ms", "of Parley's", "CPU s per million", "of Parley's",
        "bytes/delivery", "memory/reader KiB", "undelivered", "gaps / duplicates", "server CPU", "generator"],
      rows,
    )],
    results,
  );
}
