// Tries every operation of the doors of sessions without credentials, with bad ones, and with good ones that do not
// suffice. Each is refused with the specification's code, stores nothing, and is logged without the secret; each goes
// through with exactly the capability that it needs.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { startServer } from "../lib/server.mjs"
import { eventually } from "../lib/wait.mjs"
import { AppServer } from "../lib/app-server.mjs"
import { basic, bearer, jwt, tokenRequest } from "../lib/tokens.mjs"
import { ACTION, WireConnection } from "./wire.mjs"

const WAIT_MS = 20_000
const TEST_TIMEOUT_MS = 120_000
const CHANNEL = "persisted:guarded"
const OTHER_CHANNEL = "persisted:elsewhere"

/** Not allowed to do anything with CHANNEL. */
const ELSEWHERE = { [OTHER_CHANNEL]: ["*"] }

let server, owner, revoker
const secrets = []
before(async () => {
  server = await AppServer.start({
    keys: [{}, { capability: JSON.stringify(ELSEWHERE) }, { revocableTokens: true }],
    namespaces: [{ id: "persisted", persisted: true }],
  })
  owner = server.keys[0]
  revoker = server.keys[2]
  secrets.push(...server.keys.map(key => key.keySecret))
})
after(() => server.end())

/** A token, remembered as one that must not be logged. */
function token(key, options) {
  const made = jwt(key, options)
  secrets.push(made, made.split(".")[2])
  return made
}

// ---- The REST door -------------------------------------------------------------------------------

const channelPath = `/channels/${encodeURIComponent(CHANNEL)}`

/** Every operation: [method, path, body, the capability that it needs]. */
const REQUESTS = {
  "publish": ["POST", `${channelPath}/messages`, { name: "n", data: "by REST" }, { [CHANNEL]: ["publish"] }],
  "publish several": ["POST", `${channelPath}/messages`, [{ data: "1" }, { data: "2" }], { [CHANNEL]: ["publish"] }],
  "read history": ["GET", `${channelPath}/messages`, undefined, { [CHANNEL]: ["history"] }],
  "see who is there": ["GET", `${channelPath}/presence`, undefined, { [CHANNEL]: ["subscribe"] }],
  "read the history of presence": ["GET", `${channelPath}/presence/history`, undefined, { [CHANNEL]: ["history"] }],
  "see the state of a channel": ["GET", channelPath, undefined, { [CHANNEL]: ["channel-metadata"] }],
  "list channels": ["GET", "/channels", undefined, { "*": ["channel-metadata"] }],
}

async function request(method, path, body, authorization, headers = {}) {
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(authorization && { Authorization: authorization }), "X-Ably-Version": "6", ...headers,
      ...(body !== undefined && { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) }
}

function assertRefused({ status, headers, body }, code, what) {
  assert.equal(body?.error?.code, code, `${what}: ${status} ${JSON.stringify(body)}`)
  assert.equal(status, body.error.statusCode, what)
  assert.equal(status, code === 40400 ? 404 : code === 40012 ? 400 : 401, what)
  assert.equal(headers.get("x-ably-errorcode"), String(code), what)
  assert.ok(headers.get("x-ably-errormessage")?.length > 0, `${what}: no X-Ably-Errormessage`)
}

/** Credentials that nobody may get in with, and the codes that say so: {what: [token or key, code]}. */
function badCredentials() {
  const somebody = { keyName: owner.keyName, keySecret: "s".repeat(owner.keySecret.length) }
  const nobody = { keyName: `${server.appId}.nobody`, keySecret: somebody.keySecret }
  return {
    "an expired token": [token(owner, { lifetimeS: -60 }), 40142],
    "a token signed with another secret": [token(somebody), 40144],
    "a token that is not signed": [token(owner, { alg: "none" }), 40144],
    "a token of an unknown key": [token(nobody), 40400],
    "half a token": [token(owner).slice(0, -20), 40144],
    "a token with other claims than signed": [grafted(), 40144],
    "a key with another secret": [`${owner.keyName}:${somebody.keySecret}`, 40101],
    "a key that does not exist": [`${nobody.keyName}:${nobody.keySecret}`, 40101],
    "no key at all": ["nonsense:nonsense", 40101],
  }
}

