// Lists of sessions, and of what people are asked in them: pages of 100 out of 100,000, by the session door.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { number, publish, spread, table } from "../lib/report.mjs";
import { servers } from "../lib/servers.mjs";

const SESSIONS = 100_000;
/** One in so many has a run that has not ended. */
const ONE_OPEN_IN = 100;
/** One in so many has a label, and one in so many an open request, for one of so many people. */
const ONE_LABELLED_IN = 10;
const LABELS = 10;
const ONE_ASKED_IN = 100;
const SUPERVISORS = 10;
/** How many people have written, one in each session. */
const AUTHORS = 50;
/** A batch may name 100 channels, with those whose runs it begins. */
const PER_REQUEST = 50;
const AT_ONCE = 8;
const PAGE = 100;
/** How many clients ask at the same time. */
const CLIENTS = [1, 16];

const name = (index) => `tenant${String(index % 50).padStart(2, "0")}:${String(index).padStart(6, "0")}`;
const author = (index) => `author${index % AUTHORS}`;
const supervisor = (index) => `supervisor${index % SUPERVISORS}`;
const headers = (transport) => ({ extras: { ai: { transport } } });

export async function run(context) {
  const sessions = context.quick ? SESSIONS / 10 : SESSIONS;
  const requests = context.quick ? 200 : 2_000;
  context.say("starting parley");
  const server = await context.start("parley");
  const key = fs.readFileSync(path.join(server.dataDir, "root.key"), "utf8").trim();
  const agent = new http.Agent({ keepAlive: true, maxSockets: Math.max(...CLIENTS) });
  const ask = (method, target, body) => request(server, agent, key, method, target, body);

  const began = Date.now();
  await inParallel(AT_ONCE, sessions / PER_REQUEST, async (batch) => {
    const all = Array.from({ length: PER_REQUEST }, (_, i) => batch * PER_REQUEST + i);
    const open = all.filter((index) => index % ONE_OPEN_IN === 0);
    const start = open.map((index) => ({
      channels: [name(index)],
      messages: [{ name: "ai-run-start", ...headers({ "run-id": `run${index}`, "run-client-id": "agent" }) }],
    }));
    await ask("POST", "/messages", [{ channels: all.map(name), messages: [{ name: "note", data: "hello", clientId: author(batch) }] }, ...start]);
    for (const index of all) {
      const session = `/v1/sessions/${encodeURIComponent(name(index))}`;
      if (index % ONE_LABELLED_IN === 0) await ask("PATCH", `${session}/labels`, { stage: `stage${Math.floor(index / ONE_LABELLED_IN) % LABELS}` });
      // Not those that have an open run: most requests outlive the run that has made them.
      if (index % ONE_ASKED_IN === 1) {
        await ask("POST", `${session}/requests`, { kind: "approval", title: "Refund", arguments: { amount: index }, clientIds: [supervisor(Math.floor(index / ONE_ASKED_IN))] });
      }
    }
  });
  context.say(`${sessions} sessions in ${((Date.now() - began) / 1000).toFixed(1)} s`);

  const random = () => Math.floor(Math.random() * sessions);
  const kinds = {
    "a page by name, anywhere": () => `/v1/sessions?limit=${PAGE}&cursor=${encodeURIComponent(name(random()))}`,
    "a page of a prefix": () => `/v1/sessions?limit=${PAGE}&prefix=tenant${String(random() % 50).padStart(2, "0")}:`,
    "a page of those with open runs": () => `/v1/sessions?limit=${PAGE}&openRuns=true&cursor=${encodeURIComponent(name(random()))}`,
    "a page of those with open requests": () => `/v1/sessions?limit=${PAGE}&pendingRequests=true&cursor=${encodeURIComponent(name(random()))}`,
    "a page of those with a label": () => `/v1/sessions?limit=${PAGE}&label=stage:stage${random() % LABELS}`,
    "a page of a participant's": () => `/v1/sessions?limit=${PAGE}&participant=${author(random())}`,
    "a page of the inbox": () => `/v1/requests?limit=${PAGE}`,
    "a page of a person's inbox": () => `/v1/requests?limit=${PAGE}&clientId=${supervisor(random())}`,
    "one session": () => `/v1/sessions/${encodeURIComponent(name(random()))}`,
  };
  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const [kind, target] of Object.entries(kinds)) {
      for (const clients of CLIENTS) {
        const cpu = server.cpuSeconds();
        const times = [];
        const from = performance.now();
        await inParallel(clients, requests, async () => {
          const at = performance.now();
          await ask("GET", target());
          times.push(performance.now() - at);
        });
        const seconds = (performance.now() - from) / 1000;
        times.sort((a, b) => a - b);
        const of = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
        results.push({ round, kind, clients, p50: of(0.5), p99: of(0.99), rate: requests / seconds, cpu: (server.cpuSeconds() - cpu) / requests });
        context.say(`${kind}, ${clients} client(s): p99 ${number(of(0.99))} ms`);
      }
    }
  }
  agent.destroy();
  await server.stop();

  const rows = [];
  for (const kind of Object.keys(kinds)) {
    for (const clients of CLIENTS) {
      const of = (pick) => results.filter((r) => r.kind === kind && r.clients === clients).map(pick);
      rows.push([kind, clients, spread(of((r) => r.rate)), spread(of((r) => r.p50)), spread(of((r) => r.p99)), spread(of((r) => r.cpu * 1e6))]);
    }
  }
  context.notes.push(
    `${servers.parley.title} has ${sessions.toLocaleString("en-US")} sessions, one in ${ONE_OPEN_IN} with an open run, one in ${ONE_LABELLED_IN} with one of ${LABELS} labels, ` +
      `one in ${ONE_ASKED_IN} with an open request for one of ${SUPERVISORS} people. A page has up to ${PAGE} sessions; ` +
      "one request looks at 5,000 at most. Clients are one process of Node.js; each asks again when it has its answer.",
  );
  publish("sessions", "Lists of sessions", context, [table(["what", "clients", "requests/s", "p50 ms", "p99 ms", "CPU us each"], rows)], results);
}

async function inParallel(width, count, work) {
  let next = 0;
  const one = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, one));
}

function request(server, agent, key, method, target, body) {
  return new Promise((resolve, reject) => {
    const sent = http.request(
      { host: "127.0.0.1", port: server.port, method, path: target, agent, auth: key, headers: body ? { "Content-Type": "application/json" } : {} },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (more) => (text += more));
        answer.on("end", () => (answer.statusCode < 300 ? resolve(JSON.parse(text)) : reject(new Error(`${method} ${target} got ${answer.statusCode}: ${text}`))));
      },
    );
    sent.on("error", reject);
    sent.end(body ? JSON.stringify(body) : undefined);
  });
}
