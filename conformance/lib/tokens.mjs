// Tokens and token requests as a backend makes them, and as an attacker would like to.
import { createHmac, randomBytes } from "node:crypto"

const part = value => Buffer.from(JSON.stringify(value)).toString("base64url")

/** A JWT signed with the app's key, issued now or at `issuedS`; `lifetimeS` may be negative. `claims`: further ones. */
export function jwt({ keyName, keySecret }, { capability, clientId, lifetimeS = 3_600, alg = "HS256", issuedS, claims: more = {} } = {}) {
  const issued = issuedS ?? Math.floor(Date.now() / 1_000)
  const claims = {
    iat: issued + Math.min(0, 2 * lifetimeS),
    exp: issued + lifetimeS,
    ...(capability && { "x-ably-capability": JSON.stringify(capability) }),
    ...(clientId && { "x-ably-clientId": clientId }),
    ...more,
  }
  const signed = `${part({ typ: "JWT", alg, kid: keyName })}.${part(claims)}`
  return `${signed}.${alg === "none" ? "" : createHmac("sha256", keySecret).update(signed).digest("base64url")}`
}

/** A signed request for a token; `changes` to it are signed too. */
export function tokenRequest({ keyName, keySecret }, changes = {}) {
  const request = { keyName, timestamp: Date.now(), nonce: randomBytes(16).toString("hex"), ...changes }
  const text = ["keyName", "ttl", "capability", "clientId", "timestamp", "nonce"]
    .map(field => `${request[field] ?? ""}\n`)
    .join("")
  return { ...request, mac: createHmac("sha256", keySecret).update(text).digest("base64") }
}

export const basic = key => `Basic ${Buffer.from(key).toString("base64")}`
export const bearer = token => `Bearer ${Buffer.from(token).toString("base64")}`
