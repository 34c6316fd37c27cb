// Answers as they stream: many at once, each a message that grows by one token after another, with several viewers each.
import { setTimeout as sleep } from "node:timers/promises";
import { load } from "../lib/generators.mjs";
import { webSocket } from "../lib/realtime.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";

const ANSWERS = 100;
const VIEWERS = 3;
const RATE = 50;
/** Then the next answer begins in the same session. */
const TOKENS = 300;

export async function run(context) {
  const seconds = context.quick ? 4 : 20;
  const names = context.available(["parley"]);
  const started = [];
  const results = [];
  let paths = 0;
  const measure = async (server, warmup, measured) => {
    let before;
    let after;
    const figures = await load(
      "rt-answers",
      server,
      {
        key: webSocket(server).key, path: `answers${paths++}`, answers: ANSWERS, readers: VIEWERS, rate: RATE, tokens: TOKENS, warmup,
        seconds: measured,
      },
      (event) => {
        if (event === "measuring") before = server.diskBytes();
        if (event === "measured") after = server.diskBytes();
      },
    );
    return { ...figures, written: after - before };
  };
  for (const name of names) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.push(server);
    await measure(server, context.quick ? 2 : 20, 1);
  }
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const server of inTurn(started, round)) {
      const figures = await measure(server, 2, seconds);
      results.push({ round, name: server.name, ...figures });
      context.say(`${server.name}: p50 ${number(figures.latency_ms.p50)} ms, p99 ${number(figures.latency_ms.p99)} ms`);
      await sleep(1000);
    }
  }
  for (const server of started) await server.stop();
  const rows = (cells) => names.map((name) => [servers[name].title, ...cells((pick) => results.filter((r) => r.name === name).map(pick))]);
  context.notes.push(
    `${ANSWERS} sessions, in each an agent on a connection of its own that publishes ${RATE} tokens a second, whatever the server does, and ${VIEWERS} viewers. ` +
      `An answer has ${TOKENS} tokens; then the next begins. A token is 26 bytes of text: a blank and the instant at which it was sent.`,
    "Latency is from that instant until a viewer's read(2) returns. Tokens that reach a viewer together in one frame count one by one.",
    "Bytes are those of WebSocket payloads, and on disk all that the disk was made to write meanwhile: Parley's journal and its store with all their rewriting, in whole pages.",
  );
  publish(
    "answers",
    "Answers: tokens to viewers",
    context,
    [
      table(
        ["server", "tokens/s", "delivered/s", "p50 ms", "p99 ms", "max ms", "ack p50 ms", "ack p99 ms", "gaps / duplicates", "undelivered"],
        rows((of) => [
          `${number(median(of((r) => r.tokens / r.seconds)))} of ${number(ANSWERS * RATE)}`,
          `${number(median(of((r) => r.delivered / r.seconds)))} of ${number(ANSWERS * RATE * VIEWERS)}`,
          spread(of((r) => r.latency_ms.p50)),
          spread(of((r) => r.latency_ms.p99)),
          spread(of((r) => r.latency_ms.max)),
          spread(of((r) => r.ack_ms.p50)),
          spread(of((r) => r.ack_ms.p99)),
          `${of((r) => r.gaps).reduce((a, b) => a + b)} / ${of((r) => r.duplicates).reduce((a, b) => a + b)}`,
          number(median(of((r) => r.backlog))),
        ]),
      ),
      table(
        ["server", "server CPU", "CPU us per token", "bytes from the agent per token", "bytes to each viewer per token", "bytes on disk per token", "viewers' generator", "agents' generator"],
        rows((of) => [
          percent(median(of((r) => r.server_cpu_seconds / r.seconds))),
          spread(of((r) => (r.server_cpu_seconds * 1e6) / r.tokens)),
          number(median(of((r) => r.bytes_sent / r.tokens))),
          spread(of((r) => r.bytes / r.delivered)),
          spread(of((r) => r.written / r.tokens)),
          percent(median(of((r) => r.reader_cpu_seconds / r.seconds))),
          percent(median(of((r) => r.writer_cpu_seconds / r.seconds))),
        ]),
      ),
    ],
    results,
  );
}
