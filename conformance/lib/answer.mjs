// A scripted model's answer: tokens in stages. After each stage but the last the model waits for the test, so that a
// reload happens in mid-answer by construction and not by luck.

const ENDINGS = [" ", ", ", ".\n\n", " ☃ ", ' "quoted" ', " <b>&amp;</b> ", " 🎈 ", "\t"]

export function scriptedAnswer({ about = "token", stages: stageCount = 6, tokensPerStage = 60 } = {}) {
  const token = n => `${about}${n}${ENDINGS[n % ENDINGS.length]}`
  const stages = Array.from({ length: stageCount }, (_, stage) =>
    Array.from({ length: tokensPerStage }, (_, i) => token(stage * tokensPerStage + i)))
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
    /** The tokens; ends early when `signal` aborts. */
    async *tokens(signal = new AbortController().signal) {
      const aborted = new Promise(resolve => signal.addEventListener("abort", resolve, { once: true }))
      for (const [stage, tokens] of stages.entries()) {
        if (signal.aborted) return
        yield* tokens
        if (stage < stages.length - 1) await Promise.race([gates[stage].opened, aborted])
      }
    },
  }
}
