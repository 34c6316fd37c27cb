// A late joiner: a session of 2,000 answers, opened as messages, beside the same answers read as the raw tokens they came in.
import { createClient } from "redis";
import { createStreams } from "../lib/generators.mjs";
import { median, number, publish, spread, table } from "../lib/report.mjs";
import { servers } from "../lib/servers.mjs";
import { APPEND, historyUntil, Session } from "../lib/session.mjs";

const TOKENS = 300;
const WRITERS = 20;
const REDIS_PAGE = 10_000;
const JOINS_PER_ROUND = 5;

const token = (answer, n) => `word${(answer * 7 + n) % 997} `;
const answerText = (answer) => Array.from({ length: TOKENS }, (_, n) => token(answer, n)).join("");
/** What an AI SDK sends for a token. */
const chunk = (answer, n) => ({ type: "text-delta", id: `answer-${answer}`, delta: token(answer, n) });

/** How each server is filled, and what a late joiner does there; a join gives {records, bytes, texts}. */
const ways = {
  parley: {
    title: "Parley, a session",
    async fill(server, answers) {
      const one = async (writer) => {
        const session = await Session.connect(server);
        for (let answer = writer; answer < answers; answer += WRITERS) {
          const [serial] = await session.publish("long", { name: `answer-${answer}`, data: token(answer, 0) });
          const appends = Array.from({ length: TOKENS - 1 }, (_, n) =>
            session.publish("long", { action: APPEND, serial, data: token(answer, n + 1) }),
          );
          await Promise.all(appends);
        }
        session.close();
      };
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => one(writer)));
    },
    async join(server) {
      const session = await Session.connect(server);
      const attached = await session.attach("long");
      const history = await historyUntil(server, attached);
      session.close();
      const texts = new Map(history.messages.map((message) => [message.name, message.data]));
      return { records: history.messages.length, bytes: session.bytes + history.bytes, texts };
    },
  },
  "parley-streams": { title: "Parley, raw tokens in a stream", server: "parley", fill: fillStream, join: readStream },
  "ds-memory": { title: "Durable Streams reference, memory: raw tokens", fill: fillStream, join: readStream },
  "ds-file": { title: "Durable Streams reference, file: raw tokens", fill: fillStream, join: readStream },
  redis: {
    title: "Redis stream: raw tokens",
    async fill(server, answers) {
      const client = await createClient({ url: `redis://127.0.0.1:${server.port}` }).connect();
      for (let answer = 0; answer < answers; answer++) {
        await Promise.all(
          Array.from({ length: TOKENS }, (_, n) => client.xAdd("long", "*", { chunk: JSON.stringify(chunk(answer, n)) })),
        );
      }
      client.destroy();
    },
    async join(server) {
      const client = await createClient({ url: `redis://127.0.0.1:${server.port}` }).connect();
      const texts = new Map();
      let records = 0;
      let bytes = 0;
      let from = "-";
      for (;;) {
        const page = await client.xRange("long", from, "+", { COUNT: REDIS_PAGE });
        for (const { message } of page) {
          bytes += message.chunk.length;
          grow(texts, JSON.parse(message.chunk));
        }
        records += page.length;
        if (page.length < REDIS_PAGE) break;
        from = `(${page.at(-1).id}`;
      }
      client.destroy();
      return { records, bytes, texts };
    },
  },
};

function grow(texts, { id, delta }) {
  texts.set(id, (texts.get(id) ?? "") + delta);
}

async function fillStream(server, answers) {
  await createStreams(server, "/long", 1, 1);
  for (let answer = 0; answer < answers; answer++) {
    const response = await fetch(`${server.base}/long-0`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(Array.from({ length: TOKENS }, (_, n) => chunk(answer, n))),
    });
    if (!response.ok) throw new Error(`${server.name}: ${response.status} for an append`);
    await response.arrayBuffer();
  }
}

async function readStream(server) {
  const texts = new Map();
  let records = 0;
  let bytes = 0;
  let offset = "-1";
  for (;;) {
    const response = await fetch(`${server.base}/long-0?offset=${offset}`);
    if (!response.ok) throw new Error(`${server.name}: ${response.status} for a read`);
    const body = await response.text();
    bytes += body.length;
    const chunks = JSON.parse(body);
    records += chunks.length;
    for (const one of chunks) grow(texts, one);
    if (response.headers.get("stream-up-to-date") === "true") return { records, bytes, texts };
    offset = response.headers.get("stream-next-offset");
  }
}

export async function run(context) {
  const answers = context.quick ? 200 : 2000;
  const available = new Set(context.available(["parley", "ds-memory", "ds-file", "redis"]));
  const names = Object.keys(ways).filter((name) => available.has(ways[name].server ?? name));
  const started = new Map();
  for (const name of names) {
    context.say(`starting ${name}, filling it with ${answers} answers`);
    const server = await context.start(ways[name].server ?? name);
    started.set(name, server);
    await ways[name].fill(server, answers);
    await join(name);
  }

  async function join(name) {
    const server = started.get(name);
    const cpu = server.cpuSeconds();
    const began = performance.now();
    const { texts, records, bytes } = await ways[name].join(server);
    const ms = performance.now() - began;
    const figures = { name, ms, records, bytes, serverMs: (server.cpuSeconds() - cpu) * 1000 };
    for (let answer = 0; answer < answers; answer++) {
      if (texts.get(`answer-${answer}`) !== answerText(answer)) throw new Error(`${name}: answer ${answer} is not what was written`);
    }
    return figures;
  }

  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (let n = 0; n < JOINS_PER_ROUND; n++) {
      for (const name of names) results.push({ round, n, ...(await join(name)) });
    }
    context.say(names.map((name) => `${name} ${number(median(results.filter((r) => r.name === name).map((r) => r.ms)))} ms`).join(", "));
  }
  for (const server of started.values()) await server.stop();

  const parley = (r) => results.find((p) => p.name === "parley" && p.round === r.round && p.n === r.n);
  const rows = names.map((name) => {
    const of = (pick) => results.filter((r) => r.name === name).map(pick);
    return [
      ways[name].title,
      servers[ways[name].server ?? name].durability,
      number(of((r) => r.records)[0]),
      number(median(of((r) => r.bytes)) / 1e6),
      spread(of((r) => r.ms)),
      number(median(of((r) => r.serverMs))),
      spread(of((r) => r.records / (parley(r)?.records ?? NaN))),
      spread(of((r) => r.ms / (parley(r)?.ms ?? NaN))),
    ];
  });
  context.notes.push(
    `${answers.toLocaleString("en-US")} answers of ${TOKENS} tokens of 4 to 8 bytes. In the session each answer is a message that grew by appends; raw, each ` +
      "token is an entry in the form of the AI SDK's text-delta chunk.",
    "A joiner connects anew, gets everything, decodes it and puts the texts together, in Node.js; they are compared with what was written. In the session it " +
      "attaches and pages through the history before its attachment, 1,000 messages at a time.",
    "Bytes are those of bodies and frames, for Redis those of the chunks alone. `of Parley's` are ratios within one round.",
  );
  publish(
    "join",
    "Late join to a long session",
    context,
    [table(["server", "durable", "records", "MB", "ms until caught up", "server CPU ms", "records of Parley's", "time of Parley's"], rows)],
    results,
  );
}
