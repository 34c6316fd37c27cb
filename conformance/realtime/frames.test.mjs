// Sends frames that no client should send. Each is answered with an error or the end of the connection, or does nothing;
// others are served meanwhile, the server complains of nothing, and its heap does not grow.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { inspect } from "node:util"
import msgpack from "@ably/msgpack-js"
import { seededRandom } from "../lib/random.mjs"
import { eventually } from "../lib/wait.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { ACTION, WireConnection } from "./wire.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const RANDOM_FRAMES = FULL ? 20_000 : 1_000
const CHANNELS = 100_000
const PINGS = 20_000
/** More than all buffers between a client and the server take, on either machine. */
const FLOOD_BYTES = 32 << 20
const FLOOD_AT_ONCE = 16
const FRAME_BYTES = 128 << 10
const JAVA_OPTIONS = "-Xmx128m"
/** Generous: a server that kept what each frame leaves would take far more. */
const MAX_GROWTH_BYTES = 16 << 20
const WAIT_MS = 60_000
const TEST_TIMEOUT_MS = FULL ? 900_000 : 180_000
const CHANNEL = "persisted:frames"

let server, bystander, heapBefore
before(async () => {
  server = await AppServer.start({
    namespaces: [{ id: "persisted", persisted: true }],
    settings: {
      "realtime.message-bytes": FRAME_BYTES >> 1,
      "realtime.frame-bytes": FRAME_BYTES,
      "realtime.slow-timeout": 1_000,
      "engine.cache-bytes": 8 << 20,
    },
    env: { PARLEY_JAVA_OPTS: JAVA_OPTIONS },
  })
  bystander = server.realtime({ clientId: "bystander" })
  await bystander.channels.get(CHANNEL).presence.enter("unharmed")
  heapBefore = await server.heap()
})
after(async () => {
  bystander?.close()
  await server?.end()
})

const FORMATS = {
  json: message => JSON.stringify(message),
  msgpack: message => msgpack.encode(message),
}

const connect = format => WireConnection.connect(server.url, { key: server.keys[0].keyStr, format })

const messages = {
  message: { action: ACTION.message, channel: CHANNEL, msgSerial: 0, messages: [{ id: "a:0", name: "n", data: "d", encoding: "utf-8", clientId: "c", extras: { headers: { h: 1 } } }] },
  presence: { action: ACTION.presence, channel: CHANNEL, msgSerial: 0, presence: [{ action: 2, clientId: "c", data: "d" }] },
  attach: { action: ACTION.attach, channel: CHANNEL, flags: 1 << 17, params: { rewind: "1" } },
  detach: { action: ACTION.detach, channel: CHANNEL },
  auth: { action: ACTION.auth, auth: { accessToken: "abc" } },
  heartbeat: { action: ACTION.heartbeat, id: "x" },
}

const WRONG = [null, true, -1, 0, 1.5, 2 ** 53, -(2 ** 62), 1e308, "", "x", "💥", [], [[]], [null], {}, { a: { b: 1 } }]

/** Every way to put something wrong in the place of one part of `value`. */
function* spoiled(value) {
  for (const wrong of WRONG) yield wrong
  if (typeof value !== "object") return
  for (const key of Object.keys(value)) {
    for (const part of spoiled(value[key])) {
      const copy = structuredClone(value)
      copy[key] = part
      yield copy
    }
    const copy = structuredClone(value)
    delete copy[key]
    yield copy
  }
}

/** Sends the frames one by one and checks what becomes of the connection, which is made anew when it has ended. */
async function storm(format, frames) {
  let connection
  let survived = 0
  for (const frame of frames) {
    connection ??= await connect(format)
    connection.send(frame)
    const goesOn = await stillThere(connection, format).catch(cause => {
      throw new Error(`after the frame ${inspect(frame, { maxStringLength: 500 })}`, { cause })
    })
    if (goesOn) {
      survived++
    } else {
      connection.cut()
      connection = undefined
    }
  }
  connection?.cut()
  await assertUnharmed()
  return { sent: frames.length, survived }
}

let asked = 0

/** Whether the connection goes on; if not, it has been closed. All that was said on it must be well-formed. */
async function stillThere(connection, format) {
  const id = `still there? ${asked++}`
  if (connection.open) connection.send(FORMATS[format]({ action: ACTION.heartbeat, id }))
  const answered = () => connection.received.some(message => message.id === id)
  await connection.until(() => answered() || !connection.open, "an answer or the end of the connection")
  const goesOn = answered()
  for (const { action, error } of connection.drain()) {
    assert.ok(Object.values(ACTION).includes(action), `an unknown action ${action}`)
    if ([ACTION.nack, ACTION.error].includes(action)) {
      assert.ok(error.code > 0 && error.statusCode >= 400 && error.message, JSON.stringify(error))
      assert.ok(error.statusCode < 500, `the server takes the blame: ${JSON.stringify(error)}`)
    }
  }
  return goesOn
}

