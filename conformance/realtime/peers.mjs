// Clients that publish numbered messages to a channel, take part in its presence and keep a record of all that they see:
// the npm package `ably` in this process, and in processes of their own Maven's io.ably:ably-java (java/Peer.java) and
// Parley's client for Java (java/ParleyPeer.java).
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { clientClassPath } from "../lib/java-client.mjs"
import { jdkProgram } from "../lib/jdk.mjs"
import { within } from "../lib/wait.mjs"

/** Messages under way at once. */
const WINDOW = 32
const ANSWER_TIMEOUT_MS = 60_000

const at = path => fileURLToPath(new URL(path, import.meta.url))
const JAVA_FOLDER = at("java")

/** What message number `n` of a peer says: some are longer, so that messages do not end where packets do. */
const says = n => "…".repeat(n % 7 === 0 ? (n * 13) % 500 : n % 20)

/**
 * What every peer has: `received`, messages as {by, n, text, serial} in the order of their arrival; `acknowledged`, its
 * own messages as {n, serial}, without the serial if its client does not tell it; `complaints`, what must not happen:
 * refused messages and lost continuity.
 */
class Peer {
  received = []
  acknowledged = []
  complaints = []

  constructor(name) {
    this.name = name
  }
}

export class JsPeer extends Peer {
  #client
  #channel

  static async start({ server, url, name, channel, binary }) {
    const peer = new JsPeer(name)
    peer.#client = server.realtime({ url, clientId: name, useBinaryProtocol: binary })
    peer.#channel = peer.#client.channels.get(channel)
    await peer.#channel.attach()
    for (const event of ["attached", "update"]) {
      peer.#channel.on(event, change => {
        if (!change.resumed) peer.complaints.push(`${event} without resumed: ${change.reason}`)
      })
    }
    await peer.#channel.subscribe(({ data, serial }) => peer.received.push({ ...data, serial }))
    await peer.#channel.presence.enter("started")
    return peer
  }

  /** Publishes the messages from number `from` to before `to`; resolves when all are answered. */
  async publish(from, to) {
    let next = from
    const one = async () => {
      for (let n = next++; n < to; n = next++) {
        try {
          const { serials } = await this.#channel.publish("numbered", { by: this.name, n, text: says(n) })
          this.acknowledged.push({ n, serial: serials[0] })
        } catch (error) {
          this.complaints.push(`message ${n} was refused: ${error}`)
        }
      }
    }
    await Promise.all(Array.from({ length: WINDOW }, one))
  }

  present(data) {
    return this.#channel.presence.update(data)
  }

  /** Who is there, as this peer sees it: {clientId: data}. */
  async members() {
    const members = await this.#channel.presence.get()
    return Object.fromEntries(members.map(({ clientId, data }) => [clientId, data]))
  }

  async close() {
    this.#client.close()
    await this.#client.connection.whenState("closed")
  }
}

export class JavaPeer extends Peer {
  static source = "Peer.java"
  static classPath = at("../target/ably-java/*")

  #process
  #answer
  #errors = ""

  static async start({ server, url, name, channel, binary }) {
    const peer = new this(name)
    const java = await jdkProgram(server.pid, "java")
    const { hostname, port } = new URL(url)
    const format = binary ? "msgpack" : "json"
    peer.#process = spawn(
      java,
      ["-cp", this.classPath, join(JAVA_FOLDER, this.source), hostname, port, server.keys[0].keyStr, format, channel, name],
      { stdio: ["pipe", "pipe", "pipe"] },
    )
    process.on("exit", () => peer.#process.kill("SIGKILL"))
    peer.#process.stderr.setEncoding("utf8").on("data", text => (peer.#errors = (peer.#errors + text).slice(-5_000)))
    peer.#process.on("exit", status => peer.#answer?.reject(new Error(`the Java peer ended (${status}): ${peer.#errors}`)))
    createInterface(peer.#process.stdout).on("line", line => peer.#heard(JSON.parse(line)))
    await peer.#reply("started")
    return peer
  }

  #heard({ event, ...details }) {
    if (event === "received") this.received.push(details)
    else if (event === "acknowledged") this.acknowledged.push(details)
    else if (event === "complaint") this.complaints.push(details.text)
    else this.#answer.resolve({ event, ...details })
  }

  async #reply(expected) {
    const reply = new Promise((resolve, reject) => (this.#answer = { resolve, reject }))
    const { event, ...details } = await within(ANSWER_TIMEOUT_MS, reply, `"${expected}" from the Java peer`)
    assert.equal(event, expected)
    return details
  }

  #ask(command, expected) {
    const reply = this.#reply(expected)
    this.#process.stdin.write(`${command}\n`)
    return reply
  }

  async publish(from, to) {
    for (let n = from; n < to; n++) this.#process.stdin.write(`publish ${JSON.stringify({ n, text: says(n) })}\n`)
    await this.#ask("settle", "settled")
  }

  present(data) {
    return this.#ask(`present ${data}`, "present")
  }

  async members() {
    return (await this.#ask("members", "members")).members
  }

  async close() {
    await this.#ask("close", "closed")
  }
}

/** It speaks JSON only. */
export class ParleyPeer extends JavaPeer {
  static source = "ParleyPeer.java"
  static get classPath() {
    return clientClassPath()
  }
}
