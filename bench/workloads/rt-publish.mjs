// Publishes with acknowledgements: each connection waits for one before it sends the next message, to a channel of its own.
import { load } from "../lib/generators.mjs";
import { webSocket } from "../lib/realtime.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";

const CONNECTIONS = [1, 64, 256];

export async function run(context) {
  const seconds = context.quick ? 3 : 10;
  const names = context.available(["parley", "socketio"]);
  const started = [];
  let paths = 0;
  const measure = (server, connections, warmup, measured) =>
    load("rt-publish", server, { ...webSocket(server), path: `publish${paths++}`, connections, warmup, seconds: measured });
  for (const name of names) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.push(server);
    await measure(server, 64, context.quick ? 2 : servers[name].jvm ? 20 : 3, 1);
  }
  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const connections of CONNECTIONS) {
      for (const server of inTurn(started, round)) {
        const figures = await measure(server, connections, 1, seconds);
        results.push({ round, name: server.name, ...figures });
        context.say(`${server.name} ${connections} connection(s): ${number(figures.completed / figures.seconds)}/s`);
      }
    }
  }
  for (const server of started) await server.stop();

  const rows = [];
  for (const connections of CONNECTIONS) {
    for (const name of names) {
      const of = (pick) => results.filter((r) => r.connections === connections && r.name === name).map(pick);
      rows.push([
        connections,
        servers[name].title,
        servers[name].durability,
        spread(of((r) => r.completed / r.seconds)),
        spread(of((r) => r.latency_ms?.p50)),
        spread(of((r) => r.latency_ms?.p99)),
        number(median(of((r) => (r.server_cpu_seconds * 1e6) / r.completed))),
        percent(median(of((r) => r.server_cpu_seconds / r.seconds))),
        percent(median(of((r) => r.reader_cpu_seconds / r.seconds))),
      ]);
    }
  }
  context.notes.push("`generator` is its share of one core: at 100 % it, not the server, is the bound.");
  publish(
    "rt-publish",
    "Realtime: publishes with acknowledgements",
    context,
    [table(["connections", "server", "durable", "publishes/s", "ack p50 ms", "ack p99 ms", "CPU us each", "server CPU", "generator"], rows)],
    results,
  );
}