/** The claims of a token that may do everything under the signature of one that may do little. */
function grafted() {
  const [, claims] = token(owner).split(".")
  const [header, , signature] = token(owner, { capability: ELSEWHERE }).split(".")
  return [header, claims, signature].join(".")
}

const authorizationOf = credential => (credential.includes(":") ? basic(credential) : bearer(credential))

test("REST: no operation without good credentials", { timeout: TEST_TIMEOUT_MS }, async () => {
  for (const [operation, [method, path, body]] of Object.entries(REQUESTS)) {
    assertRefused(await request(method, path, body), 40101, `${operation} without credentials`)
    for (const [what, [credential, code]] of Object.entries(badCredentials())) {
      assertRefused(await request(method, path, body, authorizationOf(credential)), code, `${operation} with ${what}`)
    }
  }
  await assertNothingStored()
})

test("REST: each operation with its capability only", { timeout: TEST_TIMEOUT_MS }, async () => {
  for (const [operation, [method, path, body]] of Object.entries(REQUESTS)) {
    if (path === "/channels") continue // is allowed to whoever may see any channel
    for (const authorization of [bearer(token(owner, { capability: ELSEWHERE })), basic(server.keys[1].keyStr)]) {
      assertRefused(await request(method, path, body, authorization), 40160, operation)
    }
  }
  await assertNothingStored()

  const needs = [...new Set(Object.values(REQUESTS).map(([, , , capability]) => JSON.stringify(capability)))].map(JSON.parse)
  for (const [operation, [method, path, body, needed]] of Object.entries(REQUESTS)) {
    for (const capability of needs) {
      const response = await request(method, path, body, bearer(token(owner, { capability })))
      const suffices = JSON.stringify(capability) === JSON.stringify(needed)
      const everywhere = capability["*"] && needed[CHANNEL]?.includes(capability["*"][0])
      const what = `${operation} with ${JSON.stringify(capability)}`
      if (suffices || everywhere) assert.ok(response.status < 300, `${what}: ${response.status} ${JSON.stringify(response.body)}`)
      else if (path !== "/channels") assertRefused(response, 40160, what)
    }
  }
})

test("REST: a batch reaches only the channels that it may", { timeout: TEST_TIMEOUT_MS }, async () => {
  const before = (await server.history(CHANNEL)).length
  const authorization = bearer(token(owner, { capability: ELSEWHERE }))
  const specs = [{ channels: [CHANNEL, OTHER_CHANNEL], messages: [{ data: "batch" }] }]
  const { body: [published] } = await request("POST", "/messages", specs, authorization)
  assert.equal(published.successCount, 1, JSON.stringify(published))
  assert.equal(published.results.find(({ channel }) => channel === CHANNEL).error.code, 40160)
  assert.equal((await server.history(CHANNEL)).length, before)

  const channels = `channels=${encodeURIComponent(`${CHANNEL},${OTHER_CHANNEL}`)}`
  const { body: presence } = await request("GET", `/presence?${channels}`, undefined, authorization)
  assert.equal(presence.results.find(({ channel }) => channel === CHANNEL).error.code, 40160)
  assert.ok(presence.results.find(({ channel }) => channel === OTHER_CHANNEL).presence)

  for (const [method, path, body] of [["POST", "/messages", specs], ["GET", `/presence?${channels}`]]) {
    assertRefused(await request(method, path, body), 40101, path)
  }
})

test("REST: nobody publishes as somebody else", { timeout: TEST_TIMEOUT_MS }, async () => {
  const before = (await server.history(CHANNEL)).length
  const alice = bearer(token(owner, { clientId: "alice" }))
  const publish = (body, authorization, headers) => request("POST", `${channelPath}/messages`, body, authorization, headers)
  assertRefused(await publish({ clientId: "bob", data: "as bob" }, alice), 40012, "another's clientId")
  assertRefused(await publish([{ data: "mine" }, { clientId: "bob", data: "as bob" }], alice), 40012, "in one of two")
  assertRefused(await publish({ clientId: "*", data: "as all" }, basic(owner.keyStr)), 40012, "the wildcard")
  assert.equal((await server.history(CHANNEL)).length, before)

  assert.equal((await publish({ clientId: "alice", data: "as alice" }, alice)).status, 201)
  assert.equal((await publish({ data: "as alice" }, alice)).status, 201)
  const named = (await server.history(CHANNEL)).slice(before)
  assert.deepEqual(named.map(({ clientId }) => clientId), ["alice", "alice"])
})

