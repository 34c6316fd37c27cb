// What the Java SDK costs: the tokens that one agent streams, what it adds to the latency of one, and idle sessions. And how soon
// its client is back when the server is.
import { setTimeout as sleep } from "node:timers/promises";
import { compileJavaLoad, javaLoad } from "../lib/generators.mjs";
import { webSocket } from "../lib/realtime.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { ask, inTurn, Server, servers } from "../lib/servers.mjs";

const WRITERS = {
  append: "`Session.append`, not attached",
  "append-attached": "`Session.append`, attached",
  run: "`Run`, `Output.text`",
};
const KINDS = { bare: "`Session`, attached", agent: "`AgentSession`", person: "`ClientSession`" };
const SESSIONS = 10_000;
const TOKENS_PER_SECOND = 50;
const RESTARTS = 12;
/** How much longer the server is down each time: the client's pauses between its attempts grow up to 1.5 s meanwhile. */
const DOWN_STEP_MS = 300;
const BACK_SECONDS = 60;
const MIB = 2 ** 20;
/** Much more than they need: what is measured is what is in use. */
const SESSIONS_HEAP = "-Xmx2g";

export async function run(context) {
  if (!process.env.BENCH_JAVA) {
    context.say("left out: no JDK was found");
    return;
  }
  await compileJavaLoad();
  const names = context.available(["parley"]);
  const [seconds, warmup] = context.quick ? [3, 2] : [15, 10];
  const sessions = context.quick ? 1000 : SESSIONS;
  const results = [];
  let paths = 0;
  const measure = async (round, server, command, options, flags) => {
    const { key } = webSocket(server);
    const figures = await javaLoad(command, server, { key, path: `java${paths++}`, ...options }, flags);
    results.push({ round, name: server.name, command, ...options, ...figures });
    return figures;
  };
  // By default, one connection may be attached to 2,000.
  process.env.PARLEY_REALTIME_CHANNELS_PER_CONNECTION = String(sessions + 1);
  const started = [];
  for (const name of names) {
    context.say(`starting ${name}`);
    const server = await context.start(name);
    started.push(server);
    await measure(-1, server, "tokens", { writer: "append", warmup: 0, seconds: context.quick ? 2 : servers[name].jvm ? 20 : 3 });
  }
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const server of inTurn(started, round)) {
      for (const writer of inTurn(Object.keys(WRITERS), round)) {
        const { tokens, seconds: took } = await measure(round, server, "tokens", { writer, warmup, seconds });
        context.say(`${server.name} ${writer}: ${number(tokens / took)} tokens/s`);
      }
      const { added_ms } = await measure(round, server, "latency", { rate: TOKENS_PER_SECOND, warmup, seconds: 2 * seconds });
      context.say(`${server.name} added: p50 ${number(added_ms.p50)} ms`);
      for (const kind of inTurn(Object.keys(KINDS), round)) {
        const { heap_bytes, before_bytes } = await measure(round, server, "sessions", { kind, count: sessions }, [SESSIONS_HEAP]);
        context.say(`${server.name} ${sessions} ${kind}: ${number((heap_bytes - before_bytes) / MIB)} MiB`);
      }
    }
  }
  for (const server of started) await server.stop();
  const restarts = [];
  for (let round = 0; round < context.runs; round++) {
    for (const name of inTurn(names, round)) {
      for (const one of await reconnects(context, name, context.quick ? 2 : RESTARTS)) {
        restarts.push({ round, name, command: "reconnect", ...one });
      }
    }
  }
  results.push(...restarts);

  const of = (name, command, fits, pick) =>
    results.filter((r) => r.round >= 0 && r.name === name && r.command === command && fits(r)).map(pick);
  const tokenRows = [];
  const latencyRows = [];
  const sessionRows = [];
  for (const name of names) {
    const bare = (round) => results.find((r) => r.round === round && r.name === name && r.writer === "append");
    const rate = (r) => r.tokens / r.seconds;
    for (const [writer, title] of Object.entries(WRITERS)) {
      const figures = (pick) => of(name, "tokens", (r) => r.writer === writer, pick);
      tokenRows.push([
        servers[name].title,
        title,
        spread(figures(rate)),
        spread(figures((r) => rate(r) / rate(bare(r.round)))),
        spread(figures((r) => (r.generator_cpu_seconds * 1e6) / r.tokens)),
        percent(median(figures((r) => r.generator_cpu_seconds / r.seconds))),
        percent(median(figures((r) => r.server_cpu_seconds / r.seconds))),
      ]);
    }
    for (const [field, title] of [["append_ms", WRITERS.append], ["run_ms", WRITERS.run], ["added_ms", "added, token by token"]]) {
      const figures = (pick) => of(name, "latency", () => true, (r) => pick(r[field]));
      latencyRows.push([servers[name].title, title, spread(figures((f) => f.p50)), spread(figures((f) => f.p99))]);
    }
    for (const [kind, title] of Object.entries(KINDS)) {
      const figures = (pick) => of(name, "sessions", (r) => r.kind === kind, pick);
      sessionRows.push([
        servers[name].title,
        title,
        sessions.toLocaleString("en-US"),
        spread(figures((r) => (r.heap_bytes - r.before_bytes) / MIB)),
        spread(figures((r) => (r.heap_bytes - r.before_bytes) / r.sessions / 1024)),
        spread(figures((r) => r.before_bytes / MIB)),
        spread(figures((r) => r.threads)),
        spread(figures((r) => r.seconds)),
      ]);
    }
  }
  const restartRows = [];
  for (const name of names) {
    for (const [field, title] of [["published_ms", "a publish is acknowledged"], ["delivered_ms", "it is delivered to another client"]]) {
      const figures = restarts.filter((r) => r.name === name).map((r) => r[field]);
      restartRows.push([servers[name].title, title, figures.length, number(median(figures)), number(Math.max(...figures))]);
    }
  }
  context.notes.push(
    "Tokens of 7 characters, each an append of its own to a message of 2,000 of them, by one agent over one connection. Nobody else is in the session. An attached session gets all of its own tokens back, as every agent does.",
    `Latency: from before the call to a viewer with a connection of its own; each kind has ${TOKENS_PER_SECOND} tokens/s, in turn, over the agent's one connection. The tokens of the run have the headers of the protocol for agents, which the bare appends have not. \`added\` is the difference between two that follow one another.`,
    "Heap: what is in use after collections of garbage, beyond that of the client with one session. The server has `realtime.channels-per-connection` raised, which is 2,000 by default.",
    `Restarts: SIGKILL, and a start of the server on the same folder and port after 0 to ${((RESTARTS - 1) * DOWN_STEP_MS) / 1000} s, ${DOWN_STEP_MS} ms later each time. From the first good answer to a request that is made every 2 ms, until the first publish that the client has acknowledged after it was cut off, and until another client, which was cut off as well, has that message. Both have the default options.`,
    "The processors of the machine serve the server and the Java program together.",
  );
  publish(
    "java-sdk",
    "The Java SDK",
    context,
    [
      table(["server", "writer", "tokens/s", "of the first writer's", "client CPU us each", "client CPU", "server CPU"], tokenRows),
      table(["server", "writer", "p50 ms", "p99 ms"], latencyRows),
      table(["server", "kind", "sessions", "heap MiB", "KiB each", "heap before, MiB", "threads", "attached in s"], sessionRows),
      table(["server", "after a restart", "restarts", "median ms", "maximum ms"], restartRows),
    ],
    results,
  );
}

