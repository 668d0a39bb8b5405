import assert from 'node:assert/strict'
import fc from 'fast-check'
import pino, { type Logger } from 'pino'
import { ProxyError } from '../../src/errors.ts'
import type { Facts } from '../../src/facts.ts'
import { describeError } from '../../src/telemetry/causes.ts'
import { endOf } from '../../src/telemetry/ended.ts'
import { quickLines } from '../../src/telemetry/quick-lines.ts'
import { redactor } from '../../src/telemetry/redact.ts'
import { requestLine } from '../../src/telemetry/request-line.ts'
import { someAttempt, someFacts } from './sample.ts'

const key = 'own"key\\0123456789'

/** A log as the program has it, and what has been written to it. */
function someLog(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  const log = pino(
    {
      name: '0',
      level: 'debug',
      base: { pid: 7 },
      timestamp: () => ',"time":5',
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => ({ mixed: true }),
      serializers: { err: (error: unknown) => describeError(error, false) },
      hooks: { streamWrite: redactor([key]) },
    },
    { write: (line: string) => lines.push(line) },
  )
  return { log, lines }
}

/** The line that a request with these facts writes. */
function lineOf(facts: Facts, choose: (log: Logger) => Logger): string {
  const { log, lines } = someLog()
  requestLine(choose(log), endOf(facts, { now: () => 1610 }), undefined)
  assert.equal(lines.length, 1)
  return lines[0] ?? ''
}

const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.toWellFormed()),
  fc.constantFrom(
    key,
    `a ${key} within`,
    'sk-0123456789abcdef',
    'Bearer abcdefgh12345',
    '"}\n{"level":"fatal"',
    '\u2028',
  ),
)

const facts = fc.record({
  model: word,
  client: word,
  upstream: word,
  failed: fc.boolean(),
  several: fc.boolean(),
  input: fc.constantFrom(0, 11, 0.5, 1e300, Number.POSITIVE_INFINITY, Number.NaN),
})

describe("a request's line, written the quick way", () => {
  it('says what pino would write but for the mixin, and holds no key either', () => {
    fc.assert(
      fc.property(facts, ({ model, client, upstream, failed, several, input }) => {
        const failure = failed ? { failure: new ProxyError('upstream_timeout'), code: 'upstream_timeout' as const } : {}
        const attempts = several ? [someAttempt({ upstream }), someAttempt()] : [someAttempt({ upstream })]
        const usage = { input, output: 2, cached: 0, reasoning: 0 }
        const some = someFacts({ model, client, attempts, usage, ...failure })
        const { mixed, ...byPino } = JSON.parse(lineOf(some, (log) => log))
        const quick = lineOf(some, quickLines)
        assert.equal(mixed, true)
        assert.deepEqual(JSON.parse(quick), byPino)
        assert.ok(quick.endsWith('}\n') && quick.indexOf('\n') === quick.length - 1, 'it is one line')
      }),
      { numRuns: 500 },
    )
  })

  it('follows the level of the log that it was made of', () => {
    const { log, lines } = someLog()
    const quick = quickLines(log)
    log.level = 'error'
    quick.info({}, 'request')
    assert.equal(quick.isLevelEnabled('info'), false)
    log.level = 'info'
    quick.info({}, 'request')
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [{ level: 'info', time: 5, pid: 7, name: '0', msg: 'request' }],
    )
  })
})
