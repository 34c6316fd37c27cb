// Sends requests that are wrong in one way each. Every one is refused with the protocol's error, or the connection
// ends; nothing is stored, and the server stays well.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { assertRefusal, assertSessionRefusal, Fortress, LIMITS, STREAMS } from "./fortress.mjs"
import { chunked, request, utf8 } from "./raw.mjs"

const TEST_TIMEOUT_MS = 120_000
const [JSON_PATH, TEXT_PATH, , CLOSED_PATH] = STREAMS.map(stream => stream.path)
const NEW_PATH = "/v1/stream/fortress/new"
const MAX_PATH = 1024

const JSON_TYPE = { "Content-Type": "application/json" }
const TEXT_TYPE = { "Content-Type": "text/plain" }
const put = (headers, body) => request("PUT", NEW_PATH, { headers: { ...TEXT_TYPE, ...headers }, body })
const post = (headers, body = "more") => request("POST", TEXT_PATH, { headers: { ...TEXT_TYPE, ...headers }, body })
const postJson = body => request("POST", JSON_PATH, { headers: JSON_TYPE, body })
const HALF_CLOSE = { halfClose: true }
const get = query => request("GET", `${TEXT_PATH}?${query}`)

let fortress
before(async () => {
  fortress = await Fortress.build()
})
after(() => fortress.fall())

/**
 * Sends each of `cases` and expects a refusal with one of `statuses`, any refusal if there are none. A case is [what,
 * bytes, options]; `halfClose`: we say that nothing more will follow; `sessions`: the path is not below that of streams,
 * and so the door of sessions answers.
 */
function refused(name, statuses, cases) {
  test(name, { timeout: TEST_TIMEOUT_MS }, async t => {
    for (const [what, bytes, { sessions, ...options } = {}] of cases) {
      await t.test(what, async () => {
        const method = bytes.slice(0, bytes.indexOf(" "))
        const assertion = sessions ? assertSessionRefusal : assertRefusal
        assertion(await fortress.send(bytes, { method, ...options }), statuses, what)
        await fortress.assertUntouched(NEW_PATH)
      })
    }
    await fortress.assertCalm()
  })
}

const verbs = ["GET", "HEAD", "PUT", "POST", "DELETE"]
const eachVerb = (what, target, options) =>
  verbs.map(verb => [
    `${verb} ${what}`,
    request(verb, target, { headers: TEXT_TYPE, body: verb === "PUT" || verb === "POST" ? "x" : undefined }),
    options,
  ])

refused(
  "paths that name no stream",
  [400, 404, 405, 414],
  [
    // GET lists the streams.
    ...eachVerb("the root", "/v1/stream/").filter(([what]) => what !== "GET the root"),
    ["a list of nothing", request("GET", "/v1/stream/?limit=0")],
    ["a list that is too long", request("GET", "/v1/stream/?limit=1001")],
    ["a list with two limits", request("GET", "/v1/stream/?limit=1&limit=2")],
    ...eachVerb("without a slash", "/v1/stream", { sessions: true }),
    ...eachVerb("nothing of ours", "/elsewhere", { sessions: true }),
    ...eachVerb("a dot", "/v1/stream/./fortress/new"),
    ...eachVerb("two dots", "/v1/stream/fortress/../fortress/new"),
    ...eachVerb("two dots out of the root", "/v1/stream/../../etc/passwd"),
    ...eachVerb("two dots at the end", "/v1/stream/fortress/.."),
    ...eachVerb("escaped dots", "/v1/stream/fortress/%2e%2E/new"),
    ...eachVerb("half escaped dots", "/v1/stream/fortress/.%2e/new"),
    ...eachVerb("no hex", "/v1/stream/fortress/%zz"),
    ...eachVerb("a lone percent", "/v1/stream/fortress/%"),
    ...eachVerb("half an escape", "/v1/stream/fortress/%4"),
    ...eachVerb("an escaped zero", "/v1/stream/fortress/%00"),
    ...eachVerb("a control character", "/v1/stream/fortress/\x01"),
    ...eachVerb("a raw zero", "/v1/stream/fortress/\x00"),
    ...eachVerb("raw UTF-8", utf8("/v1/stream/fortress/straße")),
    ...eachVerb("too long", `/v1/stream/${"x".repeat(MAX_PATH + 1)}`),
    ...eachVerb("far too long", `/v1/stream/${"x".repeat(2 * LIMITS.url)}`),
    ...eachVerb("reserved", "/v1/stream/__ds"),
    ...eachVerb("reserved and below", "/v1/stream/__ds/nothing/here"),
  ],
)

