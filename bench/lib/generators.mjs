// Runs the load generators and gives their results, with the share of a core that they used.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { benchDir, busySeconds } from "./servers.mjs";

const loadProgram = path.join(benchDir, "out", "bin", "load");
const javaClasses = path.join(benchDir, "out", "java");
const clientTarget = path.join(benchDir, "..", "client", "target");
const clientPath = [path.join(clientTarget, "classes"), path.join(clientTarget, "lib", "*")];
const LOAD_LIMIT_SECONDS = 1200;

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Runs a program to its end; calls onLine for each line of its standard output. */
async function run(program, args, onLine) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const limit = setTimeout(() => child.kill("SIGKILL"), LOAD_LIMIT_SECONDS * 1000);
  let errors = "";
  child.stderr.on("data", (data) => (errors = (errors + data).slice(-4000)));
  const ended = new Promise((resolve) => child.on("close", resolve));
  for await (const line of readline.createInterface({ input: child.stdout })) onLine(line);
  const status = await ended;
  clearTimeout(limit);
  running.delete(child);
  if (status !== 0) throw new Error(`${path.basename(program)} ${args.join(" ")}: status ${status}\n${errors}`);
  return errors;
}

function flags(options) {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/**
 * Runs one command of load/main.c against a server. The server's CPU time is taken over the measured window only;
 * `onEvent` hears "live", "measuring" and "measured" at the instants themselves.
 */
export function load(command, server, options, onEvent = () => {}) {
  return generate(loadProgram, [command, "--url", server.base, ...flags(options)], server, onEvent);
}

/** The same for load/JavaSdk.java, in a JVM with these flags. `onEvent` also hears what an event says. */
export function javaLoad(command, server, options, jvmFlags = [], onEvent = () => {}) {
  const classpath = [javaClasses, ...clientPath].join(path.delimiter);
  const args = [...jvmFlags, "-Dslf4j.internal.verbosity=ERROR", "-cp", classpath, "JavaSdk", command];
  return generate(process.env.BENCH_JAVA, [...args, "--url", `http://127.0.0.1:${server.port}`, ...flags(options)], server, onEvent);
}

/** Compiles load/JavaSdk.java, with the oldest Java that the client is for. */
export async function compileJavaLoad() {
  if (!fs.existsSync(clientPath[0])) throw new Error("the Java client is not built: run ./parley build");
  fs.mkdirSync(javaClasses, { recursive: true });
  const source = path.join(benchDir, "load", "JavaSdk.java");
  const javac = path.join(path.dirname(process.env.BENCH_JAVA), "javac");
  await run(javac, ["--release", "17", "-proc:none", "-d", javaClasses, "-cp", clientPath.join(path.delimiter), source], () => {});
}

async function generate(program, args, server, onEvent = () => {}) {
  let result;
  let start;
  let end;
  const usage = () => ({ server: server.cpuSeconds(), machine: busySeconds() });
  await run(program, args, (line) => {
    const message = JSON.parse(line);
    if (message.event === "measuring") start = usage();
    if (message.event === "measured") end = usage();
    if (message.event === undefined || message.event === "result") result = message;
    else onEvent(message.event, message);
  });
  if (end !== undefined) {
    result.server_cpu_seconds = end.server - start.server;
    result.generator_cpu_seconds ??= result.reader_cpu_seconds + Math.max(0, result.writer_cpu_seconds);
    const others = end.machine - start.machine - result.server_cpu_seconds - result.generator_cpu_seconds;
    result.othersShare = others / result.seconds;
  }
  return result;
}

export async function createStreams(server, streamPath, count, connections = 16) {
  const created = await load("fill", server, {
    path: streamPath, method: "PUT", streams: count, requests: count, messages: 0, connections,
  });
  if (created.errors > 0) throw new Error(`${server.name}: ${created.errors} of ${count} streams were not created`);
}

/** 4 KiB writes with a sync: one after another, or `rate` a second. */
export async function diskCheck(directory, { seconds = 1, rate = 0 } = {}) {
  let result;
  await run(loadProgram, ["disk", ...flags({ dir: directory, seconds, rate })], (line) => (result = JSON.parse(line)));
  return result;
}

/** Runs a program under bash's `time`, which tells the CPU seconds that it used. */
async function timed(server, program, args, onLine) {
  const cpuAtStart = server.cpuSeconds();
  const busyAtStart = busySeconds();
  const started = process.hrtime.bigint();
  const script = 'TIMEFORMAT="cpu %U %S"; time "$@"';
  const errors = await run("bash", ["-c", script, "bash", program, ...args], onLine);
  const [, user, system] = errors.match(/cpu ([\d.]+) ([\d.]+)/);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const generatorCpu = Number(user) + Number(system);
  const serverCpu = server.cpuSeconds() - cpuAtStart;
  return {
    generatorCpu,
    serverCpu,
    serverShare: serverCpu / seconds,
    generatorShare: generatorCpu / seconds,
    othersShare: (busySeconds() - busyAtStart - serverCpu - generatorCpu) / seconds,
  };
}

/** wrk: C connections, closed loop, one POST after another on each. */
export async function wrkAppend(server, { path: streamPath, streams, connections, seconds }) {
  const script = path.join(benchDir, "load", "append.lua");
  const base = new URL(server.base);
  let result;
  const cpu = await timed(
    server,
    "wrk",
    ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "-s", script, base.origin, "--", base.pathname + streamPath, streams],
    (line) => {
      if (line.startsWith("{")) result = JSON.parse(line);
    },
  );
  const good = result.requests - result.bad_status;
  return {
    perSecond: good / result.seconds,
    p50: result.p50_ms,
    p99: result.p99_ms,
    errors: result.bad_status + result.broken,
    serverCpuUs: (cpu.serverCpu * 1e6) / result.requests,
    ...cpu,
  };
}

/** redis-benchmark: the same load as XADD. */
export async function redisAppend(server, { streams, connections, requests }) {
  let result;
  const payload = "x".repeat(100);
  const key = streams === 1 ? ["append"] : ["append:__rand_int__"];
  const spread = streams === 1 ? [] : ["-r", streams];
  const cpu = await timed(
    server,
    "redis-benchmark",
    ["-p", server.port, "-c", connections, "-n", requests, ...spread, "--csv", "XADD", ...key, "*", "m", payload].map(String),
    (line) => {
      // "test","rps","avg","min","p50","p95","p99","max"
      const fields = line.split(",").map((field) => field.replaceAll('"', ""));
      if (fields.length >= 8 && Number(fields.at(-7)) > 0) result = fields.slice(-7).map(Number);
    },
  );
  return {
    perSecond: result[0],
    p50: result[3],
    p99: result[5],
    errors: 0,
    serverCpuUs: (cpu.serverCpu * 1e6) / requests,
    ...cpu,
  };
}
