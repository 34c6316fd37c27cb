// The longest answer: one message that grows to a megabyte in 20,000 appends. What does an append cost, early and late?
import { setTimeout as sleep } from "node:timers/promises";
import { number, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";
import { APPEND, Session } from "../lib/session.mjs";

const APPENDS = 20_000;
const FRAGMENT_BYTES = 50;
const PARTS = 5;
const WARMUP_APPENDS = 20_000;

export async function run(context) {
  const appends = context.quick ? 2000 : APPENDS;
  const names = context.available(["parley"]);
  const started = [];
  const results = [];
  const fragment = "x".repeat(FRAGMENT_BYTES);
  const answer = async (server, channel, count, onPart) => {
    let seen = 0;
    const viewer = await Session.connect(server, (frame) => {
      for (const message of frame.messages) seen += message.data.length;
    });
    await viewer.attach(channel);
    const agent = await Session.connect(server);
    const [serial] = await agent.publish(channel, { name: "answer", data: "" });
    for (let part = 0; part < PARTS; part++) {
      const latencies = [];
      const cpu = server.cpuSeconds();
      const written = server.diskBytes();
      const got = viewer.bytes;
      for (let n = 0; n < count / PARTS; n++) {
        const began = performance.now();
        await agent.publish(channel, { action: APPEND, serial, data: fragment });
        latencies.push(performance.now() - began);
      }
      latencies.sort((a, b) => a - b);
      const each = (total) => total / latencies.length;
      onPart?.({
        part,
        p50: latencies.at(latencies.length / 2),
        p99: latencies.at(latencies.length * 0.99),
        cpuUs: each((server.cpuSeconds() - cpu) * 1e6),
        written: each(server.diskBytes() - written),
        sent: each(viewer.bytes - got),
      });
    }
    agent.close();
    // An acknowledgement may overtake what a viewer is sent, on another connection.
    const deadline = Date.now() + 5000;
    while (seen < count * FRAGMENT_BYTES && Date.now() < deadline) await sleep(5);
    if (seen !== count * FRAGMENT_BYTES) throw new Error(`the viewer has seen ${seen} of ${count * FRAGMENT_BYTES} bytes`);
    viewer.close();
  };
  for (const name of names) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.push(server);
    await answer(server, "warmup", context.quick ? 1000 : WARMUP_APPENDS);
  }
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const server of inTurn(started, round)) {
      const name = server.name;
      await answer(server, `answer${round}`, appends, (figures) => results.push({ round, name, ...figures }));
      context.say(`${name}: p50 by part: ${results.filter((r) => r.round === round && r.name === name).map((r) => number(r.p50)).join(", ")} ms`);
    }
  }
  for (const server of started) await server.stop();
  const parts = Array.from({ length: PARTS }, (_, part) => part);
  const rows = parts.flatMap((part) => names.map((name) => {
    const of = (pick) => results.filter((r) => r.part === part && r.name === name).map(pick);
    const first = (round) => results.find((r) => r.part === 0 && r.round === round && r.name === name);
    const from = (appends / PARTS) * part;
    return [
      `${from.toLocaleString("en-US")} to ${(from + appends / PARTS).toLocaleString("en-US")}`,
      servers[name].title,
      spread(of((r) => r.p50)),
      spread(of((r) => r.p99)),
      spread(of((r) => r.cpuUs)),
      spread(of((r) => r.cpuUs / first(r.round).cpuUs)),
      spread(of((r) => r.written)),
      spread(of((r) => r.sent)),
    ];
  }));
  context.notes.push(
    `One agent, ${appends.toLocaleString("en-US")} appends of ${FRAGMENT_BYTES} bytes to one message, each after the acknowledgement of the one before; one viewer. The client is Node.js.`,
    "On disk: all that the disk was made to write meanwhile, Parley's journal and its store with all their rewriting. With one append at a time each is a sync of its own, of whole pages of 4 KiB.",
  );
  publish(
    "long-answer",
    "The longest answer",
    context,
    [table(["appends", "server", "ack p50 ms", "ack p99 ms", "CPU us each", "CPU, of the first part's", "bytes on disk each", "bytes to the viewer each"], rows)],
    results,
  );
}