refused(
  "streams of sessions",
  [400, 401, 404, 405, 414],
  [
    ...eachVerb("of nobody", "/v1/stream/sessions/some"),
    ...eachVerb("at the other root", "/v1/streams/sessions/some"),
    ...eachVerb("without a name", "/v1/stream/sessions/"),
    ...eachVerb("with a slash", "/v1/stream/sessions/a/b"),
    ...eachVerb("with a qualifier", "/v1/stream/sessions/%5Bmeta%5Dlog"),
    ...eachVerb("with bytes that are no text", "/v1/stream/sessions/%80%FF"),
    ...eachVerb("with a name that is too long", `/v1/stream/sessions/${"x".repeat(MAX_PATH)}`),
    ["live and without an offset", request("GET", "/v1/stream/sessions/some?live=sse")],
    ["with a wrong key", request("GET", "/v1/stream/sessions/some?key=a.b:c")],
    ["with two keys", request("GET", "/v1/stream/sessions/some?key=a.b:c&key=d.e:f")],
  ],
)

refused("request lines", undefined, [
  ["an unknown method", request("FROB", TEXT_PATH)],
  ["a method in lower case", request("post", TEXT_PATH, { headers: TEXT_TYPE, body: "x" })],
  ["PATCH", request("PATCH", TEXT_PATH, { headers: TEXT_TYPE, body: "x" })],
  ["TRACE", request("TRACE", TEXT_PATH)],
  ["CONNECT", request("CONNECT", "localhost:80")],
  ["CONNECT to a stream", request("CONNECT", TEXT_PATH)],
  ["a very long method", request("X".repeat(3_000), TEXT_PATH)],
  ["a method of odd characters", request("P\x7fST", TEXT_PATH, { headers: TEXT_TYPE, body: "x" })],
  ["HTTP/0.9", `POST ${TEXT_PATH}\r\n\r\nx`],
  ["HTTP/2.0 in text", request("POST", TEXT_PATH, { version: "HTTP/2.0", headers: TEXT_TYPE, body: "x" })],
  ["HTTP/9.9", request("POST", TEXT_PATH, { version: "HTTP/9.9", headers: TEXT_TYPE, body: "x" })],
  ["no HTTP version", request("POST", TEXT_PATH, { version: "HTTP/x", headers: TEXT_TYPE, body: "x" })],
  ["a space in the path", request("POST", `${TEXT_PATH} x`, { headers: TEXT_TYPE, body: "x" })],
  ["another protocol", "EHLO example.org\r\nMAIL FROM:<a@example.org>\r\n\r\n"],
  ["a TLS hello", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + "\x42".repeat(160)],
  ["zeros", "\x00".repeat(1_000)],
  ["an endless line", `GET /${"x".repeat(100_000)}`],
])

test("HTTP/2 that is none ends the connection", { timeout: TEST_TIMEOUT_MS }, async t => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
  const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
  const cases = [
    ["a preface and garbage", preface + "garbage".repeat(50)],
    ["a broken preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"],
    ["half a preface", "PRI * HTTP/2.0\r\n\r\nS"],
    ["a frame beyond the limit", `${preface}\xff\xff\xff\x04\x00\x00\x00\x00\x00${"x".repeat(1000)}`],
    ["headers without settings", `${preface}\x00\x00\x03\x01\x05\x00\x00\x00\x01abc`],
    ["headers that are no HPACK", `${preface}${settings}\x00\x00\x05\x01\x05\x00\x00\x00\x01\xff\xff\xff\xff\xff`],
    ["data for no stream", `${preface}${settings}\x00\x00\x01\x00\x01\x00\x00\x00\x09x`],
    ["settings of an odd size", `${preface}\x00\x00\x05\x04\x00\x00\x00\x00\x00abcde`],
    ["a window beyond its bounds", `${preface}${settings}\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\xff\xff`],
    ["a preface only", preface],
  ]
  for (const [what, bytes] of cases) {
    await t.test(what, async () => {
      const connection = await fortress.connect()
      connection.write(bytes)
      await connection.end()
      connection.close()
    })
  }
  await fortress.assertUntouched(NEW_PATH)
  await fortress.assertCalm()
})

