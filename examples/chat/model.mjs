// The model behind the agent: a real one if there is a key for it, else a scripted one that answers at reading speed.

/** With AI_GATEWAY_API_KEY the AI SDK finds any model of Vercel's AI Gateway by its name. */
export const chooseModel = () =>
  process.env.AI_GATEWAY_API_KEY ? (process.env.MODEL ?? "anthropic/claude-sonnet-4.5") : new ScriptedModel()

const WORD_MS = Number(process.env.WORD_MS ?? 90)

const ANSWERS = [
  `Here is a day out that works in any weather. Start early with coffee by the river, while the market is still being set
up and the bakers have the last warm rolls. Then take the funicular up to the old town: the view is best before eleven,
when the haze comes.

For lunch there is a small place behind the clock tower that has four tables and one dish a day. Ask for the terrace. In
the afternoon walk down through the gardens, past the bear park, and along the water until you reach the museum; it is
quiet on weekdays, and the top floor is worth the stairs.

If it rains, swap the gardens for the arcades: six kilometres of covered shops, cellars and theatres, so you can walk the
whole town without an umbrella. End with a swim if you dare: the river carries you past the parliament, and the showers
are free. The last train home leaves at half past ten.`,

  `A good question, and the answer has three parts. First, decide what must not go wrong: the thing that people would
notice and remember. Put your time there, and be content with less everywhere else.

Second, write down what you expect before you look. It takes a minute, and it is the only way to be surprised by what you
find. Most of what we call experience is a list of such surprises.

Third, stop while it still works. Leave the next step obvious, so that tomorrow begins with something easy. It sounds
like laziness, but it is how long things get finished: a little every day, with a clear place to pick up, and nobody
having to start again from the beginning because somebody closed a laptop.`,

  `Let me think about that from the other side. Suppose it had already worked: what would be different? Probably not the
tools. Probably people would simply trust that what they wrote is there, that what they read is complete, and that nobody
sees something else.

That is less a feature than an absence: no spinner that never ends, no half sentence after a reload, no answer that comes
twice, no "please try again". You only notice such things when they are missing.

So the way to get there is to list the moments at which things usually break, and to make each of them boring. The
connection drops: boring. The page is reloaded: boring. The server is restarted in the middle of a word: boring. When all
of them are boring you are done, and can go and have lunch.`,
]

class ScriptedModel {
  specificationVersion = "v3"
  provider = "scripted"
  modelId = "day-out"
  supportedUrls = {}

  async doStream({ prompt, abortSignal }) {
    // A question more, another answer.
    const answer = ANSWERS[prompt.filter(({ role }) => role === "user").length % ANSWERS.length]
    const asked = prompt.at(-1).content.map(part => part.text).join("")
    return { stream: ReadableStream.from(speak(`You said: "${asked}". ${answer.replaceAll(/(?<!\n)\n(?!\n)/g, " ")}`, abortSignal)) }
  }
}

async function* speak(text, abortSignal) {
  yield { type: "stream-start", warnings: [] }
  yield { type: "text-start", id: "text" }
  for (const word of text.match(/\S+\s*/g)) {
    if (abortSignal?.aborted) return
    await new Promise(resolve => setTimeout(resolve, WORD_MS))
    yield { type: "text-delta", id: "text", delta: word }
  }
  yield { type: "text-end", id: "text" }
  const inputTokens = { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 }
  const outputTokens = { total: 0, text: 0, reasoning: 0 }
  yield { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage: { inputTokens, outputTokens } }
}
