// What the Java SDK costs: the tokens that one agent streams, what it adds to the latency of one, and idle sessions.
import { compileJavaLoad, javaLoad } from "../lib/generators.mjs";
import { webSocket } from "../lib/realtime.mjs";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { inTurn, servers } from "../lib/servers.mjs";

const WRITERS = {
  append: "`Session.append`, not attached",
  "append-attached": "`Session.append`, attached",
  run: "`Run`, `Output.text`",
};
const KINDS = { bare: "`Session`, attached", agent: "`AgentSession`", person: "`ClientSession`" };
const SESSIONS = 10_000;
const TOKENS_PER_SECOND = 50;
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
  context.notes.push(
    "Tokens of 7 characters, each an append of its own to a message of 2,000 of them, by one agent over one connection. Nobody else is in the session. An attached session gets all of its own tokens back, as every agent does.",
    `Latency: from before the call to a viewer with a connection of its own; each kind has ${TOKENS_PER_SECOND} tokens/s, in turn, over the agent's one connection. The tokens of the run have the headers of the protocol for agents, which the bare appends have not. \`added\` is the difference between two that follow one another.`,
    "Heap: what is in use after collections of garbage, beyond that of the client with one session. The server has `realtime.channels-per-connection` raised, which is 2,000 by default.",
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
    ],
    results,
  );
}
