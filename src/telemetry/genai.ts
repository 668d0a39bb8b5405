import type { Attributes } from '@opentelemetry/api'
import type { AttemptFacts, Facts, Outcome, Phase, Route } from '../facts.ts'
import { attemptAttributes as name } from './span-table.ts'

/** The part of an upstream that its spans name. */
export interface TracedUpstream {
  readonly name: string
  readonly addresses: { readonly origin: string }
}

/** The part of a call that its span names. `model` is the upstream's own name for it. */
export interface TracedCall {
  readonly operation: string
  readonly model: string | undefined
}

// The conventions' own words, by the end of the host's name. Who is not among them speaks OpenAI's API,
// and is called so: the conventions ask for the best that the instrumentation knows.
const providers: readonly (readonly [host: string, provider: string])[] = [
  ['openai.azure.com', 'azure.ai.openai'],
  ['inference.ai.azure.com', 'azure.ai.inference'],
  ['anthropic.com', 'anthropic'],
  ['amazonaws.com', 'aws.bedrock'],
  ['generativelanguage.googleapis.com', 'gcp.gemini'],
  ['aiplatform.googleapis.com', 'gcp.vertex_ai'],
  ['cohere.com', 'cohere'],
  ['deepseek.com', 'deepseek'],
  ['groq.com', 'groq'],
  ['mistral.ai', 'mistral_ai'],
  ['perplexity.ai', 'perplexity'],
  ['x.ai', 'x_ai'],
]

/** `gen_ai.provider.name` of an upstream, from its origin. */
export function providerOf(origin: string): string {
  const { hostname } = new URL(origin)
  return providers.find(([host]) => hostname === host || hostname.endsWith(`.${host}`))?.[1] ?? 'openai'
}

const operations: Readonly<Partial<Record<Route, string>>> = {
  '/v1/chat/completions': 'chat',
  '/v1/responses': 'chat',
  '/v1/completions': 'text_completion',
  '/v1/embeddings': 'embeddings',
}

/** The `gen_ai_operation_name` label of a route; undefined where no model is at work. */
export function operationOf(route: Route): string | undefined {
  return operations[route]
}

/** `error.type` of a try; undefined when it did not fail. A client that left and a lost hedge are nobody's failure. */
export function errorType({ outcome }: AttemptFacts): Outcome | undefined {
  return outcome === 'ok' || outcome === 'aborted' || outcome === 'lost_hedge' ? undefined : outcome
}

export function phaseOf({ firstEventAt }: AttemptFacts): Phase {
  return firstEventAt === undefined ? 'before_first_event' : 'mid_stream'
}

/** What is known of a try before it begins; undefined members are left out by OpenTelemetry. */
export function callAttributes(upstream: TracedUpstream, call: TracedCall): Attributes {
  const { origin } = upstream.addresses
  const { hostname, port, protocol } = new URL(origin)
  return {
    [name.operation.name]: call.operation,
    [name.provider.name]: providerOf(origin),
    [name.requestModel.name]: call.model,
    [name.address.name]: hostname,
    [name.port.name]: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    [name.upstream.name]: upstream.name,
  }
}

/** What the facts know of a try when its request is over. */
export function factAttributes(facts: Facts, attempt: AttemptFacts): Attributes {
  const { choices, temperature, topP, maxTokens } = facts.parameters
  const { startedAt, firstEventAt } = attempt
  return {
    [name.stream.name]: facts.mode !== 'plain',
    [name.choices.name]: choices === 1 ? undefined : choices,
    [name.temperature.name]: temperature,
    [name.topP.name]: topP,
    [name.maxTokens.name]: maxTokens,
    [name.timeToFirstChunk.name]: firstEventAt === undefined ? undefined : (firstEventAt - startedAt) / 1000,
    [name.error.name]: errorType(attempt),
    ...(attempt === answering(facts) ? answerAttributes(facts) : {}),
  }
}

function answerAttributes({ response, usage }: Facts): Attributes {
  return {
    [name.responseId.name]: response.id,
    [name.responseModel.name]: response.model,
    [name.finishReasons.name]: response.finishReasons,
    [name.inputTokens.name]: usage?.input,
    [name.outputTokens.name]: usage?.output,
    [name.cachedTokens.name]: usage?.cached,
    [name.reasoningTokens.name]: usage?.reasoning,
  }
}

/** The try that the answer is of: the one that succeeded, or else the last, whose stream may have got somewhere. */
function answering({ attempts }: Facts): AttemptFacts | undefined {
  return attempts.find(({ outcome }) => outcome === 'ok') ?? attempts.at(-1)
}
