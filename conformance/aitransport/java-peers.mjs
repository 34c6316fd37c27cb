// A process with people and agents in Java; Peers.java is the other side.
import { JavaProcess } from "./java-process.mjs"

let peers = 0

export class JavaPeers {
  #process
  #hearers = new Map()

  static async start(programs) {
    const started = new JavaPeers()
    started.#process = await JavaProcess.start(programs, "Peers", [], line => started.#hearers.get(line.peer)?.(line))
    return started
  }

  /** Lets a "person" or an "agent" come, and gives how it is called. `place`: { url, key, clientId, channel }. `hear` is told of its events. */
  async open(kind, place, hear) {
    const name = `${kind} ${++peers}`
    this.#hearers.set(name, hear)
    await this.#process.call(kind, name, place)
    return (method, ...args) => this.#process.call(method, name, args)
  }

  /** Ends the process: by a signal, or in good order, in which all its peers leave. */
  end = signal => this.#process.end(signal)
}