/** Kills a server and starts it again, and gives how long after that a client that uses it goes on. */
async function reconnects(context, name, count) {
  const dataDir = context.newDataDir(name);
  let server = await Server.start(name, dataDir);
  const { key } = webSocket(server);
  let heard = () => {};
  const next = () => new Promise((resolve) => (heard = resolve));
  const live = next();
  const load = javaLoad("reconnect", server, { key, path: "reconnect", restarts: count }, [], (event, message) => heard(message));
  // It must not be unhandled while this waits for something else; it is awaited in the end.
  load.catch(() => {});
  const inTime = (promise) => Promise.race([promise, load, sleep(BACK_SECONDS * 1000, undefined, { ref: false })]);
  await inTime(live);
  const times = [];
  for (let i = 0; i < count; i++) {
    const back = next();
    await server.stop("SIGKILL");
    await sleep(i * DOWN_STEP_MS);
    server = await Server.spawn(name, dataDir, server.port);
    while ([0, 503].includes(await ask("HEAD", `${server.base}/none`))) {
      server.mustRun();
      await sleep(2);
    }
    const ready = process.hrtime.bigint();
    const { event, acknowledged, delivered } = (await inTime(back)) ?? {};
    if (acknowledged === undefined) throw new Error(`${name}: the client is not back within ${BACK_SECONDS} s (${event})`);
    // Both programs read the same clock of the machine.
    const since = (nanos) => Number(BigInt(nanos) - ready) / 1e6;
    times.push({ published_ms: since(acknowledged), delivered_ms: since(delivered) });
    context.say(`${name} restart ${i}: ${number(times.at(-1).published_ms)} ms, ${number(times.at(-1).delivered_ms)} ms`);
  }
  await load;
  await server.stop();
  return times;
}
