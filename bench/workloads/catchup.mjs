// 4. Catch-up: a stream of 100-byte messages, each appended by its own POST, read from the start again and again.
import fs from "node:fs";
import path from "node:path";
import { createStreams, load } from "../lib/generators.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { servers } from "../lib/servers.mjs";

const READERS = [1, 32];
const MESSAGE_BYTES = 100;
// With more the reference closes readers' connections in the middle of the stream.
const MOST_READERS = { "ds-file": 1, "ds-memory": 1 };

export async function run(context) {
  const messages = context.quick ? 10000 : 100000;
  const seconds = context.quick ? 2 : 5;
  const names = context.available(["parley", "ds-file", "ds-memory", "nginx"]);
  const started = [];
  for (const name of names) {
    context.say(`starting ${name}, filling it with ${messages} messages`);
    const server = await context.start(name);
    started.push(server);
    if (name === "nginx") {
      writeFile(server, messages);
    } else {
      await createStreams(server, streamOf(server), 1);
      // One connection, so that the messages keep their order.
      const filled = await load("fill", server, { path: streamOf(server), requests: messages, messages: 1, connections: 1 });
      if (filled.errors > 0) throw new Error(`${name}: ${filled.errors} of ${messages} messages were not stored`);
    }
    await measure(server, Math.min(32, MOST_READERS[name] ?? 32), messages, context.quick ? 2 : servers[name].jvm ? 10 : 2);
  }

  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const readers of READERS) {
      for (const server of started) {
        if (readers > (MOST_READERS[server.name] ?? Infinity)) continue;
        const figures = await measure(server, readers, messages, seconds);
        results.push({ round, name: server.name, readers, ...figures, mbPerSecond: figures.bytes / 1e6 / figures.seconds });
        context.say(`${server.name} ${readers} reader(s): ${number(figures.bytes / 1e6 / figures.seconds)} MB/s`);
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
      rows.push([
        readers,
        name === "nginx" ? "nginx, a file of the same bytes (floor)" : servers[name].title,
        spread(of((r) => r.mbPerSecond)),
        number(median(of((r) => r.pass_ms?.p50))),
        number(median(of((r) => r.bytes / 1e6 / r.requests))),
        number(median(of((r) => (r.server_cpu_seconds * 1e9) / r.bytes))),
        runs.reduce((sum, r) => sum + r.wrong + r.errors, 0),
        percent(median(of((r) => r.server_cpu_seconds / r.seconds))),
        percent(median(of((r) => r.generator_cpu_seconds / r.seconds))),
      ]);
    }
  }
  context.notes.push(
    `The stream holds ${messages.toLocaleString("en-US")} messages (${(messages * MESSAGE_BYTES) / 1e6} MB). The first pass of each reader is checked ` +
      "message by message (`wrong`) and not timed.",
    "The generator's ceiling is its figure for nginx, which sends the same bytes from a file.",
  );
  publish(
    "catchup",
    "Catch-up",
    context,
    [table(
      ["readers", "server", "MB/s", "whole stream, p50 ms", "MB per answer", "server CPU s per GB", "wrong", "server CPU", "generator"],
      rows,
    )],
    results,
  );
}

function streamOf(server) {
  return server.name === "nginx" ? "/files/catchup" : "/catchup";
}

function measure(server, readers, messages, seconds) {
  return load("catchup", server, { path: `${streamOf(server)}-0`, readers, seconds, messages });
}

function writeFile(server, messages) {
  const folder = path.join(server.dataDir, "files");
  fs.mkdirSync(folder);
  const all = [];
  for (let i = 0; i < messages; i++) {
    const head = `{"m":"@${"1".repeat(16)}${String(i).padStart(8, "0")}","d":"`;
    all.push(`${head.padEnd(MESSAGE_BYTES - 2, "x")}"}`);
  }
  fs.writeFileSync(path.join(folder, "catchup-0"), `[${all.join(",")}]`);
}
