// A scripted model's answer: a few hundred tokens in stages. After each stage but the last the model waits for the
// test, so that a reload happens in mid-answer by construction and not by luck.

const STAGES = 6
const TOKENS_PER_STAGE = 60
const ENDINGS = [" ", ", ", ".\n\n", " ☃ ", ' "quoted" ', " <b>&amp;</b> ", " 🎈 ", "\t"]

export function scriptedAnswer() {
  const token = n => `token${n}${ENDINGS[n % ENDINGS.length]}`
  const stages = Array.from({ length: STAGES }, (_, stage) =>
    Array.from({ length: TOKENS_PER_STAGE }, (_, i) => token(stage * TOKENS_PER_STAGE + i)))
  const text = stages.flat().join("")
  const gates = stages.map(() => {
    const gate = {}
    gate.opened = new Promise(resolve => (gate.open = resolve))
    return gate
  })

  return {
    text,
    /** What a page must show at the end of each stage. */
    shown: stages.map((_, stage) => stages.slice(0, stage + 1).flat().join("")),
    /** Lets the model go on to the stage after this one. */
    release: stage => gates[stage].open(),
    async *tokens() {
      for (const [stage, tokens] of stages.entries()) {
        yield* tokens
        if (stage < STAGES - 1) await gates[stage].opened
      }
    },
  }
}