test("a broken upgrade to HTTP/2 is refused", { timeout: TEST_TIMEOUT_MS }, async () => {
  const headers = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "!!!" }
  const response = await fortress.send(request("POST", `${TEXT_PATH}/none`, { headers, body: "x" }))
  assert.equal(response?.status ?? 400, 400)
})

refused(
  "lifetimes",
  [400],
  [
    ...["-1", "01", "1.5", "+5", "1e3", "99999999999999999999", "9223372036854775807", "abc", "0x10", "1 2"].map(
      value => [`Stream-TTL: ${value}`, put({ "Stream-TTL": value })],
    ),
    ...[
      "yesterday",
      "2030-13-01T00:00:00Z",
      "2030-01-01",
      "-1",
      "+999999999-12-31T23:59:59Z",
      "+1000000000-01-01T00:00:00Z",
      "1969-12-31T23:59:59Z",
      "1e9",
    ].map(value => [`Stream-Expires-At: ${value}`, put({ "Stream-Expires-At": value })]),
    ["both", put({ "Stream-TTL": "60", "Stream-Expires-At": "2090-01-01T00:00:00Z" })],
  ],
)

refused(
  "producers",
  [400],
  [
    ...["-1", "1.5", "9007199254740992", "99999999999999999999999", "abc", "1e2", "0x1", "+1", utf8("١")].flatMap(
      value => [
        [`Producer-Epoch: ${value}`, post({ "Producer-Id": "p", "Producer-Epoch": value, "Producer-Seq": "0" })],
        [`Producer-Seq: ${value}`, post({ "Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": value })],
      ],
    ),
    ["an empty id", post({ "Producer-Id": "", "Producer-Epoch": "0", "Producer-Seq": "0" })],
    ["a long id", post({ "Producer-Id": "p".repeat(300), "Producer-Epoch": "0", "Producer-Seq": "0" })],
    ["an id alone", post({ "Producer-Id": "p" })],
    ["no id", post({ "Producer-Epoch": "0", "Producer-Seq": "0" })],
    ["no sequence number", post({ "Producer-Id": "p", "Producer-Epoch": "0" })],
  ],
)

refused(
  "forks",
  [400, 404, 409],
  [
    ["of no path", put({ "Stream-Forked-From": "fortress/text" })],
    ["of the root", put({ "Stream-Forked-From": "/v1/stream/" })],
    ["of dots", put({ "Stream-Forked-From": "/v1/stream/../x" })],
    ["of nothing", put({ "Stream-Forked-From": "/v1/stream/absent" })],
    ["of what is reserved", put({ "Stream-Forked-From": "/v1/stream/__ds/x" })],
    ["of itself", put({ "Stream-Forked-From": NEW_PATH })],
    ["of another type", put({ "Stream-Forked-From": JSON_PATH })],
    ["an offset without a source", put({ "Stream-Fork-Offset": "-1" })],
    ...["zzz", "-2", "now", "0000000000000000_9999999999999999", "9999999999999999_0000000000000000", "0", "0_0"].map(
      value => [`Stream-Fork-Offset: ${value}`, put({ "Stream-Forked-From": TEXT_PATH, "Stream-Fork-Offset": value })],
    ),
    ...["-1", "1.5", "x", "99999999999999999999", "01", "9999999999999999"].map(value => [
      `Stream-Fork-Sub-Offset: ${value}`,
      put({ "Stream-Forked-From": TEXT_PATH, "Stream-Fork-Offset": "-1", "Stream-Fork-Sub-Offset": value }),
    ]),
  ],
)

