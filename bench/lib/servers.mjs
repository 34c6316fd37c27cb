// Starts the servers under test by servers/NAME.sh and reads from /proc what they use.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const READY_SECONDS = 60;
const STOP_SECONDS = 30;
const CLOCK_TICKS_PER_SECOND = 100;
const SECTOR_BYTES = 512;

const here = path.dirname(new URL(import.meta.url).pathname);
export const benchDir = path.dirname(here);
const jar = path.join(benchDir, "..", "server", "target", "parley.jar");

/** What each server promises when it acknowledges; printed beside its figures. */
export const servers = {
  parley: { title: "Parley", durability: "fsync per acknowledgement (group commit)", jvm: true },
  "parley-before": { title: "Parley, the checkout PARLEY_BEFORE", durability: "fsync per acknowledgement (group commit)", jvm: true },
  "parley-apps": { title: "Parley, with an app", durability: "fsync per acknowledgement (group commit)", jvm: true },
  "ds-file": { title: "Durable Streams reference, file", durability: "fsync per acknowledgement" },
  "ds-memory": { title: "Durable Streams reference, memory", durability: "none" },
  redis: { title: "Redis XADD, appendfsync always", durability: "fsync per acknowledgement (group commit)" },
  socketio: { title: "Socket.IO, connection state recovery", durability: "none" },
  "resumable-sse": { title: "resumable-stream on Redis, SSE", durability: "none" },
  "echo-floor": { title: "Vert.x echo (floor)", durability: "none", jvm: true },
  nginx: { title: "nginx, fixed answer (floor)", durability: "none" },
  "fanout-floor": { title: "C, only writes (floor)", durability: "none" },
};

/** Why a server cannot be run here, or undefined. */
export function whyNot(name) {
  if (name === "parley" && !fs.existsSync(jar)) return "there is no server/target/parley.jar: run ./parley build";
  if (name === "echo-floor" && !process.env.BENCH_JAVA) return "no JDK was found";
  if (name === "echo-floor" && !process.env.BENCH_ECHO_CLASSPATH && !fs.existsSync(jar)) return "it needs Parley's jar";
  return undefined;
}

const running = new Set();

// Whatever ends this program ends its servers and their children; each has a process group of its own.
process.on("exit", () => {
  for (const child of running) signal(child, "SIGKILL");
});
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => process.exit(1));

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

export async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** One HTTP request on a connection of its own; resolves to the status, or 0 when there was no answer. */
export function ask(method, url, body) {
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { "content-type": "application/json", "content-length": body.length };
    const request = http.request(url, { method, headers, agent: false, timeout: 5000 }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
      response.on("error", () => resolve(0));
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", () => resolve(0));
    request.end(body);
  });
}

function connects(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

export class Server {
  /** Starts the process and returns at once. */
  static async spawn(name, dataDir, port) {
    const server = new Server();
    server.name = name;
    server.port = port ?? (await freePort());
    server.base = `http://127.0.0.1:${server.port}/v1/stream`;
    fs.mkdirSync(dataDir, { recursive: true });
    server.dataDir = dataDir;
    const log = fs.openSync(path.join(dataDir, "..", `${path.basename(dataDir)}.log`), "a");
    server.logFile = path.join(dataDir, "..", `${path.basename(dataDir)}.log`);
    server.child = spawn(path.join(benchDir, "servers", `${name}.sh`), [String(server.port), dataDir], {
      detached: true,
      stdio: ["ignore", log, log],
    });
    fs.closeSync(log);
    running.add(server.child);
    server.exited = once(server.child, "exit").then(() => running.delete(server.child));
    return server;
  }

  static async start(name, dataDir) {
    const server = await Server.spawn(name, dataDir);
    const deadline = Date.now() + READY_SECONDS * 1000;
    // A server that listens before it has recovered says 503 until it has.
    const ready = async () => ![0, 503].includes(await ask("HEAD", `${server.base}/none`));
    while (!(name === "redis" ? await connects(server.port) : await ready())) {
      server.mustRun();
      if (Date.now() > deadline) throw new Error(`${name} did not answer within ${READY_SECONDS} s`);
      await sleep(20);
    }
    return server;
  }

  mustRun() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      const log = fs.readFileSync(this.logFile, "utf8").slice(-2000);
      throw new Error(`${this.name} ended by itself (${this.child.exitCode ?? this.child.signalCode}):\n${log}`);
    }
  }

  async stop(name = "SIGTERM") {
    signal(this.child, name);
    const ended = await Promise.race([this.exited.then(() => true), sleep(STOP_SECONDS * 1000, false, { ref: false })]);
    if (!ended) {
      signal(this.child, "SIGKILL");
      await this.exited;
    }
  }

  /** The process and all its descendants: every one counts. */
  pids() {
    const children = new Map();
    for (const entry of fs.readdirSync("/proc").filter((e) => /^\d+$/.test(e))) {
      const parent = statFields(entry)?.[1];
      if (parent) children.set(parent, [...(children.get(parent) ?? []), entry]);
    }
    const all = [String(this.child.pid)];
    for (let i = 0; i < all.length; i++) all.push(...(children.get(all[i]) ?? []));
    return all;
  }

  /** User and system time so far. */
  cpuSeconds() {
    let ticks = 0;
    for (const pid of this.pids()) {
      const fields = statFields(pid);
      if (fields) ticks += Number(fields[11]) + Number(fields[12]);
    }
    return ticks / CLOCK_TICKS_PER_SECOND;
  }

  /**
   * Bytes that the disk under the server's data has been made to write so far, by whomever; undefined if it is no disk of its
   * own. (The kernel's count for the process takes whole folios for every page in them.)
   */
  diskBytes() {
    const { dev } = fs.statSync(this.dataDir);
    const number = `${(dev >> 8) & 0xfff} ${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
    const line = fs.readFileSync("/proc/diskstats", "utf8").split("\n").find((l) => l.trim().replace(/\s+/, " ").startsWith(`${number} `));
    return line === undefined ? undefined : Number(line.trim().split(/\s+/)[9]) * SECTOR_BYTES;
  }

  /** Proportional set size, in MiB. */
  pssMiB() {
    let kib = 0;
    for (const pid of this.pids()) {
      const rollup = readOrNothing(`/proc/${pid}/smaps_rollup`);
      kib += Number(rollup?.match(/^Pss:\s+(\d+)/m)?.[1] ?? 0);
    }
    return kib / 1024;
  }
}

/** CPU time of the whole machine so far, without the time in which a core was idle. */
export function busySeconds() {
  const [user, nice, system, , , irq, softirq, steal] = fs.readFileSync("/proc/stat", "utf8").split("\n")[0].split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / CLOCK_TICKS_PER_SECOND;
}

function readOrNothing(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    // The process may just have ended.
    if (error.code === "ENOENT" || error.code === "ESRCH") return undefined;
    throw error;
  }
}

/** The fields of /proc/PID/stat from the third (state) on: the second may contain blanks. */
function statFields(pid) {
  const stat = readOrNothing(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** The order in which servers are measured in a round: the other way round in every second one, so that none always comes first. */
export function inTurn(all, round) {
  return round % 2 ? [...all].reverse() : all;
}
