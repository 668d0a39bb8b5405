/** What the demo's upstream plays: streams written down once, each event with the pause before it. */

export interface RecordedEvent {
  /** Milliseconds after the event before it. */
  readonly afterMs: number
  readonly data: Readonly<Record<string, unknown>>
}

export interface Recording {
  readonly events: readonly RecordedEvent[]
  /** The event with the token counts, which goes out only when `stream_options.include_usage` asks for it. */
  readonly usage: RecordedEvent
}

type Delta = Readonly<Record<string, unknown>>
type Said = readonly [index: number, delta: Delta, finish?: string]

const model = 'demo-stream-only'

/** A model thinks before its first word, and then speaks as unevenly as this. Milliseconds. */
const thinkingMs = 320
const rhythmMs = [35, 60, 40, 95, 30, 55]

/** What the model says, with the envelope and the pauses that make it a stream. */
function record(id: string, said: readonly Said[], [prompt, completion]: readonly [number, number]): Recording {
  const envelope = { id: `chatcmpl-${id}`, object: 'chat.completion.chunk', created: 1_764_028_800, model }
  const events = said.map(([index, delta, finish], at) => ({
    afterMs: at === 0 ? thinkingMs : (rhythmMs[at % rhythmMs.length] ?? 0),
    data: { ...envelope, choices: [{ index, delta, finish_reason: finish ?? null }] },
  }))
  const counts = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
  return { events, usage: { afterMs: 20, data: { ...envelope, choices: [], usage: counts } } }
}

/** Words as a tokenizer would cut them, near enough: each with the space before it. */
function words(text: string): string[] {
  return text.match(/\s?\S+/g) ?? []
}

function speech(id: string, text: string, promptTokens: number): Recording {
  const pieces = words(text)
  const said: Said[] = [
    [0, { role: 'assistant', content: '' }],
    ...pieces.map((content): Said => [0, { content }]),
    [0, {}, 'stop'],
  ]
  return record(id, said, [promptTokens, pieces.length])
}

const sky = speech('demo-sky', 'Air scatters short waves most, so blue light comes to you from all over the sky.', 13)

const other = speech(
  'demo-other',
  'This is a recording: the built-in upstream says this to whatever you ask. Set UPSTREAM_API_URL to ask a real model.',
  12,
)

const advice = speech('demo-advice', 'Take a light jacket to Paris, and an umbrella to Oslo.', 96)

/** A piece of the arguments of one of several calls. */
function call(index: number, args: string): Said {
  return [0, { tool_calls: [{ index, function: { arguments: args } }] }]
}

function opened(index: number, id: string): Said {
  const made = { index, id, type: 'function', function: { name: 'get_weather', arguments: '' } }
  return [0, { tool_calls: [made] }]
}

/** Two calls at once, whose pieces come mixed, after thoughts in a field that only some providers have. */
const weather = record(
  'demo-weather',
  [
    [0, { role: 'assistant', content: null }],
    [0, { reasoning_content: 'Two cities,' }],
    [0, { reasoning_content: ' so two calls.' }],
    opened(0, 'call_paris'),
    opened(1, 'call_oslo'),
    call(0, '{"city"'),
    call(1, '{"ci'),
    call(0, ': "Par'),
    call(1, 'ty": "Os'),
    call(1, 'lo"}'),
    call(0, 'is"}'),
    [0, {}, 'tool_calls'],
  ],
  [71, 38],
)

/** Two choices whose pieces come mixed. */
const two = record(
  'demo-two',
  [
    [0, { role: 'assistant', content: '' }],
    [1, { role: 'assistant', content: '' }],
    [0, { content: 'Asked' }],
    [1, { content: 'A river' }],
    [0, { content: ' for a stream,' }],
    [1, { content: ' goes in,' }],
    [1, { content: ' a lake' }],
    [0, { content: ' answered' }],
    [0, { content: ' with a sea.' }],
    [1, { content: ' comes out.' }],
    [1, {}, 'stop'],
    [0, {}, 'stop'],
  ],
  [15, 15],
)

/** JSON after a schema, which is none before its last piece has come. */
const packing = record(
  'demo-packing',
  [
    [0, { role: 'assistant', content: '' }],
    [0, { content: '{"city":' }],
    [0, { content: '"Os' }],
    [0, { content: 'lo","celsius":9,' }],
    [0, { content: '"bring":["umb' }],
    [0, { content: 'rella","jacket"' }],
    [0, { content: ']}' }],
    [0, {}, 'stop'],
  ],
  [44, 17],
)

/** The recordings, by what is asked. */
export const recordings = { sky, weather, advice, two, packing, other } as const

/** What a client asked the demo's upstream, as far as it decides what is played. */
export interface Question {
  /** How many choices. */
  readonly n: number
  readonly lastRole: string
  readonly lastText: string
  /** The names of the functions that may be called. */
  readonly tools: readonly string[]
  /** Whether the answer must follow a JSON schema. */
  readonly bySchema: boolean
}

/** The recording that answers a question. */
export function recordingFor({ n, lastRole, lastText, tools, bySchema }: Question): Recording {
  if (n === 2) return two
  // Without this look at the role, a client that runs the tools would be sent back to them for ever.
  if (lastRole === 'tool') return advice
  if (tools.includes('get_weather')) return weather
  if (bySchema) return packing
  return /\bsky\b/i.test(lastText) ? sky : other
}