refused(
  "content types",
  [400, 409],
  [
    ["PUT garbage", put({ "Content-Type": "garbage" })],
    ["PUT with a slash only", put({ "Content-Type": "/" })],
    ["PUT too long", put({ "Content-Type": `text/${"x".repeat(300)}` })],
    ["PUT with a control character", put({ "Content-Type": "text/plain; a=\x01" })],
    ["PUT with DEL", put({ "Content-Type": "text/plain; a=\x7f" })],
    ["POST without one", request("POST", TEXT_PATH, { body: "x" })],
    ["POST with another one", post({ "Content-Type": "application/json" }, "{}")],
    ["POST garbage", post({ "Content-Type": "garbage" })],
    ["POST JSON as text", request("POST", JSON_PATH, { headers: TEXT_TYPE, body: "{}" })],
    ["POST to a closed stream", request("POST", CLOSED_PATH, { headers: TEXT_TYPE, body: "x" })],
  ],
)

refused(
  "queries",
  [400, 414],
  [
    ...[
      "abc",
      "-2",
      "0",
      "now%00",
      "0000000000000000_000000000000000",
      "0000000000000000_00000000000000000",
      "0000000000000000_9999999999999999",
      "9999999999999999_9999999999999999",
      "-1%0d%0aX:%20y",
      "%zz",
      "%",
      utf8("%D9%A1"),
    ].map(value => [`offset=${value}`, get(`offset=${value}`)]),
    ["two offsets", get("offset=-1&offset=-1")],
    ["two modes", get("offset=-1&live=sse&live=long-poll")],
    ["an unknown mode", get("offset=-1&live=carrier-pigeon")],
    ["an empty mode", get("offset=-1&live=")],
    ["a live read without an offset", get("live=sse")],
    ["a long query", get(`offset=-1&x=${"y".repeat(2 * LIMITS.url)}`)],
  ],
)

refused("headers that are none", undefined, [
  ["a control character in a value", post({ "Stream-Seq": "a\x01b" })],
  ["a zero in a value", post({ "Stream-Seq": "a\x00b" })],
  [
    "a space in a name",
    request("POST", TEXT_PATH, { headers: ["Content-Type: text/plain", "Stream Seq: 1"], body: "x" }),
  ],
  [
    "a space before the colon",
    request("POST", TEXT_PATH, { headers: ["Content-Type: text/plain", "Stream-Seq : 1"], body: "x" }),
  ],
  ["no colon", request("POST", TEXT_PATH, { headers: ["Content-Type: text/plain", "nonsense"], body: "x" })],
  ["a long Stream-Seq", post({ "Stream-Seq": "9".repeat(300) })],
  ["a huge header", post({ "X-Huge": "x".repeat(2 * LIMITS.header) })],
  ["many headers", post(Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`X-${i}`, "y"])))],
])

refused("message framing", undefined, [
  ...["-1", "abc", "1e3", "0x10", "99999999999999999999", "+5", "5 5", "5,6"].map(value => [
    `Content-Length: ${value}`,
    post({ "Content-Length": value }, "hello"),
  ]),
  [
    "two lengths",
    request("POST", TEXT_PATH, {
      headers: ["Content-Type: text/plain", "Content-Length: 5", "Content-Length: 6"],
      body: "hello!",
    }),
  ],
  ["a length and chunks", post({ "Content-Length": "5", "Transfer-Encoding": "chunked" }, chunked("hello", [5]))],
  ...["gzip", "chunked, gzip", "xchunked"].map(value => [
    `Transfer-Encoding: ${value}`,
    post({ "Transfer-Encoding": value }, chunked("hello", [5])),
  ]),
  ...[
    "zz\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    "7FFFFFFF\r\nhello",
    "5\r\nhelloXX0\r\n\r\n",
    "\r\nhello\r\n0\r\n\r\n",
    `5;${"x".repeat(50_000)}\r\nhello\r\n0\r\n\r\n`,
    "5\r\nhello\r\n0\r\nnonsense\r\n\r\n",
    "5\r\nhello\r\n",
    "5\r\nhel",
  ].map(body => [
    `chunks: ${JSON.stringify(body.slice(0, 30))}`,
    post({ "Transfer-Encoding": "chunked" }, body),
    HALF_CLOSE,
  ]),
  ["a body that ends too early", post({ "Content-Length": "100" }, "hello"), HALF_CLOSE],
  ["an unknown expectation of a body too large", post({ Expect: "100-continue", "Content-Length": "999999999" }, "x")],
  ["no body", post({}, "")],
])

