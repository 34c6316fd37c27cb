// A session in memory, as much of one as @ably/ai-transport needs: one log, which all clients get in order.

const FIRST_TIMESTAMP = 1_700_000_000_000
const MS_BETWEEN_MESSAGES = 10
const SERIAL_DIGITS = 8
const MAX_DELIVERIES = 100_000

const copy = value => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))

export class MemorySession {
  /** All that was delivered, oldest first. */
  log = []
  #channels = new Set()
  #versions = 0

  /** A client of the session, in place of one of Ably's. */
  client(clientId) {
    const channels = new Map()
    const get = name => {
      if (!channels.has(name)) channels.set(name, new MemoryChannel(this, name, clientId))
      return channels.get(name)
    }
    return { options: {}, auth: { clientId }, channels: { get } }
  }

  add(channel) {
    this.#channels.add(channel)
  }

  remove(channel) {
    this.#channels.delete(channel)
  }

  write(clientId, { action, serial, name, data, extras }) {
    if (this.log.length === MAX_DELIVERIES) throw new Error(`more than ${MAX_DELIVERIES} deliveries`)
    const version = `01700000000000-${String(++this.#versions).padStart(SERIAL_DIGITS, "0")}`
    const now = FIRST_TIMESTAMP + this.#versions * MS_BETWEEN_MESSAGES
    const created = this.log.find(delivery => delivery.serial === serial)
    const delivery = copy({
      action,
      serial: serial ?? version,
      version: { serial: version, timestamp: now },
      // An update is delivered with its name; an append never has one.
      name: action === "message.update" ? created.name : name,
      clientId,
      timestamp: created?.timestamp ?? now,
      data,
      extras,
    })
    this.replay(delivery)
    return version
  }

  /** Delivers what was recorded before. */
  replay(delivery) {
    this.log.push(delivery)
    for (const channel of this.#channels) channel.deliver(copy(delivery))
  }

  /** The messages of the first `length` deliveries as they have become by then, newest first: what history gives. */
  history(length = this.log.length) {
    const messages = new Map()
    for (const delivery of this.log.slice(0, length)) {
      const { action, serial, version, data, extras } = delivery
      const before = messages.get(serial)
      if (!before) messages.set(serial, copy(delivery))
      else {
        const whole = action === "message.append" ? before.data + data : data
        messages.set(serial, { ...before, action: "message.update", version, data: whole, extras: extras ?? before.extras })
      }
    }
    return [...messages.values()].filter(({ extras }) => !extras?.ephemeral).reverse()
  }
}

class MemoryChannel {
  #session
  #clientId
  #listeners = new Set()
  #attachedAt = 0
  state = "initialized"
  presence = {}
  object = {}

  constructor(session, name, clientId) {
    this.#session = session
    this.#clientId = clientId
    this.name = name
  }

  on() {}
  off() {}

  async subscribe(listener) {
    this.#listeners.add(listener)
  }

  unsubscribe(listener) {
    this.#listeners.delete(listener)
  }

  async attach() {
    if (this.state === "attached") return
    this.state = "attached"
    this.#attachedAt = this.#session.log.length
    this.#session.add(this)
  }

  async detach() {
    this.state = "detached"
    this.#session.remove(this)
  }

  deliver(message) {
    for (const listener of this.#listeners) listener(message)
  }

  async publish(messages) {
    const serials = [messages].flat().map(({ name, data, extras }) =>
      this.#session.write(this.#clientId, { action: "message.create", name, data, extras }))
    return { serials }
  }

  async appendMessage({ serial, data, extras }) {
    return { versionSerial: this.#session.write(this.#clientId, { action: "message.append", serial, data, extras }) }
  }

  async updateMessage({ serial, data, extras }) {
    return { versionSerial: this.#session.write(this.#clientId, { action: "message.update", serial, data, extras }) }
  }

  async history({ limit }) {
    const messages = this.#session.history(this.#attachedAt)
    const page = start => ({
      items: messages.slice(start, start + limit),
      hasNext: () => start + limit < messages.length,
      next: async () => page(start + limit),
    })
    return page(0)
  }
}
