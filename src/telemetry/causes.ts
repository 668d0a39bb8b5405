import { errorTable, ProxyError } from '../errors.ts'

/** An error as the log shows it. */
export interface LoggedError {
  readonly type: string
  readonly code?: string
  readonly message: string
  readonly stack?: string
  readonly cause?: LoggedError
}

// Libraries wrap errors in errors, and one that is its own cause would never end.
const DEEPEST = 5
const LONGEST = 500

/** An error and what caused it, with nothing in it that a client or an upstream wrote. */
export function describeError(thrown: unknown, withStack: boolean, depth = 1): LoggedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: 'Something that is not an Error was thrown' }
  const { name, cause } = thrown
  // Made when it is first looked at, which costs more than the rest of the line.
  const stack = withStack ? thrown.stack : undefined
  const code = 'code' in thrown && typeof thrown.code === 'string' ? { code: thrown.code } : {}
  const message = safeMessage(thrown).slice(0, LONGEST)
  return {
    type: name,
    ...code,
    message,
    // The stack begins with the message, which may not be fit to be shown.
    ...(stack !== undefined ? { stack: framesOf(stack) } : {}),
    ...(cause !== undefined && depth < DEEPEST ? { cause: describeError(cause, withStack, depth + 1) } : {}),
  }
}

function safeMessage(error: Error): string {
  // An upstream's message may quote the prompt; the code says what happened.
  if (error instanceof ProxyError && error.details.upstream !== undefined) return errorTable[error.code].sentence
  // V8 quotes the text that it could not parse: here a request body or an answer.
  if (error instanceof SyntaxError) return 'The text could not be parsed'
  return error.message
}

function framesOf(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n')
}
