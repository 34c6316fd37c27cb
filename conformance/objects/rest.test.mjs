// Objects over REST, spoken by hand: paths with and without stars, batches that happen wholly or not at all, ids under
// which a change happens once, limits, and the error of everything that cannot be done.
import { after, before, test } from "node:test"
import assert from "node:assert/strict"
import { AppServer } from "../lib/app-server.mjs"
import { basic } from "../lib/tokens.mjs"

const MAX_VALUE = 64 * 1024
let server
let channels = 0
before(async () => {
  const capabilities = [{ "*": ["*"] }, { "*": ["object-subscribe"] }, { "*": ["object-publish"] }]
  server = await AppServer.start({ keys: capabilities.map(capability => ({ capability: JSON.stringify(capability) })) })
})
after(async () => {
  server.assertNoErrorLogged()
  await server.end()
})

/** A channel of its own for a test, as somebody with key number `key` has it. */
function channel(name = `objects${channels++}`, key = 0) {
  const url = `${server.url}/channels/${name}/object`
  const headers = { Authorization: basic(server.keys[key].keyStr), "Content-Type": "application/json" }
  const call = async (url, options) => {
    const response = await fetch(url, { headers, ...options })
    const body = await response.json()
    return { status: response.status, code: body?.error?.code, body }
  }
  return {
    as: other => channel(name, other),
    get: (query = {}, id = "") => call(`${url}${id && "/"}${encodeURIComponent(id)}?${new URLSearchParams(query)}`),
    post: operations => call(url, { method: "POST", body: JSON.stringify(operations) }),
    async done(operations) {
      const { status, body } = await this.post(operations)
      assert.equal(status, 201, JSON.stringify(body))
      return body
    },
    async refused(operations, code, status = 400) {
      const answer = await this.post(operations)
      assert.deepEqual([answer.status, answer.code], [status, code], JSON.stringify(answer.body))
    },
  }
}

const set = (path, key, value) => ({ path, mapSet: { key, value } })
const map = (path, entries = {}) => ({ path, mapCreate: { semantics: 0, entries } })
const counter = (path, count) => ({ path, counterCreate: { count } })
const increment = (path, number) => ({ path, counterInc: { number } })

test("a star stands for every key of one map", async () => {
  const plan = channel()
  for (const path of ["posts", "posts.a", "posts.b", "posts.b\\.c"]) await plan.done(map(path))
  for (const post of ["a", "b", "b\\.c"]) await plan.done(counter(`posts.${post}.votes`, 1))
  await plan.done(set("posts", "note", { string: "no map" }))
  const { objectIds } = await plan.done(increment("posts.*.votes", 2))
  assert.equal(objectIds.length, 3)
  await plan.done(increment("posts.b\\.c.votes", 10))
  await plan.done(set("posts.*", "seen", { boolean: true }))
  assert.deepEqual((await plan.get()).body, {
    posts: {
      a: { votes: 3, seen: true },
      b: { votes: 3, seen: true },
      "b.c": { votes: 13, seen: true },
      note: "no map",
    },
  })
  assert.deepEqual((await plan.get({ path: "posts.*.votes" })).body, [3, 3, 13])
  assert.deepEqual((await plan.get({ path: "none.*" })).body, [])
})

test("circles end in ids", async () => {
  const plan = channel()
  const { objectIds } = await plan.done(map("loop"))
  await plan.done(set("loop", "self", { objectId: objectIds[0] }))
  assert.deepEqual((await plan.get()).body, { loop: { self: { objectId: objectIds[0] } } })
  assert.equal((await plan.get({ path: "loop.self.self", compact: false })).body.objectId, objectIds[0])
})

test("a batch happens wholly or not at all", async () => {
  const plan = channel()
  await plan.done([counter("a", 1), counter("b", 1)])
  await plan.refused([increment("a", 5), { objectId: "counter:none@1", counterInc: { number: 1 } }], 92004, 404)
  await plan.refused([increment("a", 5), increment("c", 1)], 92005, 404)
  await plan.done([increment("a", 2), increment("*", 3)])
  assert.deepEqual((await plan.get()).body, { a: 6, b: 4 })
})

test("what has an id happens once, and a repeated create is the same object", async () => {
  const plan = channel()
  const made = await plan.done({ ...counter("a", 1), id: "create" })
  assert.equal(made.messageId, "create")
  assert.deepEqual(await plan.done({ ...counter("a", 1), id: "create" }), made)
  for (let n = 0; n < 3; n++) await plan.done({ ...increment("a", 2), id: "one" })
  await plan.done({ ...increment("a", 2), id: "two" })
  await server.kill()
  await server.restart()
  await plan.done([{ ...increment("a", 2), id: "two" }, increment("a", 10)])
  assert.deepEqual((await plan.get()).body, { a: 15 })
})

test("what cannot be done is refused by its own code", async () => {
  const plan = channel()
  assert.deepEqual((await plan.get()).body, {}, "a channel in which nothing has happened")
  await plan.done([set("", "text", { string: "t" }), counter("count", 1)])
  const missing = async (query, id, code) => {
    const answer = await plan.get(query, id)
    assert.deepEqual([answer.status, answer.code], [404, code])
  }
  await missing({}, "map:none@1", 92004)
  await missing({ path: "none" }, "", 92005)
  await missing({ path: "text.deeper" }, "", 92005)
  await plan.refused(increment("none", 1), 92005, 404)
  await plan.refused(increment("text", 1), 92007)
  await plan.refused(set("count", "k", { number: 1 }), 92007)
  await plan.refused(map("*"), 92007)
  await plan.refused({ counterInc: { number: 1 } }, 92006)
  await plan.refused(set("", "k", { objectId: "map:none@1" }), 92004, 404)
  await plan.refused({ objectId: "root", counterInc: { number: 1 } }, 92000)
  await plan.refused({ objectId: "map:x@1", mapCreateWithObjectId: { initialValue: "{}", nonce: "n" } }, 92000)
  await plan.refused({ path: "" }, 92000)
  await plan.refused(set("", "k", {}), 92000)
  await plan.refused(increment("count", "1"), 40003)
  await plan.refused([], 40000)
  await plan.refused("nothing", 40001)
  assert.deepEqual((await plan.get()).body, { text: "t", count: 1 })
})

test("keys and requests have a greatest size", async () => {
  const plan = channel()
  await plan.done(set("", "k", { string: "x".repeat(MAX_VALUE - 1) }))
  await plan.refused(set("", "k", { string: "x".repeat(MAX_VALUE) }), 40009, 413)
  await plan.refused(set("", "k".repeat(2_000), { number: 1 }), 92001)
})

test("reading and changing are permitted each by itself", async () => {
  const plan = channel()
  await plan.done(counter("a", 1))
  const [reads, changes] = [plan.as(1), plan.as(2)]
  assert.deepEqual((await reads.get()).body, { a: 1 })
  await reads.refused(increment("a", 1), 40160, 401)
  await changes.done(increment("a", 1))
  assert.equal((await changes.get()).code, 40160)
})