// ---- Tokens --------------------------------------------------------------------------------------

const askForToken = (key, body, authorization) => request("POST", `/keys/${key.keyName}/requestToken`, body, authorization)

test("requests for tokens that are forged, replayed, stale or ask for too much", { timeout: TEST_TIMEOUT_MS }, async () => {
  const good = tokenRequest(owner)
  const first = await askForToken(owner, good)
  assert.equal(first.status, 201, JSON.stringify(first.body))
  secrets.push(first.body.token)
  assertRefused(await askForToken(owner, good), 40105, "replayed")
  assertRefused(await askForToken(owner, { ...tokenRequest(owner), ttl: 1_000 }), 40101, "changed after signing")
  assertRefused(await askForToken(owner, { ...tokenRequest(owner), mac: "AAAA" }), 40101, "a wrong mac")
  assertRefused(await askForToken(owner, tokenRequest(owner, { timestamp: Date.now() - 3_600_000 })), 40104, "stale")
  assertRefused(await askForToken(owner, tokenRequest(owner, { timestamp: Date.now() + 3_600_000 })), 40104, "from the future")
  assertRefused(await askForToken(owner, { keyName: owner.keyName, timestamp: Date.now() }), 40101, "unsigned, without credentials")
  const little = server.keys[1]
  const tooMuch = tokenRequest(little, { capability: JSON.stringify({ [CHANNEL]: ["publish"] }) })
  assertRefused(await askForToken(little, tooMuch), 40160, "more than the key may do")

  // What is asked for beyond the key's capability is not given.
  const partly = { [CHANNEL]: ["publish"], [OTHER_CHANNEL]: ["publish"] }
  const granted = await askForToken(little, tokenRequest(little, { capability: JSON.stringify(partly) }))
  assert.deepEqual(JSON.parse(granted.body.capability), { [OTHER_CHANNEL]: ["publish"] })
  secrets.push(granted.body.token)
  const publish = path => request("POST", path, { data: "x" }, bearer(granted.body.token))
  assertRefused(await publish(`${channelPath}/messages`), 40160, "with the token of the smaller key")
  assert.equal((await publish(`/channels/${encodeURIComponent(OTHER_CHANNEL)}/messages`)).status, 201)
})

test("tokens that expire cut the connection", { timeout: TEST_TIMEOUT_MS }, async () => {
  const { connection } = await connectAnd("attach", token(owner, { lifetimeS: 2 }))
  const { error } = await connection.next("disconnected", "error")
  assert.equal(error.code, 40142)
  assert.equal(error.statusCode, 401)
  await connection.closed()
})

test("tokens that are revoked cut the connection and are not taken again", { timeout: TEST_TIMEOUT_MS }, async () => {
  const bad = token(revoker, { clientId: "mallory" })
  const good = token(revoker, { clientId: "alice" })
  const { connection } = await connectAnd("attach", bad)
  const { connection: bystander } = await connectAnd("attach", good)

  const path = `/keys/${revoker.keyName}/revokeTokens`
  const targets = { targets: ["clientId:mallory"] }
  assertRefused(await request("POST", path, targets), 40101, "revoke without credentials")
  const byToken = await request("POST", path, targets, bearer(good))
  assert.ok(byToken.status >= 400, "a token may not revoke")
  const byOther = await request("POST", path, targets, basic(owner.keyStr))
  assert.ok(byOther.status >= 400, "another key may not revoke")
  assert.ok(connection.open)

  const revoked = await request("POST", path, targets, basic(revoker.keyStr))
  assert.ok(revoked.status < 300, JSON.stringify(revoked.body))
  const { error } = await connection.next("disconnected", "error")
  assert.equal(error.code, 40141)
  await connection.closed()
  for (const [operation, [method, requestPath, body]] of Object.entries(REQUESTS)) {
    assertRefused(await request(method, requestPath, body, bearer(bad)), 40141, `${operation} with a revoked token`)
  }
  await assertCannotConnect({ accessToken: bad }, 40141)
  assert.ok(bystander.open)
  assert.ok((await request("GET", `${channelPath}/messages`, undefined, bearer(good))).status < 300)
})

