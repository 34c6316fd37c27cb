// Medians, tables and the files in out/.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { benchDir } from "./servers.mjs";

export function median(values) {
  const sorted = values.filter((v) => v !== undefined && v !== null).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A number with about three significant digits; a dash for none. */
export function number(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return "-";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
}

/** "median (lowest-highest)" over the runs. */
export function spread(values) {
  const known = values.filter((v) => v !== undefined && v !== null);
  if (known.length === 0) return "none arrived";
  if (known.length < 2) return number(known[0]);
  return `${number(median(known))} (${number(Math.min(...known))}-${number(Math.max(...known))})`;
}

export function percent(value) {
  return value === undefined ? "-" : `${Math.round(value * 100)} %`;
}

export function table(headings, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n");
}

function javaVersion() {
  const java = process.env.BENCH_JAVA;
  if (!java) return "no JDK";
  const release = fs.readFileSync(path.join(path.dirname(path.dirname(java)), "release"), "utf8");
  return `JDK ${release.match(/JAVA_RUNTIME_VERSION="?([^"\n]+)/)?.[1]}`;
}

function commit() {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { cwd: benchDir, encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

export function machineLine() {
  const gib = Math.round(os.totalmem() / 2 ** 30);
  return (
    `${os.cpus().length} cores (${os.cpus()[0].model.trim()}), ${gib} GiB, Linux ${os.release()}, ${javaVersion()}, ` +
    `Node ${process.versions.node}, Parley ${commit()}`
  );
}

// What the kernel does for the disk and the network on behalf of the server counts as "others" too.
const DISTURBED_SHARE = 0.25;

function disturbance(results) {
  const shares = results.map((r) => r.othersShare).filter((share) => share !== undefined);
  if (shares.length === 0) return [];
  const disturbed = shares.filter((share) => share > DISTURBED_SHARE).length;
  return [
    `Processes beside the server and the generator used ${percent(median(shares))} of a core (median), at most ${percent(Math.max(...shares))}; ` +
      `more than ${percent(DISTURBED_SHARE)} in ${disturbed} of ${shares.length} measurements.`,
  ];
}

export function publish(workload, heading, context, tables, data) {
  context.notes.push(...disturbance(Array.isArray(data) ? data : []));
  context.notes.push(
    `Disk before each round: ${spread(context.disk.map((d) => d.per_second))} fdatasync/s of 4 KiB, one after another, p99 ` +
      `${spread(context.disk.map((d) => d.sync_ms.p99))} ms.`,
  );
  const notes = context.notes.map((note) => `- ${note}`).join("\n");
  const text =
    `## ${heading}\n\n\`${context.command}\`\n\n${context.machine}; ${new Date().toISOString().slice(0, 16)} UTC, ` +
    `${context.runs} run(s)\n\n${tables.join("\n\n")}\n${notes ? `\n${notes}\n` : ""}`;
  console.log(text);
  const out = path.join(benchDir, "out");
  const record = { workload, command: context.command, machine: context.machine, at: new Date().toISOString(), notes: context.notes, disk: context.disk, data };
  fs.writeFileSync(path.join(out, `${workload}.json`), `${JSON.stringify(record, null, 1)}\n`);
  fs.writeFileSync(path.join(out, `${workload}.md`), text);
}
