// Shows that people with the Java client can do all that the scenarios ask for: with agents that use @ably/ai-transport,
// unmodified, and with agents in Java; while connections break, and while the server is killed and comes back. Somebody who
// uses that library watches, and in the end everybody sees the same conversation.
import { FORMATS, ofEachScenario, playAll, TROUBLES } from "./plays.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
const ANSWERS = 300
const ANSWERS_IN_SHORT = 10
/** A client in Java may take seconds to notice a dead network. */
const RUN_GRACE_MS = 10_000

const answers = FULL ? ANSWERS : ANSWERS_IN_SHORT
const AGENTS = ["npm", "Java"]
const play = index => (trouble, next) => {
  // In short, one kind of agents has a bad network and the other a server that is killed; in the next scenario it is the other way round.
  const agents = FULL || trouble === "none" ? AGENTS : [AGENTS[(index + next) % AGENTS.length]]
  return agents.map(agents => ({ trouble, agents, people: "Java", format: FORMATS[((index >> 1) + next) % FORMATS.length], answers }))
}

playAll(ofEachScenario(index => TROUBLES.flatMap(play(index))), { runGrace: RUN_GRACE_MS })
