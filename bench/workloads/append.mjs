// 1. Appends per second: 100 bytes of JSON, closed loop, by wrk (and redis-benchmark for Redis).
import { createStreams, redisAppend, wrkAppend } from "../lib/generators.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";

const CONNECTIONS = [1, 64, 256];
const STREAMS = [1, 64, 10000];
// They know no streams: measured once per number of connections.
const STREAMLESS = ["echo-floor", "nginx", "fanout-floor"];
// They keep everything in memory: started anew for each figure, so that the heap does not decide the next one.
const FRESH_EACH_TIME = ["ds-memory", "redis"];

export async function run(context) {
  const seconds = context.quick ? 2 : 5;
  const names = context.available(["parley", "ds-file", "ds-memory", "redis", ...STREAMLESS]);
  const started = new Map();
  for (const name of names.filter((n) => !FRESH_EACH_TIME.includes(n))) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.set(name, server);
    await prepare(server);
    await warmUp(context, server);
  }

  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const streams of STREAMS) {
      for (const connections of CONNECTIONS) {
        for (const name of inTurn(names, round)) {
          if (STREAMLESS.includes(name) && streams !== 64) continue;
          const figures = await measure(context, started.get(name), name, { streams, connections, seconds });
          results.push({ round, name, streams, connections, ...figures });
          context.say(`${name} c=${connections} streams=${streams}: ${number(figures.perSecond)}/s, ${figures.errors} errors`);
        }
      }
    }
  }
  for (const server of started.values()) await server.stop();

  context.notes.push(
    "Closed loop: latencies are not corrected for coordinated omission.",
    "`generator` is wrk's (or redis-benchmark's) share of one core. Near 100 % it is the bound: so the figures of nginx and " +
      "of the C floor are wrk's own ceiling, and a server well below them is not held back by wrk. Where server and generator " +
      "together use all cores, the machine is the bound.",
    "`errors` are answers other than 2xx and broken connections, summed over the runs; `appends/s` counts only 2xx.",
  );
  publish("append", "Durable appends", context, [figuresTable(results, names), ratioTable(results, names)], results);
}

async function prepare(server) {
  if (STREAMLESS.includes(server.name) || server.name === "redis") return;
  for (const streams of STREAMS) await createStreams(server, `/append${streams}`, streams);
}

async function warmUp(context, server) {
  const seconds = context.quick ? 3 : servers[server.name].jvm ? 20 : 3;
  await wrkAppend(server, { path: "/append64", streams: 64, connections: 64, seconds });
}

async function measure(context, running, name, { streams, connections, seconds }) {
  const server = running ?? (await context.start(name));
  let figures;
  if (name === "redis") {
    // Bounded by count: about as long as the others at the rates seen.
    const requests = (connections === 1 ? 5000 : 60000) * seconds;
    figures = await redisAppend(server, { streams, connections, requests });
  } else {
    if (!running) {
      await createStreams(server, `/append${streams}`, streams);
      await wrkAppend(server, { path: `/append${streams}`, streams, connections: 64, seconds: context.quick ? 1 : 4 });
    }
    figures = await wrkAppend(server, { path: `/append${streams}`, streams, connections, seconds });
  }
  if (!running) await server.stop();
  return figures;
}

function of(results, name, connections, streams) {
  return results.filter((r) => r.name === name && r.connections === connections && r.streams === streams);
}

function figuresTable(results, names) {
  const rows = [];
  for (const connections of CONNECTIONS) {
    for (const streams of STREAMS) {
      for (const name of names) {
        const runs = of(results, name, connections, streams);
        if (runs.length === 0) continue;
        rows.push([
          connections,
          STREAMLESS.includes(name) ? "-" : streams.toLocaleString("en-US"),
          servers[name].title,
          servers[name].durability,
          spread(runs.map((r) => r.perSecond)),
          number(median(runs.map((r) => r.p50))),
          number(median(runs.map((r) => r.p99))),
          runs.reduce((sum, r) => sum + r.errors, 0).toLocaleString("en-US"),
          number(median(runs.map((r) => r.serverCpuUs))),
          percent(median(runs.map((r) => r.serverShare))),
          percent(median(runs.map((r) => r.generatorShare))),
        ]);
      }
    }
  }
  return table(
    ["connections", "streams", "server", "durable", "appends/s", "p50 ms", "p99 ms", "errors", "server CPU us/append", "server CPU", "generator"],
    rows,
  );
}

/** Parley's rate by the others', each ratio within one round. */
function ratioTable(results, names) {
  const others = names.filter((name) => name !== "parley");
  const rows = [];
  for (const connections of CONNECTIONS) {
    for (const streams of STREAMS) {
      const ours = of(results, "parley", connections, streams);
      if (ours.length === 0) continue;
      const cells = others.map((name) => {
        const theirs = of(results, name, connections, STREAMLESS.includes(name) ? 64 : streams);
        const ratios = ours.flatMap((our) =>
          theirs.filter((their) => their.round === our.round).map((their) => our.perSecond / their.perSecond),
        );
        return spread(ratios);
      });
      rows.push([connections, streams.toLocaleString("en-US"), ...cells]);
    }
  }
  if (rows.length === 0) return "";
  return table(["connections", "streams", ...others.map((name) => `Parley / ${servers[name].title}`)], rows);
}
