// A process that attacks: told by its parent whom, how and how hard. It reports when the attack stands, keeps it up until
// it is told to stop, and reports again.
import { once } from "node:events"
import { attacks } from "./attacks.mjs"
import { Weapons } from "./weapons.mjs"

const [{ name, load, transport, target, number }] = await once(process, "message")
process.once("disconnect", () => process.exit(1))
const weapons = new Weapons(target, transport, number)
await attacks[name].run(weapons, load)
process.send(weapons.report())
await once(process, "message")
weapons.drop()
process.send(weapons.report())