/** Others are served, and nothing was logged that is not to be expected. */
async function assertUnharmed() {
  const channel = bystander.channels.get(CHANNEL)
  await channel.publish("unharmed", "still served")
  const members = await channel.presence.get({ clientId: "bystander" })
  assert.deepEqual(members.map(({ data }) => data), ["unharmed"])
  assert.doesNotMatch(server.log(), /\bERROR\b|^\s+at /m)
}

for (const [format, encode] of Object.entries(FORMATS)) {
  test(`${format}: parts that are of the wrong kind`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const frames = Object.values(messages).flatMap(message => [...spoiled(message)].map(encode))
    const { sent, survived } = await storm(format, frames)
    t.diagnostic(`${sent} frames; the connection survived ${survived} of them`)
  })

  test(`${format}: messages that are cut short or go on`, { timeout: TEST_TIMEOUT_MS }, async () => {
    const whole = Buffer.from(encode(messages.message))
    const text = bytes => (format === "json" ? bytes.toString() : bytes)
    const cut = Array.from({ length: whole.length }, (_, end) => text(whole.subarray(0, end)))
    await storm(format, [...cut, text(Buffer.concat([whole, whole])), text(Buffer.concat([whole, Buffer.from([0])]))])
  })

  test(`${format}: random and mutated bytes`, { timeout: TEST_TIMEOUT_MS }, async t => {
    const random = seededRandom(t)
    const noise = length => Buffer.from(Array.from({ length }, () => random.between(0, 255)))
    const originals = Object.values(messages).map(message => Buffer.from(encode(message)))
    const frames = Array.from({ length: RANDOM_FRAMES }, (_, i) => {
      if (i % 4 === 0) return noise(random.between(0, 500))
      const mutated = Buffer.from(random.oneOf(originals))
      for (let n = random.between(1, 4); n > 0; n--) mutated[random.between(0, mutated.length - 1)] = random.between(0, 255)
      return mutated
    })
    // As text a frame has to be UTF-8, which the WebSocket itself looks after.
    await storm(format, format === "json" ? frames.map(bytes => bytes.toString("utf8")) : frames)
  })
}

test("frames of the other format", { timeout: TEST_TIMEOUT_MS }, async () => {
  const all = Object.values(messages)
  await storm("json", all.map(FORMATS.msgpack))
  await storm("msgpack", all.map(FORMATS.json))
})

test("deep nesting", { timeout: TEST_TIMEOUT_MS }, async () => {
  const depth = (FRAME_BYTES >> 1) - 1_000
  const json = inner => `{"action":15,"channel":"${CHANNEL}","msgSerial":0,"messages":[{"data":"x","extras":${inner}}]}`
  await storm("json", [
    "[".repeat(depth),
    "[".repeat(depth) + "]".repeat(depth),
    '{"a":'.repeat(depth / 5),
    json("[".repeat(depth / 2) + "]".repeat(depth / 2)),
    json('{"a":'.repeat(depth / 10) + "1" + "}".repeat(depth / 10)),
  ])
  const field = inner => Buffer.concat([Buffer.from([0x81]), msgpack.encode("extras"), inner])
  const arrays = Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])])
  const maps = Buffer.concat([Buffer.from("81a161".repeat(depth / 3), "hex"), Buffer.from([0xc0])])
  const inMessage = extras => {
    const bytes = msgpack.encode({ ...messages.message, messages: [{ data: "x", extras: "HERE" }] })
    const at = bytes.indexOf("HERE") - 1
    return Buffer.concat([bytes.subarray(0, at), extras, bytes.subarray(at + 5)])
  }
  await storm("msgpack", [arrays, maps, field(arrays), field(maps), inMessage(arrays), inMessage(maps)])
})

