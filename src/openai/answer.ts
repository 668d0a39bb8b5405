import { ProxyError } from '../errors.ts'
import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { parseExact } from '../json/exact.ts'
import { memberText } from '../json/splice.ts'
import { createParser } from '../sse/parse.ts'
import type { Api, Summary } from './api.ts'
import { identityOf } from './chunks.ts'
import { findTrouble } from './foreign.ts'
import { objectIn, readTrouble } from './trouble.ts'
import { readUsage } from './usage.ts'

/** A plain JSON answer, as text and parsed. */
export interface PlainAnswer {
  readonly text: string
  readonly value: JsonObject
}

/**
 * Reads the plain answer of an upstream that ignored `stream: true`.
 * @throws ProxyError `upstream_error` when it is an error after all, `upstream_invalid` when it is no JSON object or no
 *   answer of this API; another upstream may have one
 */
export function parseAnswer(text: string, { answerIn }: Pick<Api, 'answerIn'>): PlainAnswer {
  const value = parseObject(text)
  if (!value) throw new ProxyError('upstream_invalid')
  const trouble = findTrouble(value)
  if (trouble) throw trouble
  // Passed on, or told as a stream that is [DONE] behind nothing, it would be taken for an empty answer.
  if (answerIn && !Array.isArray(own(value, answerIn))) throw new ProxyError('upstream_invalid')
  return { text, value }
}

function parseObject(text: string): JsonObject | undefined {
  try {
    return objectIn(parseExact(text))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/**
 * The error that an upstream answered with instead of an answer. Its own words are passed on only where they have
 * OpenAI's shape: anything else may be a gateway's page that names internal hosts.
 */
export function explainRefusal(
  status: number,
  text: string,
  retryAfter: number | undefined,
  headers: Record<string, string> = {},
): ProxyError {
  const trouble = troubleOfRefusal(text)
  // The header says it for the gateway in front; a provider behind one can only say it in the body.
  const seconds = retryAfter ?? trouble?.details.retryAfter
  return new ProxyError('upstream_error', {
    status: status >= 400 ? status : 502,
    headers,
    ...(trouble?.details.upstream ? { upstream: trouble.details.upstream } : { message: sentence(status) }),
    ...(seconds === undefined ? {} : { retryAfter: seconds }),
  })
}

/** Servers that were asked for a stream write a refusal as an event, too. */
function troubleOfRefusal(text: string): ProxyError | undefined {
  const value = parseObject(text)
  if (value) return readTrouble(value)
  let trouble: ProxyError | undefined
  const parser = createParser(
    (data, name) => {
      const event = parseObject(data)
      trouble ??= event && readTrouble(event, name)
    },
    { maxEventBytes: text.length },
  )
  parser.push(text)
  parser.end()
  return trouble
}

function sentence(status: number): string {
  return `The upstream answered ${status} and gave no reason that can be passed on.`
}

/** What a plain answer of any of the APIs says of itself. */
export function summaryOf(answer: JsonObject): Summary {
  const choices = own(answer, 'choices')
  const status = own(answer, 'status')
  return {
    ...identityOf(answer),
    finishReasons: Array.isArray(choices) ? choices.flatMap(reasonOf) : isText(status) ? [status] : [],
    usage: readUsage(own(answer, 'usage')),
  }
}

function reasonOf(choice: Json): string[] {
  const reason = isObject(choice) ? own(choice, 'finish_reason') : undefined
  return isText(reason) ? [reason] : []
}

/**
 * The usage object of a plain answer, found without building the rest of it, which may be megabytes of numbers.
 * The answer is passed on as it came, so one that is no JSON merely has no usage.
 */
export function usageTextOf(text: string): JsonObject | undefined {
  try {
    const usage = memberText(text, 'usage')
    return usage === undefined ? undefined : parseObject(usage)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