// ---- The realtime door ---------------------------------------------------------------------------

const presenceMessage = (clientId, extra) =>
  ({ action: ACTION.presence, channel: CHANNEL, msgSerial: 0, presence: [{ action: 2, ...(clientId && { clientId }) }], ...extra })
const publication = (extra, ...messages) =>
  ({ action: ACTION.message, channel: CHANNEL, msgSerial: 0, messages: messages.length ? messages : [{ data: "by WebSocket" }], ...extra })
const attachment = { action: ACTION.attach, channel: CHANNEL }

const STEPS = {
  attach: connection => connection.ask(attachment, "attached", "error"),
  publish: connection => connection.ask(publication(), "ack", "nack"),
  enter: connection => connection.ask(presenceMessage("alice"), "ack", "nack"),
}

/** Connects, takes a step and gives the answer to it. */
async function connectAnd(step, accessToken, params = {}) {
  const connection = await WireConnection.connect(server.url, { accessToken, ...params })
  return { connection, answer: await STEPS[step](connection) }
}

async function assertCannotConnect(params, code) {
  const connection = await WireConnection.open(server.url, params)
  const { error, channel } = await connection.next("error", "disconnected")
  assert.equal(error.code, code, `${JSON.stringify(Object.keys(params))}: ${JSON.stringify(error)}`)
  assert.equal(channel, undefined)
  await connection.closed()
  assert.ok(!connection.received.some(({ action }) => action === ACTION.connected))
}

test("realtime: nobody connects without good credentials", { timeout: TEST_TIMEOUT_MS }, async () => {
  await assertCannotConnect({}, 40101)
  for (const [credential, code] of Object.values(badCredentials())) {
    await assertCannotConnect(credential.includes(":") ? { key: credential } : { accessToken: credential }, code)
  }
  await assertCannotConnect({ accessToken: token(owner, { clientId: "alice" }), clientId: "bob" }, 40102)
})

test("realtime: each operation with its capability only", { timeout: TEST_TIMEOUT_MS }, async () => {
  const stored = (await server.history(CHANNEL)).length
  const code = ({ error }) => [error?.code, error?.statusCode]
  for (const step of Object.keys(STEPS)) {
    const { answer } = await connectAnd(step, token(owner, { capability: ELSEWHERE, clientId: "alice" }))
    assert.deepEqual(code(answer), [40160, 401], `${step}: ${JSON.stringify(answer)}`)
  }

  // Attached, with what the capability gives and no more.
  const subscriber = token(owner, { capability: { [CHANNEL]: ["subscribe"] }, clientId: "alice" })
  const { connection: listening } = await connectAnd("attach", subscriber)
  assert.equal(code(await STEPS.publish(listening))[0], 40160)
  assert.equal(code(await listening.ask(presenceMessage("alice", { msgSerial: 1 }), "ack", "nack"))[0], 40160)
  assert.equal((await server.history(CHANNEL)).length, stored)

  const speaker = token(owner, { capability: { [CHANNEL]: ["publish"] }, clientId: "alice" })
  const { connection: speaking } = await connectAnd("attach", speaker)
  assert.equal((await STEPS.publish(speaking)).action, ACTION.ack)
  assert.equal(code(await speaking.ask(presenceMessage("alice", { msgSerial: 1 }), "ack", "nack"))[0], 40160)
  assert.equal((await listening.next("message")).messages[0].data, "by WebSocket")
  await speaking.ask({ action: ACTION.heartbeat, id: "all heard" }, "heartbeat")
  assert.ok(!speaking.received.some(({ action }) => action === ACTION.message), "heard what it may not hear")

  const member = token(owner, { capability: { [CHANNEL]: ["presence"] }, clientId: "alice" })
  const { connection: present } = await connectAnd("attach", member)
  assert.equal((await STEPS.enter(present)).action, ACTION.ack)
  assert.equal(code(await present.ask(publication({ msgSerial: 1 }), "ack", "nack"))[0], 40160)
})