test("giant strings, and lengths that nobody keeps", { timeout: TEST_TIMEOUT_MS }, async () => {
  const giant = "g".repeat(FRAME_BYTES - 1_000)
  const { message, presence, attach } = messages
  for (const [format, encode] of Object.entries(FORMATS)) {
    await storm(format, [
      { ...message, channel: giant },
      { ...attach, channel: giant },
      { ...attach, channelSerial: giant },
      { ...attach, params: { rewind: giant } },
      { ...attach, params: { [giant]: "1" } },
      { ...message, messages: [{ data: giant }] },
      { ...message, messages: [{ name: giant }] },
      { ...message, messages: [{ id: giant, data: "d" }] },
      { ...message, messages: [{ clientId: giant, data: "d" }] },
      { ...message, messages: [{ encoding: giant, data: "d" }] },
      { ...message, messages: [{ extras: { [giant]: giant.slice(0, 100) }, data: "d" }] },
      { ...message, messages: Array(20_000).fill({}) },
      { ...presence, presence: [{ action: 2, clientId: giant }] },
      { ...presence, presence: Array(2_000).fill({ action: 2, clientId: "c", data: "d" }) },
      { action: ACTION.auth, auth: { accessToken: giant } },
      { action: ACTION.heartbeat, id: giant },
      { action: ACTION.message, channel: CHANNEL, msgSerial: 0, messages: [{ data: giant + giant }] },
    ].map(encode))
  }
  const announced = head => Buffer.concat([Buffer.from("81a46e616d65", "hex"), Buffer.from(head, "hex"), Buffer.from("abc")])
  // Strings, bytes, arrays, maps and extensions of up to 4 GiB, of which three bytes follow.
  await storm("msgpack", ["dbffffffff", "db7fffffff", "c6ffffffff", "ddffffffff", "dd7fffffff", "dfffffffff", "df7fffffff", "c9ffffffff01"].map(announced))
})

test("a frame that goes on for ever is cut off", { timeout: TEST_TIMEOUT_MS }, async () => {
  const connection = await connect("json")
  const part = "x".repeat(16 << 10)
  connection.socket.send('{"action":15,"channel":"', { fin: false })
  for (let sent = 0; connection.open; sent += part.length) {
    assert.ok(sent < 64 << 20, "the server takes all of it")
    await new Promise(resolve => connection.socket.send(part, { fin: false }, () => setImmediate(resolve)))
  }
  await connection.closed()
  await assertUnharmed()
})

test("who does not read is cut off, and others are served", { timeout: TEST_TIMEOUT_MS }, async () => {
  const channel = `${CHANNEL}:flood`
  const stuck = await connect("json")
  await stuck.ask({ action: ACTION.attach, channel }, "attached")
  stuck.socket.pause()
  const text = "f".repeat(FRAME_BYTES >> 2)
  const flood = server.realtime({ echoMessages: false })
  for (let sent = 0; sent < FLOOD_BYTES; sent += text.length * FLOOD_AT_ONCE) {
    await Promise.all(Array.from({ length: FLOOD_AT_ONCE }, () => flood.channels.get(channel).publish("flood", text)))
  }
  await eventually(
    WAIT_MS,
    async () => (await server.metric("parley_realtime_attachments")) === 1, // the bystander's
    "the one who does not read to be cut off",
  )
  flood.close()
  stuck.cut()
  await assertUnharmed()
})

test(`${PINGS} pings`, { timeout: TEST_TIMEOUT_MS }, async () => {
  const connection = await connect("json")
  for (let n = 0; n < PINGS && connection.open; n++) connection.socket.ping(Buffer.alloc(125))
  await stillThere(connection, "json")
  connection.cut()
  await assertUnharmed()
})

test(`${CHANNELS} channels on one connection`, { timeout: TEST_TIMEOUT_MS }, async t => {
  const connection = await connect("json")
  let refused = 0
  let attached = 0
  for (let n = 0; n < CHANNELS && connection.open; ) {
    for (const end = n + 1_000; n < end; n++) connection.send({ action: ACTION.attach, channel: `channel ${n}` })
    // In rounds, so that this process does not hold all of the answers.
    const id = `round ${n}`
    connection.send({ action: ACTION.heartbeat, id })
    await connection.until(() => !connection.open || connection.received.some(message => message.id === id), "the answers")
    for (const { action } of connection.drain()) {
      if (action === ACTION.attached) attached++
      if (action === ACTION.error) refused++
    }
  }
  t.diagnostic(`${attached} attached, ${refused} refused, ${connection.open ? "still open" : "closed"}`)
  assert.ok(refused > 0 || !connection.open, "one connection may have any number of channels")
  connection.cut()
  await assertUnharmed()
})

test("the heap is as it was", { timeout: TEST_TIMEOUT_MS }, async t => {
  let grown
  await eventually(
    WAIT_MS,
    async () => (grown = (await server.heap()) - heapBefore) < MAX_GROWTH_BYTES,
    "the heap to be small again",
  ).finally(() => t.diagnostic(`the heap grew by ${Math.round(grown / 1024)} KiB`))
})