refused(
  "bodies that are too large",
  [413],
  [
    ["by their length", post({}, "x".repeat(LIMITS.body + 1))],
    ["by far", post({ "Content-Length": "99999999999" }, "x")],
    ["in chunks", post({ "Transfer-Encoding": "chunked" }, chunked("x".repeat(LIMITS.body + 1), [LIMITS.body, 1]))],
    [
      "in many chunks",
      post(
        { "Transfer-Encoding": "chunked" },
        chunked("x".repeat(4 * LIMITS.body), Array(1024).fill(LIMITS.body / 256)),
      ),
    ],
    ["of a new stream", put({}, "x".repeat(LIMITS.body + 1))],
  ],
)

refused(
  "JSON that is none",
  [400],
  [
    ...[
      "",
      " ",
      "{",
      "[",
      "]",
      "{]",
      "[1,2",
      "[1,]",
      "[,1]",
      '{"a":1',
      '{"a":}',
      '{"a" 1}',
      "{a:1}",
      "{'a':1}",
      "tru",
      "nul",
      "NaN",
      "Infinity",
      "-",
      "01",
      "1.",
      ".5",
      "+1",
      "0x1",
      '"',
      '"abc',
      '"\x01"',
      '"\\x"',
      '"\\u12"',
      '{"a":1}{"b":2}',
      "1 2",
      "[1] x",
      "// c\n1",
      "/* c */1",
      "[]",
      "\x00",
      "\x00\x00\x00[",
      "[\x00]",
      "#",
      "<json/>",
    ].map(body => [JSON.stringify(body), postJson(body)]),
    ["UTF-16", postJson(Buffer.from('{"a":1}', "utf16le").toString("latin1"))],
    ["a byte that UTF-8 has not", postJson('"\xff"')],
    ["a lone continuation byte", postJson('"\x80"')],
    ["a cut sequence", postJson('"\xe2\x82"')],
    ["an overlong slash", postJson('"\xc0\xaf"')],
    ["an overlong zero of three bytes", postJson('"\xe0\x80\x80"')],
    ["a surrogate in UTF-8", postJson('"\xed\xa0\x80"')],
    ["beyond Unicode", postJson('"\xf5\x80\x80\x80"')],
    ["bad UTF-8 in a name", postJson('{"\xc3\x28":1}')],
    ["arrays too deep", postJson("[".repeat(20_000) + "]".repeat(20_000))],
    ["objects too deep", postJson('{"a":'.repeat(5_000) + "1" + "}".repeat(5_000))],
    ["arrays without an end", postJson("[".repeat(60_000))],
  ],
)

test("escapes in paths keep streams apart", { timeout: TEST_TIMEOUT_MS }, async () => {
  const escaped = "/v1/stream/fortress/a%2Fb"
  const created = await fortress.send(request("PUT", escaped, { headers: TEXT_TYPE, body: "x" }))
  assert.equal(created.status, 201)
  assert.equal((await fortress.head("/v1/stream/fortress/a/b")).status, 404)
  assert.equal((await fortress.head("/v1/stream/fortress/a%2fb")).status, 200)
  const deleted = await fortress.send(request("DELETE", escaped))
  assert.equal(deleted.status, 204)
})

test("odd requests that are allowed", { timeout: TEST_TIMEOUT_MS }, async () => {
  const cases = [
    ["HTTP/1.0", request("GET", TEXT_PATH, { version: "HTTP/1.0" }), 200],
    ["a huge condition", request("GET", TEXT_PATH, { headers: { "If-None-Match": '"x",'.repeat(1_000) } }), 200],
    ["a cursor of nonsense", get(`offset=now&cursor=${"9".repeat(40)}`), 200],
    ["a strange query", get("offset=-1&&&==&x"), 200],
    ["repeated parameters of others", get(`offset=-1&${"a=b&".repeat(500)}`), 200],
    [
      "Stream-Closed of nonsense",
      request("PUT", TEXT_PATH, { headers: { ...TEXT_TYPE, "Stream-Closed": "perhaps" } }),
      200,
    ],
  ]
  for (const [what, bytes, status] of cases) {
    const response = await fortress.send(bytes)
    assert.equal(response?.status, status, `${what}: ${response?.body}`)
  }
  await fortress.assertUntouched(NEW_PATH)
  await fortress.assertCalm()
})
