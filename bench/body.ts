/** Words of different lengths, some of them wider than a byte, so that decoding is part of what is measured. */
const words =
  'Streams of tokens arrive — one by one, naïvely “quoted”, 一个 接 一个 — until the model has said all of it.\n'.split(
    /(?<= )/,
  )

function chunk(delta: object, finish: string | null = null, usage?: object): object {
  return {
    id: 'chatcmpl-benchmark0000000000001',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'bench',
    system_fingerprint: 'fp_benchmark',
    choices: usage ? [] : [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(usage ? { usage } : {}),
  }
}

/** The events of a chat answer of `words` pieces: a role, the pieces, a finish and the usage. */
export function eventsOf(pieces: number): object[] {
  return [
    chunk({ role: 'assistant', content: '' }),
    ...Array.from({ length: pieces }, (_, at) => chunk({ content: words[at % words.length] })),
    chunk({}, 'stop'),
    chunk({}, null, { prompt_tokens: 12, completion_tokens: pieces, total_tokens: pieces + 12 }),
  ]
}

export function bodyOf(pieces: number): string {
  return `${eventsOf(pieces)
    .map((event) => `data: ${JSON.stringify(event)}\n\n`)
    .join('')}data: [DONE]\n\n`
}

/** What each event of a paced stream takes. Bytes. */
export const pacedBytes = 320

/**
 * The same stream with all its events brought to one length, as OpenAI does it: a server that sends so many bytes at a
 * time sends an event at a time. The last piece is `[DONE]`.
 */
export function pacedBodyOf(pieces: number): string {
  return `${eventsOf(pieces).map(padded).join('')}data: [DONE]\n\n`
}

function padded(event: object): string {
  const line = (obfuscation: string) => `data: ${JSON.stringify({ ...event, obfuscation })}\n\n`
  // Throws a RangeError when the event is too long by itself.
  return line('x'.repeat(pacedBytes - Buffer.byteLength(line(''))))
}

/** The same answer as plain JSON, for proxies that cannot un-stream. */
export function answerOf(pieces: number): string {
  const content = Array.from({ length: pieces }, (_, at) => words[at % words.length]).join('')
  const message = { role: 'assistant', content, refusal: null }
  return JSON.stringify({
    ...chunk({}),
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage: { prompt_tokens: 12, completion_tokens: pieces, total_tokens: pieces + 12 },
  })
}

export const request = {
  model: 'bench',
  messages: [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: 'Tell me in one paragraph how a stream becomes an answer, please.' },
  ],
  temperature: 0.7,
}
