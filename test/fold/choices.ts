import fc from 'fast-check'

type Fields = Record<string, unknown>

/** A tool call as it will be in the answer. */
export interface Call {
  id: string
  name: string
  text: string
  custom: boolean
}

/** One choice as it will be in the answer. */
export interface Choice {
  content: string | null
  refusal: string
  reasoning: string
  calls: Call[]
  logprobs: number[]
  finish: string
}

const text = fc.string({ unit: 'binary', maxLength: 12 })

const call: fc.Arbitrary<Call> = fc.record({
  id: fc.string({ minLength: 1, maxLength: 4 }),
  name: fc.string({ minLength: 1, maxLength: 4 }),
  text,
  custom: fc.boolean(),
})

export const choice: fc.Arbitrary<Choice> = fc.record({
  content: fc.option(text),
  refusal: fc.oneof(fc.constant(''), text),
  reasoning: fc.oneof(fc.constant(''), text),
  calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }),
  logprobs: fc.array(fc.integer({ min: -9, max: -1 }), { maxLength: 3 }),
  finish: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter'),
})

/** Cuts a text where the source of numbers says, into pieces that may be empty. */
export type Cutter = (whole: string) => string[]

export function cutterOf(random: () => number): Cutter {
  return (whole) => {
    const pieces = []
    for (let at = 0; at < whole.length; ) {
      const next = at + Math.floor(random() * 4)
      pieces.push(whole.slice(at, next))
      at = next
    }
    return pieces
  }
}

/** The deltas that a choice is streamed as, in the order in which they must arrive; calls follow one another. */
export function deltasOf(choice: Choice, cut: Cutter): Fields[] {
  const { content, refusal, reasoning, calls, logprobs } = choice
  const deltas: Fields[] = [{ delta: { role: 'assistant', content: content === null ? null : '' } }]
  if (reasoning !== '') deltas.push(...cut(reasoning).map((piece) => ({ delta: { reasoning_content: piece } })))
  if (content !== null) deltas.push(...cut(content).map((piece) => ({ delta: { content: piece } })))
  if (refusal !== '') deltas.push(...cut(refusal).map((piece) => ({ delta: { refusal: piece } })))
  deltas.push(
    ...logprobs.map((logprob) => ({ delta: {}, logprobs: { content: [{ token: 't', logprob }], refusal: null } })),
  )
  deltas.push(...calls.flatMap((each, index) => fragmentsOf(each, index, cut)))
  return deltas
}

/** The deltas of one tool call: its head, then its arguments in pieces. */
export function fragmentsOf({ id, name, text, custom }: Call, index: number, cut: Cutter): Fields[] {
  const key = custom ? 'input' : 'arguments'
  const kind = custom ? 'custom' : 'function'
  const head = { index, id, type: kind, [kind]: { name, [key]: '' } }
  const tails = cut(text).map((piece) => ({ index, [kind]: { [key]: piece } }))
  return [head, ...tails].map((fragment) => ({ delta: { tool_calls: [fragment] } }))
}

/** The message and its surroundings that {@link deltasOf} must come to. */
export function expectedOf({ content, refusal, reasoning, calls, logprobs, finish }: Choice, index: number): Fields {
  const toolCalls = calls.map(({ id, name, text, custom }) => {
    const kind = custom ? 'custom' : 'function'
    return { id, type: kind, [kind]: { name, [custom ? 'input' : 'arguments']: text } }
  })
  const message = {
    role: 'assistant',
    content,
    refusal: refusal === '' ? null : refusal,
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
  }
  const list = logprobs.map((logprob) => ({ token: 't', logprob }))
  return { index, message, logprobs: list.length > 0 ? { content: list, refusal: null } : null, finish_reason: finish }
}

export const envelope = { id: 'chatcmpl-p', object: 'chat.completion.chunk', created: 1, model: 'm' }

/** The chunk with which a choice ends. */
export function ending(finish: string, index: number): Fields {
  return { ...envelope, choices: [{ index, delta: {}, finish_reason: finish }] }
}
