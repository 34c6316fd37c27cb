// Resumable SSE as the AI SDKs have it: streams of the package resumable-stream, which a producer keeps in memory and sends
// through Redis to each reader. `node resumable-sse.mjs PORT DATA_DIR`.
// PUT makes a stream, POST adds a message, GET reads from now on; in the shape that the load generator knows.
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "redis";
import { createResumableStreamContext } from "resumable-stream";

const [port, dataDir] = process.argv.slice(2);

const probe = net.createServer().listen(0, "127.0.0.1");
await once(probe, "listening");
const redisPort = probe.address().port;
probe.close();
await once(probe, "close");
const redis = spawn(
  "redis-server",
  ["--bind", "127.0.0.1", "--port", String(redisPort), "--dir", dataDir, "--save", "", "--appendonly", "no", "--loglevel", "warning"],
  { stdio: ["ignore", "inherit", "inherit"] },
);
const stop = () => {
  redis.kill();
  process.exit(0);
};
process.on("SIGTERM", stop);
redis.on("exit", (status) => process.exit(status ?? 1));

async function client() {
  for (;;) {
    const made = createClient({ url: `redis://127.0.0.1:${redisPort}`, socket: { reconnectStrategy: false } });
    made.on("error", (error) => console.error(String(error)));
    try {
      return await made.connect();
    } catch {
      await sleep(50);
    }
  }
}

const context = createResumableStreamContext({
  waitUntil: null,
  publisher: await client(),
  subscriber: await client(),
});
const producers = new Map();

async function make(path) {
  let producer;
  const stream = await context.createNewResumableStream(path, () => new ReadableStream({ start: (controller) => (producer = controller) }));
  producers.set(path, producer);
  // The first client's copy, which nobody wants here.
  (async () => {
    for await (const chunk of stream) void chunk;
  })();
}

async function read(path, response) {
  const stream = await context.resumeExistingStream(path, Number.MAX_SAFE_INTEGER);
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write('event: control\ndata: {"upToDate":true}\n\n');
  const reader = stream.getReader();
  response.on("close", () => reader.cancel().catch(() => {}));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (value !== "") response.write(value);
  }
  response.end();
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

const server = http.createServer(async (request, response) => {
  const path = request.url.split("?")[0];
  try {
    if (request.method === "PUT") {
      await make(path);
      response.writeHead(201).end();
    } else if (!producers.has(path)) {
      response.writeHead(404).end();
    } else if (request.method === "POST") {
      producers.get(path).enqueue(`data: ${await body(request)}\n\n`);
      response.writeHead(204).end();
    } else {
      await read(path, response);
    }
  } catch (error) {
    console.error(String(error));
    response.headersSent ? response.destroy() : response.writeHead(500).end();
  }
});
server.listen(Number(port), "127.0.0.1", 4096, () => console.log("listening"));
