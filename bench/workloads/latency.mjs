// 2. Token latency: from just before the POST until the SSE reader has it. Open loop.
import { createStreams, diskCheck, load } from "../lib/generators.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";

const SESSIONS = [1, 100];
const RATE = 50;

export async function run(context) {
  const seconds = context.quick ? 4 : 15;
  const names = context.available(["parley", "ds-file", "ds-memory", "fanout-floor"]);
  const started = [];
  let paths = 0;
  const measure = async (server, streams, warmup, measured) => {
    const path = `/latency${paths++}`;
    await createStreams(server, path, streams);
    return load("live", server, { path, streams, readers: 1, rate: RATE, warmup, seconds: measured });
  };
  for (const name of names) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.push(server);
    await measure(server, 100, context.quick ? 2 : servers[name].jvm ? 20 : 3, 1);
  }

  const results = [];
  const syncs = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    syncs.push((await diskCheck(started[0].dataDir, { seconds, rate: RATE })).sync_ms);
    for (const sessions of SESSIONS) {
      for (const server of inTurn(started, round)) {
        const figures = await measure(server, sessions, 1, seconds);
        results.push({ round, name: server.name, sessions, ...figures });
        context.say(`${server.name} ${sessions} session(s): p99 ${number(figures.latency_ms?.p99)} ms`);
      }
    }
  }
  for (const server of started) await server.stop();

  const rows = [];
  for (const sessions of SESSIONS) {
    for (const name of names) {
      const runs = results.filter((r) => r.sessions === sessions && r.name === name);
      const of = (pick) => runs.map(pick);
      rows.push([
        sessions,
        servers[name].title,
        servers[name].durability,
        `${number(median(of((r) => r.delivered / r.seconds)))} of ${sessions * RATE}`,
        spread(of((r) => r.latency_ms?.p50)),
        spread(of((r) => r.latency_ms?.p99)),
        number(median(of((r) => r.latency_ms?.max))),
        spread(of((r) => r.ack_ms?.p99)),
        number(median(of((r) => r.backlog))),
        `${runs.reduce((sum, r) => sum + r.gaps, 0)} / ${runs.reduce((sum, r) => sum + r.duplicates, 0)}`,
        percent(median(of((r) => r.server_cpu_seconds / r.seconds))),
        percent(median(of((r) => (r.reader_cpu_seconds + r.writer_cpu_seconds) / r.seconds))),
        number(median(of((r) => r.lateness_ms?.p99))),
      ]);
    }
  }
  context.notes.push(
    "Latency is from the stamp in the message to the return of the reader's read(2). A message that had to wait for the " +
      "answer to the one before it carries the instant at which it was due.",
    "`late p99` is how late the generator itself sent; it is not in the latency. The floor's row is the least that the " +
      "generator and the kernel can show.",
    `A bare write of 4 KiB with fdatasync, ${RATE} times a second, on the same disk with nothing else running: p50 ${spread(syncs.map((s) => s.p50))} ms, ` +
      `p99 ${spread(syncs.map((s) => s.p99))} ms. Every durable server pays that on top of the floor.`,
  );
  publish(
    "latency",
    "Token latency",
    context,
    [table(
      ["sessions", "server", "durable", "delivered/s", "p50 ms", "p99 ms", "max ms", "ack p99 ms", "undelivered", "gaps / duplicates",
        "server CPU", "generator CPU", "late p99 ms"],
      rows,
    )],
    results,
  );
}
