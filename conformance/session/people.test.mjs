// Shows that people with nothing but HTTP can do all that the scenarios ask for, with agents that use @ably/ai-transport,
// unmodified: while connections break, and while the server is killed and comes back. Somebody who uses that library watches,
// and in the end everybody sees the same conversation.
import { FORMATS, ofEachScenario, playAll, TROUBLES } from "../aitransport/plays.mjs"

const FULL = process.env.PARLEY_TEST_FULL === "1"
/** The session door makes a conversation of the newest 1,000 messages of a session; an answer is some five of them. */
const ANSWERS = 100
const ANSWERS_IN_SHORT = 10
const RUN_GRACE_MS = 10_000

const answers = FULL ? ANSWERS : ANSWERS_IN_SHORT
const troubles = index => (FULL ? TROUBLES : [TROUBLES[index % TROUBLES.length]])

playAll(
  ofEachScenario(index =>
    troubles(index).map(trouble => ({ trouble, agents: "npm", people: "HTTP", format: FORMATS[(index >> 1) % FORMATS.length], answers })),
  ),
  { runGrace: RUN_GRACE_MS },
)
