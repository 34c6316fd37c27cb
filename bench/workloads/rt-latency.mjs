// Realtime latency: one publisher at 50 messages/s, one subscriber.
import { channel, peers } from "../lib/realtime.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";

const RATE = 50;

export async function run(context) {
  const seconds = context.quick ? 4 : 20;
  const names = context.available(peers);
  const started = [];
  let channels = 0;
  const measure = (server, warmup, measured, rate = RATE) =>
    channel(server, `latency${channels++}`, { readers: 1, rate, warmup, seconds: measured });
  for (const name of names) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.push(server);
    await measure(server, context.quick ? 2 : servers[name].jvm ? 20 : 3, 1, 1000);
  }
  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const server of inTurn(started, round)) {
      const figures = await measure(server, 1, seconds);
      results.push({ round, name: server.name, ...figures });
      context.say(`${server.name}: p50 ${number(figures.latency_ms?.p50)} ms, p99 ${number(figures.latency_ms?.p99)} ms`);
    }
  }
  for (const server of started) await server.stop();

  const rows = names.map((name) => {
    const of = (pick) => results.filter((r) => r.name === name).map(pick);
    return [
      servers[name].title,
      servers[name].durability,
      spread(of((r) => r.latency_ms?.p50)),
      spread(of((r) => r.latency_ms?.p99)),
      number(median(of((r) => r.latency_ms?.max))),
      spread(of((r) => r.ack_ms?.p50)),
      spread(of((r) => r.ack_ms?.p99)),
      number(median(of((r) => r.backlog))),
      percent(median(of((r) => r.server_cpu_seconds / r.seconds))),
      number(median(of((r) => r.lateness_ms?.p99))),
    ];
  });
  context.notes.push("`late p99` is how late the generator itself sent; it is not in the latency.");
  publish(
    "rt-latency",
    "Realtime: latency of one publisher",
    context,
    [table(["server", "durable", "p50 ms", "p99 ms", "max ms", "ack p50 ms", "ack p99 ms", "undelivered", "server CPU", "late p99 ms"], rows)],
    results,
  );
}
