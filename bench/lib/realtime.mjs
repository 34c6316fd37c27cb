// What the realtime workloads have in common: the same load for Parley, Socket.IO and resumable SSE.
import fs from "node:fs";
import path from "node:path";
import { createStreams, load } from "./generators.mjs";

export const peers = ["parley", "socketio", "resumable-sse"];

/** How the generator speaks to a server over WebSocket. */
export function webSocket(server) {
  if (server.name === "socketio") return { protocol: "socketio" };
  return { protocol: "ably", key: fs.readFileSync(path.join(server.dataDir, "root.key"), "utf8").trim() };
}

/** Readers of one channel, and one publisher at `rate`; over SSE where a server has nothing else. */
export async function channel(server, name, { readers, rate, warmup, seconds }, onEvent) {
  if (server.name === "resumable-sse") {
    await createStreams(server, `/${name}`, 1, 1);
    return load("live", server, { path: `/${name}`, streams: 1, readers, rate, warmup, seconds }, onEvent);
  }
  return load("rt", server, { ...webSocket(server), path: name, readers, rate, warmup, seconds }, onEvent);
}
