// What good sessions feel while the server is attacked: the attacks of conformance/hostile, each against a fresh server.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { median, number, publish, spread, table } from "../lib/report.mjs";
import { benchDir } from "../lib/servers.mjs";

const QUICK_ATTACKS = 2;
const conformance = path.join(benchDir, "..", "conformance");

export async function run(context) {
  if (!context.available(["parley"]).includes("parley")) return;
  installPackages();
  const { attacks, Siege } = await import(path.join(conformance, "hostile", "siege.mjs"));
  const seconds = context.quick ? 3 : 20;
  const results = [];
  for (let round = 0; round < context.runs; round++) {
    await context.checkDisk();
    for (const name of chosen(context, attacks)) {
      const result = { round, name, ...(await measure(Siege, name, attacks[name], seconds)) };
      results.push(result);
      context.say(`${name}: ${result.died ?? `p99 ${number(result.during.p99)} ms instead of ${number(result.before.p99)}`}`);
    }
  }
  const rows = [...new Set(results.map((result) => result.name))].map((name) => {
    const of = (pick) => results.filter((r) => r.name === name && !r.died).map(pick);
    return [
      name,
      spread(of((r) => r.before.p50)),
      spread(of((r) => r.before.p99)),
      spread(of((r) => r.during.p50)),
      spread(of((r) => r.during.p99)),
      number(median(of((r) => r.during.max))),
      number(median(of((r) => r.refusals))),
      spread(of((r) => r.residentMiB)),
      number(median(of((r) => r.connections))),
      number(median(of((r) => r.open))),
      results.filter((r) => r.name === name && r.died).length,
    ];
  });
  context.notes.push(
    `50 sessions with 5 tokens/s each, from the moment a token is first sent until its reader has it; ${seconds} s without and ${seconds} s under each attack. Heaps: 256 MiB where attackers have no key, 512 MiB where they have one.`,
    "`asked to try again`: refusals that the good sessions have met and repeated. `attackers` have tried to connect; `in` is how many connections of them the server holds while the attack stands.",
    "Attackers run on the same machine: what they take of the processors, the server has not.",
  );
  publish(
    "hostile",
    "Under attack",
    context,
    [
      table(
        ["attack", "p50 ms before", "p99 before", "p50 under attack", "p99 under attack", "max", "asked to try again", "RSS at most, MiB", "attackers", "in", "server died"],
        rows,
      ),
    ],
    results,
  );
}

/** The attacks are those of the conformance tests, and so are the packages that they need. */
function installPackages() {
  if (fs.existsSync(path.join(conformance, "node_modules", "ws"))) return;
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: conformance, stdio: ["ignore", 2, 2] });
}

/** In the quick form a few. */
const chosen = (context, attacks) => Object.keys(attacks).slice(0, context.quick ? QUICK_ATTACKS : undefined);

async function measure(Siege, name, { server, transports: [transport] }, seconds) {
  const siege = await Siege.begin({ server, tls: transport === "tls", assertions: false });
  try {
    const undo = await siege.prepare({ name });
    siege.good.takeLatencies();
    await sleep(seconds * 1000);
    const before = siege.good.takeLatencies();
    siege.good.takeRefusals();
    const { opened, refused } = await siege.attack({ name, transport });
    const open = (await siege.connections()) - siege.good.connections;
    await sleep(seconds * 1000);
    const during = siege.good.takeLatencies();
    const refusals = siege.good.takeRefusals();
    await siege.callOff();
    await undo?.();
    await siege.assertHolds();
    await siege.end();
    return { before, during, refusals, connections: opened + refused, open, residentMiB: siege.greatestResidentMiB };
  } catch (error) {
    if (!(await siege.isAlive())) return { died: `the server died: ${error.message.split("\n")[0]}` };
    throw error;
  } finally {
    await siege.abandon();
  }
}
