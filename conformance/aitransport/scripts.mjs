// What agents are told to say, chunk by chunk, in scenarios in which the words of a model would not do. A number is a gate:
// the agent waits until the test opens it, or until somebody cancels.

const BEGIN = [{ type: "start" }, { type: "start-step" }]
const END = [{ type: "finish-step" }, { type: "finish", finishReason: "stop" }]

const begun = (id, words, kind = "text") => [
  { type: `${kind}-start`, id },
  ...words.split(/(?<= )/).map(delta => ({ type: `${kind}-delta`, id, delta })),
]
const goesOn = (id, delta) => ({ type: "text-delta", id, delta })
const said = (id, words) => [...begun(id, words), { type: "text-end", id }]

const FILE = { type: "file", mediaType: "text/plain", url: "data:text/plain;charset=utf-8;base64,4piDIPCfjog=" }
const FAR_FILE = { type: "file", mediaType: "image/png", url: "https://example.com/a%20b/☃.png?size=1&of=🎈#top" }
const PLACE = { type: "data-place", id: "here", data: { city: "Bern ☃", mood: "🎈", bytes: "AAH/", none: null, list: [1, [], {}] } }
const PAGE = { type: "source-url", sourceId: "s1", url: "https://example.com/?q=☃", title: "A \"page\" 🎈" }
const BOOK = { type: "source-document", sourceId: "s2", mediaType: "application/pdf", title: "A book", filename: "book.pdf" }
const chart = (...points) => ({ type: "data-chart", id: "chart", data: { points, title: "☃ 🎈" } })
const NOTE = { type: "data-note", data: "a note" }
const STEP = { type: "step-start" }
const text = text => ({ type: "text", text })

/** A message of a person with parts of all kinds. */
export const QUESTION = [text("what is all this? ☃"), FAR_FILE, FILE, PLACE]

/** Parts of all kinds in two rounds with the model; data that passes is shown to nobody who looks at the conversation. */
export const ALL_KINDS = {
  name: "all kinds",
  rounds: [
    [
      ...BEGIN, ...said("a", "Here you are: 🎈 "), FILE, chart(1), { type: "data-passing", data: { percent: 10 }, transient: true }, NOTE, 0,
      PAGE, BOOK, chart(1, 2), { type: "data-passing", data: { percent: 90 }, transient: true }, NOTE, { type: "finish-step" }, 1,
      { type: "start-step" }, ...said("a", "And ☃ too."), FAR_FILE, chart(1, 2, 3), ...END,
    ],
  ],
}
const first = points => [STEP, text("Here you are: 🎈 "), FILE, chart(...points), NOTE]

/** What must be shown of it when the agent waits at each gate, and in the end. */
export const ALL_KINDS_SHOWN = [
  first([1]),
  [...first([1, 2]), PAGE, BOOK, NOTE],
  [...first([1, 2, 3]), PAGE, BOOK, NOTE, STEP, text("And ☃ too."), FAR_FILE],
]

const call = toolCallId => ({ type: "tool-weather", toolCallId })
const CITY = { city: "Bern" }

/** The moments at which an agent that works can be cancelled: what it has said by then is what there will be of it. */
export const MOMENTS = [
  { name: "before the first token", rounds: [[{ type: "start" }, 0, { type: "start-step" }, ...said("t", "never said")]], left: [] },
  {
    name: "in mid-reasoning",
    rounds: [[...BEGIN, ...begun("r", "let me think ", "reasoning"), 0]],
    left: [STEP, { type: "reasoning", text: "let me think " }],
  },
  {
    name: "in mid-text",
    rounds: [[...BEGIN, ...said("t", "well "), ...begun("u", "I was about to "), 0]],
    left: [STEP, text("well "), text("I was about to ")],
  },
  {
    name: "in the middle of tool arguments",
    rounds: [
      [
        ...BEGIN, { type: "tool-input-start", toolCallId: "half", toolName: "weather" },
        { type: "tool-input-delta", toolCallId: "half", inputTextDelta: '{"city":"Be' }, 0,
      ],
    ],
    left: [STEP, { ...call("half"), state: "input-streaming" }],
  },
  {
    name: "while a tool runs",
    rounds: [
      [
        ...BEGIN, { type: "tool-input-available", toolCallId: "runs", toolName: "weather", input: CITY }, 0,
        { type: "tool-output-available", toolCallId: "runs", output: "never known" },
      ],
    ],
    left: [STEP, { ...call("runs"), state: "input-available", input: CITY }],
  },
  {
    name: "between two rounds with the model",
    rounds: [
      [
        ...BEGIN, { type: "tool-input-available", toolCallId: "done", toolName: "weather", input: CITY },
        { type: "tool-output-available", toolCallId: "done", output: "rain" }, ...END,
      ],
      0,
      [...BEGIN, ...said("t", "never said"), ...END],
    ],
    left: [STEP, { ...call("done"), state: "output-available", input: CITY, output: "rain" }],
  },
]

/** An answer before whose last word the agent waits. */
export const almostDone = name => ({
  name,
  rounds: [[...BEGIN, ...begun("t", "almost "), 0, goesOn("t", "done"), { type: "text-end", id: "t" }, ...END]],
})
export const ALMOST = [STEP, text("almost ")]

/** A call that somebody has to approve, for which the agent suspends its run. */
export const asksFor = toolCallId => ({
  name: `asks for ${toolCallId}`,
  rounds: [
    [
      ...BEGIN, { type: "tool-input-available", toolCallId, toolName: "remove", input: {} },
      { type: "tool-approval-request", toolCallId, approvalId: `may I ${toolCallId}` }, ...END,
    ],
  ],
  suspends: true,
})

/** Two answers to one message, told piece by piece in turn. */
export const DUET = ["poet", "critic"].map(name => ({
  name,
  rounds: [
    [
      ...BEGIN, ...begun("t", `the ${name} says `), 0, goesOn("t", "one ☃ "), 1, goesOn("t", "two 🎈"),
      { type: "text-end", id: "t" }, ...END,
    ],
  ],
}))
export const duetText = name => `the ${name} says one ☃ two 🎈`
