// 6. Restart: from starting the command until the first good answer, empty and with many streams.
import { setTimeout as sleep } from "node:timers/promises";
import { load } from "../lib/generators.mjs";
import { number, publish, spread, table } from "../lib/report.mjs";
import { ask, Server, servers } from "../lib/servers.mjs";

const STREAMS = 1_000_000;
const ENTRIES_PER_STREAM = 10;
// With more, the reference file store answers 404 for streams that are there: its pool of file handles runs out.
const CONNECTIONS = { "ds-file": 8 };
const QUICK_PART = 1 / 20;
// It creates about 1,000 streams a second: the whole size would take a quarter of an hour to load.
const PART = { "ds-file": 1 / 20 };
const LIMIT_SECONDS = 300;

export async function run(context) {
  const names = context.available(["parley", "ds-file"]);
  const results = [];
  for (let round = 0; round < Math.max(context.runs, context.quick ? 2 : 5); round++) {
    for (const name of names) {
      const { server, ms } = await firstAnswer(name, context.newDataDir(name), "PUT", "/first");
      results.push({ name, state: "empty", ms, pssMiB: server.pssMiB() });
      await server.stop();
    }
  }
  const loaded = [];
  for (const name of names) {
    const dataDir = context.newDataDir(name);
    const part = (PART[name] ?? 1) * (context.quick ? QUICK_PART : 1);
    const streams = Math.round(STREAMS * part);
    context.say(`loading ${streams} streams into ${name}`);
    let server = await Server.start(name, dataDir);
    const filled = await load("fill", server, {
      path: "/restart", method: "PUT", streams, requests: streams, messages: ENTRIES_PER_STREAM, connections: CONNECTIONS[name] ?? 64, "limit-seconds": 900,
    });
    loaded.push({ name, streams, ...filled });
    for (const signal of ["SIGTERM", "SIGKILL"]) {
      for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
        await server.stop(signal);
        const again = await firstAnswer(name, dataDir, "HEAD", "/restart-0");
        server = again.server;
        const state = signal === "SIGTERM" ? "after a clean stop" : "after kill -9";
        results.push({ name, state, streams, ms: again.ms, pssMiB: server.pssMiB() });
        context.say(`${name} ${state}: ${number(again.ms)} ms`);
      }
    }
    await server.stop();
  }

  const rows = [];
  for (const state of ["empty", "after a clean stop", "after kill -9"]) {
    for (const name of names) {
      const runs = results.filter((r) => r.name === name && r.state === state);
      const streams = runs[0]?.streams ?? 0;
      rows.push([
        servers[name].title,
        state,
        streams.toLocaleString("en-US"),
        (streams * ENTRIES_PER_STREAM).toLocaleString("en-US"),
        spread(runs.map((r) => r.ms)),
        spread(runs.map((r) => r.pssMiB)),
      ]);
    }
  }
  context.notes.push(
    ...loaded.map((l) => `Loading ${servers[l.name].title}: ${l.streams.toLocaleString("en-US")} PUTs of ${ENTRIES_PER_STREAM} entries in ${number(l.seconds)} s, ${l.errors} errors.`),
    "Time from exec of the start command to the first 2xx (empty: PUT of a stream; loaded: HEAD of one stream), asked every 2 ms. The page cache is warm.",
  );
  publish(
    "restart",
    "Restart",
    context,
    [table(["server", "state", "streams", "entries", "first answer, ms", "PSS then, MiB"], rows)],
    { results, loaded },
  );
}

async function firstAnswer(name, dataDir, method, streamPath) {
  const start = process.hrtime.bigint();
  const server = await Server.spawn(name, dataDir);
  const body = method === "PUT" ? "[]" : undefined;
  for (;;) {
    const status = await ask(method, server.base + streamPath, body);
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    if (status >= 200 && status < 300) return { server, ms };
    server.mustRun();
    // Refused connections and 503 mean "not yet"; anything else will not get better.
    if (status > 0 && status !== 503) throw new Error(`${name}: status ${status} for ${method} ${streamPath} after a restart`);
    if (ms > LIMIT_SECONDS * 1000) throw new Error(`${name} did not answer within ${LIMIT_SECONDS} s`);
    await sleep(2);
  }
}
