import type { Attributes } from '@opentelemetry/api'
import type { AttemptFacts, Facts, Outcome, Phase, Route } from '../facts.ts'
import { attemptAttributes as name } from './span-table.ts'

/** Whom a try asks for what, as its span names it. */
export interface Try {
  readonly upstream: {
    readonly name: string
    /** `gen_ai.provider.name` */
    readonly provider: string
    readonly address: string
    readonly port: number
  }
  /** `gen_ai.operation.name` */
  readonly operation: string
  /** The upstream's own name for the model. */
  readonly model: string | undefined
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

/** When the first event came; of an answer in one piece there is none, only a first piece of its body. */
export function firstEventOf({ mode }: Facts, { firstEventAt }: AttemptFacts): number | undefined {
  return mode === 'plain' ? undefined : firstEventAt
}

/** What is known of a try before it begins; undefined members are left out by OpenTelemetry. */
export function callAttributes({ upstream, operation, model }: Try): Attributes {
  return {
    [name.operation.name]: operation,
    [name.provider.name]: upstream.provider,
    [name.requestModel.name]: model,
    [name.address.name]: upstream.address,
    [name.port.name]: upstream.port,
    [name.upstream.name]: upstream.name,
  }
}

/** What the facts know of a try when its request is over. */
export function factAttributes(facts: Facts, attempt: AttemptFacts): Attributes {
  const { choices, temperature, topP, maxTokens } = facts.parameters
  const { startedAt, usage } = attempt
  const firstEventAt = firstEventOf(facts, attempt)
  return {
    [name.stream.name]: facts.mode !== 'plain',
    [name.choices.name]: choices === 1 ? undefined : choices,
    [name.temperature.name]: temperature,
    [name.topP.name]: topP,
    [name.maxTokens.name]: maxTokens,
    [name.timeToFirstChunk.name]: firstEventAt === undefined ? undefined : (firstEventAt - startedAt) / 1000,
    [name.error.name]: errorType(attempt),
    [name.inputTokens.name]: usage?.input,
    [name.outputTokens.name]: usage?.output,
    [name.cachedTokens.name]: usage?.cached,
    [name.reasoningTokens.name]: usage?.reasoning,
    ...(attempt === answering(facts) ? answerAttributes(facts) : {}),
  }
}

function answerAttributes({ response }: Facts): Attributes {
  return {
    [name.responseId.name]: response.id,
    [name.responseModel.name]: response.model,
    [name.finishReasons.name]: response.finishReasons,
  }
}

const begun = ({ firstEventAt }: AttemptFacts) => firstEventAt !== undefined

/** The try that the answer is of: the one that succeeded, or else the last one whose stream got somewhere. */
function answering({ attempts }: Facts): AttemptFacts | undefined {
  return attempts.find(({ outcome }) => outcome === 'ok') ?? attempts.findLast(begun) ?? attempts.at(-1)
}