test("realtime: nobody speaks as somebody else", { timeout: TEST_TIMEOUT_MS }, async () => {
  const stored = (await server.history(CHANNEL)).length
  const { connection } = await connectAnd("attach", token(owner, { clientId: "alice" }))
  const refused = [
    publication({ msgSerial: 0 }, { clientId: "bob", data: "as bob" }),
    publication({ msgSerial: 1 }, { data: "as alice" }, { clientId: "bob", data: "as bob" }),
    publication({ msgSerial: 2 }, { clientId: "*", data: "as all" }),
    presenceMessage("bob", { msgSerial: 3 }),
  ]
  for (const message of refused) {
    const { action, error } = await connection.ask(message, "ack", "nack")
    assert.equal(action, ACTION.nack, JSON.stringify(message))
    assert.equal(error.code, 40012, JSON.stringify(message))
  }
  assert.equal((await server.history(CHANNEL)).length, stored)

  const anonymous = token(owner)
  const { connection: nameless } = await connectAnd("attach", anonymous)
  const { error } = await nameless.ask(presenceMessage(undefined), "ack", "nack")
  assert.equal(error?.code, 40012)
})

test("realtime: a connection cannot become another, nor keep what it lost", { timeout: TEST_TIMEOUT_MS }, async () => {
  const renewed = async (options, ...kinds) => {
    const { connection } = await connectAnd("attach", token(owner, { clientId: "alice" }))
    return connection.ask({ action: ACTION.auth, auth: { accessToken: token(owner, options) } }, ...kinds)
  }
  assert.equal((await renewed({ clientId: "bob" }, "error")).error.code, 40102)
  assert.equal((await renewed({ clientId: "alice", lifetimeS: -60 }, "error", "disconnected")).error.code, 40142)
  const lost = await renewed({ clientId: "alice", capability: ELSEWHERE }, "error")
  assert.equal(lost.error.code, 40160)
  assert.equal(lost.channel, CHANNEL)
  assert.equal((await renewed({ clientId: "alice" }, "connected")).error, undefined)
})

test("the admin API is off unless it is asked for, and an app is ended by its own key only", { timeout: TEST_TIMEOUT_MS }, async () => {
  const path = `/apps/${server.appId}`
  const stranger = await AppServer.start()
  for (const authorization of [undefined, basic(`${owner.keyName}:${"s".repeat(40)}`), basic(stranger.keys[0].keyStr)]) {
    const { status } = await request("DELETE", path, undefined, authorization)
    assert.ok(status >= 400 && status < 500, `got ${status}`)
  }
  assert.ok((await request("GET", `${channelPath}/messages`, undefined, basic(owner.keyStr))).status < 300)
  await stranger.end()

  const closed = await startServer()
  const response = await fetch(`${closed.url}/apps`, { method: "POST", body: '{"keys":[{}]}' })
  assert.ok(response.status === 404 || response.status === 403, `got ${response.status}`)
  await closed.stop()
})

test("refusals are logged and counted, and no secret is", { timeout: TEST_TIMEOUT_MS }, async () => {
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  for (const code of ["UNAUTHENTICATED", "INVALID_CREDENTIALS", "TOKEN_EXPIRED", "TOKEN_REVOKED", "FORBIDDEN"]) {
    assert.match(metrics, new RegExp(`^parley_access_refused_total\\{.*code="${code}".*\\} [1-9]`, "m"))
  }
  await eventually(WAIT_MS, () => /Access refused/.test(server.log()), "a refusal in the log")
  for (const secret of secrets.filter(secret => secret.length > 8)) {
    assert.ok(!server.log().includes(secret), `the log has the secret ${secret}`)
  }
  assert.ok(!server.log().includes("by REST"), "the log has what a message says")
  server.assertNoErrorLogged()
})

async function assertNothingStored() {
  const everything = basic(owner.keyStr)
  for (const part of ["messages", "presence", "presence/history"]) {
    const { body } = await request("GET", `${channelPath}/${part}`, undefined, everything)
    assert.deepEqual(body, [], `${part} has something that was refused`)
  }
}
