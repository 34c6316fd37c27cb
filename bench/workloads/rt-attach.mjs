// Late joiners: connect, attach to a channel, get its last 100 messages, go; the next one comes at once.
import { load } from "../lib/generators.mjs";
import { webSocket } from "../lib/realtime.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";

const CONNECTIONS = [1, 32];
const MESSAGES = 100;

export async function run(context) {
  const seconds = context.quick ? 3 : 10;
  // The peers have nothing to compare: neither keeps messages for clients that were never there.
  const names = context.available(["parley"]);
  const started = [];
  const results = [];
  let paths = 0;
  const measure = (server, connections, warmup, measured) =>
    load("rt-attach", server, {
      ...webSocket(server), path: `attach${paths++}`, connections, messages: MESSAGES, warmup, seconds: measured,
    });
  for (const name of names) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.push(server);
    await measure(server, 32, context.quick ? 2 : 20, 1);
  }
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const connections of CONNECTIONS) {
      for (const server of inTurn(started, round)) {
        const figures = await measure(server, connections, 1, seconds);
        results.push({ round, name: server.name, ...figures });
        context.say(`${server.name} ${connections} at a time: ${number(figures.completed / figures.seconds)}/s`);
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
        spread(of((r) => r.completed / r.seconds)),
        spread(of((r) => (r.completed / r.seconds) * MESSAGES)),
        spread(of((r) => r.latency_ms?.p50)),
        spread(of((r) => r.latency_ms?.p99)),
        number(median(of((r) => (r.server_cpu_seconds * 1e6) / r.completed))),
        percent(median(of((r) => r.server_cpu_seconds / r.seconds))),
        percent(median(of((r) => r.reader_cpu_seconds / r.seconds))),
      ]);
    }
  }
  context.notes.push(`Each comes on a connection of its own, with a key, and asks for the last ${MESSAGES} messages of 100 bytes by \`rewind\`.`);
  publish(
    "rt-attach",
    "Realtime: late joiners",
    context,
    [table(["at a time", "server", "joins/s", "messages/s", "p50 ms", "p99 ms", "CPU us each", "server CPU", "generator"], rows)],
    results,
  );
}
