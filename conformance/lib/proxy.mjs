// A TCP proxy that spoils connections: it stands in for the network between a client and the server.
import { once } from "node:events"
import { connect, createServer } from "node:net"

const STALL_MS = 100

/**
 * Starts a proxy before `targetUrl`. For each new connection `nextFault` chooses a fault:
 *
 *   { on: "request" | "response", afterBytes, how: "reset" | "half-close" | "stall" }
 *
 * The first `afterBytes` bytes in that direction pass; the byte after them brings the fault: "reset" cuts both sides,
 * "half-close" ends what the client receives and leaves it to the client to hang up, "stall" passes nothing more
 * and cuts STALL_MS later. So { on: "response", afterBytes: 0 } delivers a request and loses its answer.
 * After `faultLimit` faults the proxy passes everything.
 */
export async function startProxy(targetUrl, { faultLimit = 0, nextFault = () => undefined } = {}) {
  const sockets = new Set()
  const proxy = {
    url: undefined,
    /** Where connections go; changes when the server comes back on another port. */
    target: new URL(targetUrl),
    faults: 0,
    /** Cuts every open connection. */
    cutAll: () => sockets.forEach(socket => socket.resetAndDestroy()),
    async close() {
      server.close()
      proxy.cutAll()
      await once(server, "close")
    },
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    const { hostname, port } = proxy.target
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true })
    const fault = nextFault()
    const cut = () => {
      client.resetAndDestroy()
      upstream.destroy()
    }
    relay(client, upstream, fault?.on === "request" ? fault : undefined, cut)
    relay(upstream, client, fault?.on === "response" ? fault : undefined, cut)
  })

  function relay(from, to, fault, cut) {
    let left = fault?.afterBytes ?? Infinity
    let blocked = false
    sockets.add(from)
    from.on("error", cut)
    from.on("close", () => {
      sockets.delete(from)
      to.end()
    })
    from.on("end", () => to.end())
    to.on("drain", () => from.resume())
    from.on("data", chunk => {
      if (blocked) return
      if (chunk.length <= left || proxy.faults >= faultLimit) {
        left -= chunk.length
        if (!to.write(chunk)) from.pause()
        return
      }
      blocked = true
      proxy.faults++
      to.write(chunk.subarray(0, left), () => {
        if (fault.how === "reset") cut()
        if (fault.how === "half-close") to.end()
        if (fault.how === "stall") setTimeout(cut, STALL_MS)
      })
    })
  }

  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  proxy.url = `http://127.0.0.1:${server.address().port}`
  return proxy
}
