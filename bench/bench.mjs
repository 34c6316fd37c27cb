// Reads the command line, runs the workloads, cleans up. Called by ./run, which prepares the machine.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { diskCheck } from "./lib/generators.mjs";
import { machineLine } from "./lib/report.mjs";
import { benchDir, Server, servers, whyNot } from "./lib/servers.mjs";

const workloads = [
  "append", "latency", "fanout", "catchup", "storm", "restart", "idle",
  "rt-latency", "rt-fanout", "rt-publish", "rt-attach", "rt-idle", "answers", "join", "long-answer",
  "objects", "sessions", "java-sdk", "hostile",
];

const usage = `Usage: bench/run all|${workloads.join("|")} [--quick] [--runs 3] [--servers a,b]

  --quick     short runs, one of each: shows that everything works, its figures are not to be quoted
  --runs N    how often each figure is measured; the median is printed
  --servers   only these, of: ${Object.keys(servers).join(", ")}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    runs: { type: "string" },
    servers: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const chosen = positionals[0] === "all" || positionals.length === 0 ? workloads : positionals;
const unknown = chosen.filter((name) => !workloads.includes(name));
if (values.help || unknown.length > 0) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

// Beside the checkout: on the disk, where a sync is a sync. A temporary folder is often memory.
const outDir = path.join(benchDir, "out");
fs.mkdirSync(outDir, { recursive: true });
const dataRoot = fs.mkdtempSync(path.join(outDir, "data-"));
process.on("exit", () => fs.rmSync(dataRoot, { recursive: true, force: true, maxRetries: 3 }));
const fileSystem = execFileSync("stat", ["-f", "-c", "%T", dataRoot], { encoding: "utf8" }).trim();
if (fileSystem === "tmpfs" || fileSystem === "ramfs") {
  console.error(`bench: ${dataRoot} is on ${fileSystem}, where a sync costs nothing: use a checkout on a real disk`);
  process.exit(1);
}

function say(message) {
  console.error(`bench: ${new Date().toISOString().slice(11, 19)} ${message}`);
}

for (const name of chosen) {
  say(`workload ${name}`);
  const notes = [];
  let folders = 0;
  const context = {
    quick: values.quick,
    runs: Number(values.runs ?? (values.quick ? 1 : 3)),
    command: `bench/run ${name}${values.quick ? " --quick" : ""}${values.runs ? ` --runs ${values.runs}` : ""}${values.servers ? ` --servers ${values.servers}` : ""}`,
    machine: machineLine(),
    disk: [],
    notes,
    say,
    newDataDir: (server) => path.join(dataRoot, `${name}-${server}-${folders++}`),
    /** The disk's speed moves with the machine's other work: measured before each round, printed beside the figures. */
    async checkDisk() {
      context.disk.push(await diskCheck(dataRoot));
    },
    /** Those of the wanted servers that can be run here. */
    available(wanted) {
      // Wherever Parley is measured, so is the checkout that it is to be compared with.
      const names = process.env.PARLEY_BEFORE ? wanted.flatMap((name) => (name === "parley" ? [name, "parley-before"] : [name])) : wanted;
      return names.filter((server) => {
        if (values.servers && !values.servers.split(",").includes(server)) return false;
        const reason = whyNot(server);
        if (reason) notes.push(`Left out: ${servers[server].title} (${reason}).`);
        return !reason;
      });
    },
    start: (server) => Server.start(server, context.newDataDir(server)),
  };
  if (values.quick) notes.push("Quick run: short and cold, not to be quoted.");
  const { run } = await import(`./workloads/${name}.mjs`);
  await run(context);
}
process.exit(0);
