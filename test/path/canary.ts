import { chunk, saying } from '../support/chunks.ts'
import { answer, cut, head, raw, reset, send, stream } from '../support/steps.ts'

/** Secrets of the operator and of upstreams, planted where they really stand; none may come out again anywhere. */
export const canaries = {
  upstreamKey: 'sk-canary-upstream-key-0123456789',
  proxyKey: 'canary-proxy-key-0123456789',
  fileKey: 'canary-file-key-0123456789',
  wrongKey: 'canary-wrong-key-0123456789',
  queryKey: 'canary-query-key-0123456789',
  adminToken: 'canary-admin-token-0123456789',
  collectorToken: 'canary-collector-token-0123456789',
  redisPassword: 'canary-redis-password-0123456789',
  cookie: 'canary-cookie-0123456789',
  internalHost: 'canary-host.internal.example',
  stack: 'at canaryFunction (/srv/canary.js:1:1)',
}

/** What clients and models say to each other: theirs alone, so in no log, span, metric or status. */
export const words = {
  prompt: 'canary prompt about the moon',
  toolArguments: 'canary-tool-arguments',
  toolResult: 'canary-tool-result',
  answer: 'canary answer about the moon',
  answerArguments: 'canary-answer-arguments',
  refusal: 'canary refusal about the moon',
  user: 'canary-user-0123456789',
}

const { internalHost, stack, upstreamKey, cookie } = canaries

const told = {
  'content-type': 'text/html',
  'set-cookie': `upstream=${cookie}`,
  server: internalHost,
  'x-backend': internalHost,
  location: `http://${internalHost}/`,
}

const called = chunk({
  tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: words.answerArguments } }],
})

/** What an upstream may do to make the proxy talk. */
export const faults = {
  'an answer': [head(), stream(saying(words.answer), { done: true })],
  'an answer with calls and a refusal': [
    head(),
    stream([called, chunk({ refusal: words.refusal }), chunk({}, { finish: 'stop' })], { done: true }),
  ],
  'a page that names an internal host': [answer(500, `<html>${internalHost} ${stack}</html>`, told)],
  'an unavailable host': [answer(503, `upstream connect error: ${internalHost} ${stack}`, told)],
  'a refusal of the key that is not an OpenAI error': [
    answer(401, { detail: `key ${upstreamKey} is unknown at ${internalHost}` }),
  ],
  'a limit that is not an OpenAI error': [answer(429, { detail: `${upstreamKey} at ${internalHost}` }, told)],
  'a refusal in plain text': [answer(400, `${stack} ${internalHost}`, told)],
  'a redirect': [answer(302, internalHost, told)],
  'a cut within an event': [head(), send(`data: {"choices":[{"index":0,"delta":{"content":"${words.answer}`), cut],
  'a reset within an event': [head(), send(`data: {"choices":[{"index":0,"delta":{"content":"${words.answer}`), reset],
  'a stream without an end': [head(), stream(saying(words.answer).slice(0, 1))],
  'no HTTP at all': [raw(`${internalHost}\r\n\r\n`)],
  'an empty answer': [answer(200, '')],
} as const

/** The first of `secrets` that stands in `text`, with what stands around it; undefined when there is none. */
export function leakIn(text: string, secrets: Readonly<Record<string, string>>): string | undefined {
  for (const [name, secret] of Object.entries(secrets)) {
    const at = text.indexOf(secret)
    if (at >= 0) return `${name} in …${text.slice(Math.max(0, at - 200), at + secret.length + 50)}…`
  }
  return undefined
}
