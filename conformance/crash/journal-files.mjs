// Finds its way in the journal's files, to damage them where it matters.
import { readdir, readFile, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"

const HEADER_BYTES = 64
const RECORD_HEADER_BYTES = 16
const ALIGNMENT = 8
const MARK = 0xff

const folder = dataDir => join(dataDir, "journal")

/**
 * The journal's files, oldest first: {path, bytes, records, end}, where `end` is the place behind the last record. A
 * record is {start, payload, bytes, command, mark}: its place, the place and the size of its payload, whether it is a
 * command, and whether it is the mark that an idle server sets behind the last record. A full segment ends with another
 * mark, which is neither.
 */
export async function segments(dataDir) {
  return Promise.all((await segmentNames(dataDir)).map(name => readSegment(join(folder(dataDir), name))))
}

/** The names of the journal's files, oldest first. */
export const segmentNames = async dataDir =>
  (await readdir(folder(dataDir))).filter(name => name.endsWith(".journal")).sort()

async function readSegment(path) {
  const bytes = await readFile(path)
  const records = []
  let end = HEADER_BYTES
  while (end + RECORD_HEADER_BYTES <= bytes.length && bytes.readUInt32BE(end) > 0) {
    const size = bytes.readUInt32BE(end)
    const payload = end + RECORD_HEADER_BYTES
    const command = bytes[payload] !== MARK
    records.push({ start: end, payload, bytes: size, command, mark: size === 1 && !command })
    end += Math.ceil((RECORD_HEADER_BYTES + size) / ALIGNMENT) * ALIGNMENT
  }
  return { path, bytes, records, end }
}

/** The newest segment that has records: the next one is made ahead of need. */
export const newestWritten = all => all.findLast(segment => segment.records.length > 0)

export function flipBit(segment, place, bit) {
  segment.bytes[place] ^= 1 << bit
  return writeFile(segment.path, segment.bytes)
}

export function overwrite(segment, place, bytes) {
  bytes.copy(segment.bytes, place)
  return writeFile(segment.path, segment.bytes)
}

export const cutFile = (segment, place) => truncate(segment.path, place)
