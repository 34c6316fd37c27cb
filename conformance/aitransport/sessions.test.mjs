// Shows that @ably/ai-transport, unmodified, works with the server in all it promises: in JSON and in MessagePack, while
// connections break, and while the server is killed and comes back. In the end everybody sees the same conversation,
// and so does a person who uses the Java client.
import { FORMATS, ofEachScenario, playAll, TROUBLES } from "./plays.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const ANSWERS = 300
const ANSWERS_IN_SHORT = 30
/** On a busy machine, agents need some of it to come back when the server has been killed. */
const RUN_GRACE_MS = 10_000

const play = index => trouble => {
  // In short, troubles come in one of the formats, the next scenario's in the other.
  const formats = FULL || trouble === "none" ? FORMATS : [FORMATS[index % FORMATS.length]]
  return formats.map(format => {
    const long = FULL || (trouble === "none" && format === "JSON")
    return { trouble, agents: "npm", people: "npm", format, answers: long ? ANSWERS : ANSWERS_IN_SHORT }
  })
}

playAll(ofEachScenario(index => TROUBLES.flatMap(play(index))), { runGrace: RUN_GRACE_MS })
