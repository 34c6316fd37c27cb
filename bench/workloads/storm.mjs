// 5. Resume storm: all readers of a stream are cut at once and come back at once, each from its own offset.
import { setTimeout as sleep } from "node:timers/promises";
import { createStreams, load } from "../lib/generators.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { servers } from "../lib/servers.mjs";

const READERS = 1000;
// 50/s is more than the reference can deliver to so many; 20/s is not.
const RATES = [50, 20];
const BYSTANDER_RATE = 200;

export async function run(context) {
  const readers = context.quick ? 300 : READERS;
  const names = context.available(["parley", "ds-file", "ds-memory"]);
  const started = [];
  let paths = 0;
  const measure = async (server, rate, warmup) => {
    const path = `/storm${paths++}`;
    await createStreams(server, path, 2);
    return load("live", server, {
      path, streams: 1, readers, rate, bystander: BYSTANDER_RATE, warmup, "cut-after": 2.5, seconds: context.quick ? 6 : 12,
    });
  };
  for (const name of names) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.push(server);
    await measure(server, RATES[1], context.quick ? 1 : servers[name].jvm ? 15 : 1);
  }

  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const rate of RATES) {
      for (const server of started) {
        const figures = await measure(server, rate, 1);
        results.push({ round, name: server.name, rate, ...figures });
        context.say(`${server.name} at ${rate}/s: all live after ${number(figures.storm_ms)} ms`);
        await sleep(1000);
      }
    }
  }
  for (const server of started) await server.stop();

  const rows = [];
  for (const rate of RATES) {
    for (const name of names) {
      const runs = results.filter((r) => r.rate === rate && r.name === name);
      const of = (pick) => runs.map(pick);
      const back = of((r) => (r.storm_ms >= 0 ? r.storm_ms : undefined));
      const late = back.filter((ms) => ms === undefined).length;
      rows.push([
        rate,
        servers[name].title,
        late > 0 ? `${late} of ${runs.length} runs: not all by the end${late < runs.length ? `; else ${spread(back)}` : ""}` : spread(back),
        spread(of((r) => r.bystander_before_ms?.p99)),
        spread(of((r) => r.bystander_during_ms?.p99)),
        `${runs.reduce((sum, r) => sum + r.gaps, 0)} / ${runs.reduce((sum, r) => sum + r.duplicates, 0)}`,
        number(median(of((r) => r.backlog))),
        percent(median(of((r) => r.server_cpu_seconds / r.seconds))),
        percent(median(of((r) => (r.reader_cpu_seconds + r.writer_cpu_seconds) / r.seconds))),
      ]);
    }
  }
  context.notes.push(
    `${readers.toLocaleString("en-US")} readers, cut by a reset. Live again means: the control event with upToDate has come on the new connection.`,
    `The bystander is another stream with one reader and ${BYSTANDER_RATE} appends/s: its p99 in the 2 s before and the 2 s after the cut.`,
    "The generator opens the connections in one loop, before it reads: about 25,000 a second; below some 50 ms it is the bound.",
  );
  publish(
    "storm",
    "Resume storm",
    context,
    [table(
      ["appends/s", "server", "all live again, ms", "bystander p99 before, ms", "bystander p99 after, ms", "gaps / duplicates",
        "undelivered", "server CPU", "generator"],
      rows,
    )],
    results,
  );
}
