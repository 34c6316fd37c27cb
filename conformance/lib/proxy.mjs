// A TCP proxy that spoils connections: it stands in for the network between a client and the server.
import { once } from "node:events"
import { connect, createServer } from "node:net"

const STALL_MS = 100

/**
 * Starts a proxy before `targetUrl`. For each connection `nextFault` is asked for a fault:
 *
 *   { on: "request" | "response", afterBytes, how: "reset" | "half-close" | "stall" }
 *
 * or undefined for none. The first `afterBytes` bytes in that direction pass; the byte after them brings the fault:
 * "reset" cuts both sides, "half-close" ends the client's incoming side and leaves it to the client to hang up,
 * "stall" passes nothing more in that direction until STALL_MS later, then cuts. So { on: "response", afterBytes: 0 }
 * delivers a request and loses its answer.
 */
export async function startProxy(targetUrl, nextFault = () => undefined) {
  const sockets = new Set()
  const proxy = {
    /** Where connections go; may change, for instance when the server is restarted. */
    target: new URL(targetUrl),
    faults: 0,
    url: undefined,
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
    let left = fault ? fault.afterBytes : Infinity
    sockets.add(from)
    from.on("error", cut) // the other side hung up: pass it on
    from.on("close", () => {
      sockets.delete(from)
      to.end()
    })
    from.on("end", () => to.end())
    to.on("drain", () => from.resume())
    from.on("data", chunk => {
      if (left < 0) return
      const passed = chunk.subarray(0, left)
      if (passed.length > 0 && !to.write(passed)) from.pause()
      if (chunk.length <= left) {
        left -= chunk.length
        return
      }
      left = -1
      proxy.faults++
      if (fault.how === "reset") cut()
      if (fault.how === "half-close") to.end()
      if (fault.how === "stall") setTimeout(cut, STALL_MS)
    })
  }

  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  proxy.url = `http://127.0.0.1:${server.address().port}`
  return proxy
}
