// The JDK that the launcher has found, seen from a server that it runs: {pid} of it is enough.
import { execFile } from "node:child_process"
import { readFile, readlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import { promisify } from "node:util"

/** The path of one of its programs. */
export const jdkProgram = async (pid, name) => join(dirname(await readlink(`/proc/${pid}/exe`)), name)

export const collectGarbage = async pid =>
  promisify(execFile)(await jdkProgram(pid, "jcmd"), [String(pid), "GC.run"])

/** Bytes of memory that the process takes, undefined where there is no /proc, or when it has ended. */
export async function residentBytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => undefined)
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? "")?.[1]
  return kib && Number(kib) * 1024
}
