// 8. Shared objects: increments on one session and on many, an attach to a large state, a counter with many readers.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { median, number, percent, publish, spread, table } from "../lib/report.mjs";
import { benchDir } from "../lib/servers.mjs";

const SESSIONS = [1, 1000];
/** Increments under way at once, over all sessions. */
const WINDOW = 1000;
const KEYS = 10_000;
const KEYS_PER_REQUEST = 500;
const READERS = 1000;
const RATE = 50;
const GENERATOR = path.join(benchDir, "load", "objects.mjs");

function generate(...args) {
  const child = spawn(process.execPath, [GENERATOR, ...args.map(String)], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (data) => (output += data));
  const result = new Promise((resolve, reject) =>
    child.on("close", (status) =>
      status === 0 ? resolve(JSON.parse(output)) : reject(new Error(`objects.mjs ${args[0]}: ${errors}`)),
    ),
  );
  const attached = new Promise((resolve) =>
    child.stderr.on("data", (data) => {
      errors += data;
      if (errors.includes("attached")) resolve();
    }),
  );
  return { result, attached };
}

/** An app of its own in the server, and what is asked of it over REST. */
async function makeApp(server) {
  const url = `http://127.0.0.1:${server.port}`;
  const json = { "content-type": "application/json" };
  const made = await fetch(`${url}/apps`, { method: "POST", headers: json, body: JSON.stringify({ keys: [{}], namespaces: [] }) });
  const key = (await made.json()).keys[0].keyStr;
  const headers = { ...json, authorization: `Basic ${Buffer.from(key).toString("base64")}` };
  return {
    url,
    key,
    async change(channel, operations) {
      const response = await fetch(`${url}/channels/${channel}/object`, { method: "POST", headers, body: JSON.stringify(operations) });
      const body = await response.json();
      if (!response.ok) throw new Error(JSON.stringify(body));
      return body.objectIds[0];
    },
  };
}

export async function run(context) {
  const seconds = context.quick ? 4 : 10;
  const server = await context.start("parley-apps");
  const app = await makeApp(server);
  const results = [];
  let channels = 0;
  const counters = (count) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const channel = `objects${channels++}`;
        return { channel, counter: await app.change(channel, { path: "counter", counterCreate: { count: 0 } }) };
      }),
    );
  const targets = async (sessions) => {
    const found = [];
    while (found.length < sessions) found.push(...(await counters(Math.min(100, sessions - found.length))));
    const file = path.join(server.dataDir, "..", `targets${channels}.json`);
    fs.writeFileSync(file, JSON.stringify(found));
    return file;
  };
  const increments = async (sessions, time) =>
    generate("increment", app.url, app.key, time, WINDOW / sessions, await targets(sessions)).result;
  await increments(100, context.quick ? 2 : 20);

  const [{ channel: large }] = await counters(1);
  for (let n = 0; n < KEYS; n += KEYS_PER_REQUEST) {
    const set = (k) => ({ path: "", mapSet: { key: `key${n + k}`, value: { string: `value ${n + k}` } } });
    await app.change(large, Array.from({ length: KEYS_PER_REQUEST }, (_, k) => set(k)));
  }
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const sessions of SESSIONS) {
      const figures = await increments(sessions, seconds);
      results.push({ what: `increments, ${sessions} session(s)`, ...figures });
      context.say(`${sessions} session(s): ${number(figures.perSecond)} increments/s`);
    }
    results.push({ what: "attach", ...(await generate("attach", app.url, app.key, context.quick ? 5 : 20, large).result) });

    const [{ channel, counter }] = await counters(1);
    const readers = generate("read", app.url, app.key, seconds, READERS, channel);
    await Promise.race([readers.attached, readers.result]);
    const before = server.cpuSeconds();
    const began = Date.now();
    for (let n = 0; n < seconds * RATE; n++) {
      void app.change(channel, { objectId: counter, counterInc: { number: 1 } });
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + ((n + 1) * 1000) / RATE - Date.now())));
    }
    const serverShare = (server.cpuSeconds() - before) / ((Date.now() - began) / 1000);
    results.push({ what: "fan-out", serverShare, ...(await readers.result) });
    context.say(`fan-out: ${number(results.at(-1).perSecond)} changes/s`);
  }
  await server.stop();

  const of = (what, pick) => results.filter((result) => result.what === what).map(pick);
  context.notes.push(
    "The generator is Node.js; where its share of a core is near 100%, the figure is what it can take and not what Parley can give.",
  );
  publish(
    "objects",
    "Shared objects",
    context,
    [
      table(
        ["increments", "per second", "p50 ms", "p99 ms"],
        SESSIONS.map((sessions) => {
          const what = `increments, ${sessions} session(s)`;
          return [what, spread(of(what, (r) => r.perSecond)), spread(of(what, (r) => r.p50)), spread(of(what, (r) => r.p99))];
        }),
      ),
      table(
        [`attach to ${KEYS} keys`, "longest", "bytes"],
        [[`${spread(of("attach", (r) => r.ms))} ms`, `${number(median(of("attach", (r) => r.max)))} ms`, number(median(of("attach", (r) => r.bytes)))]],
      ),
      table(
        [`one counter at ${RATE}/s, ${READERS} readers`, "server CPU", "generator CPU"],
        [[
          `${spread(of("fan-out", (r) => r.perSecond))} of ${READERS * RATE} changes/s`,
          percent(median(of("fan-out", (r) => r.serverShare))),
          percent(median(of("fan-out", (r) => r.generatorShare))),
        ]],
      ),
    ],
    results,
  );
}
