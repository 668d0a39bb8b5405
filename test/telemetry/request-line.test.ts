import assert from 'node:assert/strict'
import pino from 'pino'
import { type ErrorCode, ProxyError } from '../../src/errors.ts'
import type { AttemptFacts, Facts } from '../../src/facts.ts'
import { describeError } from '../../src/telemetry/causes.ts'
import { endOf } from '../../src/telemetry/ended.ts'
import { requestLine } from '../../src/telemetry/request-line.ts'
import { someAttempt, someFacts } from './sample.ts'

/** The lines that a request with these facts writes at this level. */
function linesOf(facts: Facts, level = 'debug'): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  const serializers = { err: (error: unknown) => describeError(error, false) }
  const write = (line: string) => lines.push(JSON.parse(line))
  const log = pino(
    { level, base: null, timestamp: false, formatters: { level: (level) => ({ level }) }, serializers },
    { write },
  )
  requestLine(log, endOf(facts, { now: () => 1610.1234 }), undefined)
  return lines
}

/** Waited for upstreams, and spent itself, when the client leaves while these tries run. */
function timesOfLeaving(attempts: AttemptFacts[], upstreamMs = 90) {
  const [line] = linesOf(someFacts({ clientLeft: true, waitingSince: 1000, upstreamMs, attempts }))
  return [line?.upstream_ms, line?.overhead_ms]
}

describe('the line of a request', () => {
  it('of a client that left takes the wait that it broke off for the wait for an upstream, and no more than there was', () => {
    const aborted = (waitedMs: number) => [someAttempt({ outcome: 'aborted', waitedMs })]
    assert.deepEqual(
      [aborted(400), aborted(4000)].map((attempts) => timesOfLeaving(attempts)),
      [
        [490, 120.123],
        [610.123, 0],
      ],
    )
  })

  it('of a client that left while two tries ran beside each other counts what both took once', () => {
    const second = someAttempt({ outcome: 'aborted', startedAt: 1300, waitedMs: 290 })
    const attempts = [someAttempt({ outcome: 'aborted', waitedMs: 590 }), second]
    assert.deepEqual(timesOfLeaving(attempts, 0), [580, 30.123])
  })

  it('says who asked what, who answered, how it ended, and where the time went', () => {
    assert.deepEqual(linesOf(someFacts()), [
      {
        level: 'info',
        request_id: 'req-1',
        method: 'POST',
        route: '/v1/chat/completions',
        mode: 'unstream',
        client: 'team-a',
        model: 'gpt-known',
        upstream: 'near',
        attempts: 1,
        status: 200,
        duration_ms: 610.123,
        upstream_ms: 590,
        overhead_ms: 20.123,
        first_event_ms: 200,
        input_tokens: 11,
        output_tokens: 22,
        cached_tokens: 3,
        reasoning_tokens: 4,
        request_bytes: 120,
        response_bytes: 340,
        msg: 'request',
      },
    ])
  })

  it('of several tries, says which upstream ended how', () => {
    const attempts = [someAttempt({ upstream: 'far', outcome: 'connect' }), someAttempt()]
    const [line] = linesOf(someFacts({ attempts }))
    assert.deepEqual(line?.tried, ['far:connect', 'near:ok'])
    assert.deepEqual([line?.upstream, line?.attempts], ['near', 2])
  })

  it('knows no first event of an answer in one piece, as little as the metrics do', () => {
    const [line] = linesOf(someFacts({ mode: 'plain', route: '/v1/embeddings' }))
    assert.equal(line && 'first_event_ms' in line, false)
  })

  it('is louder the more it is for the operator to act', () => {
    const level = (status: number, code?: ErrorCode, route?: Facts['route']) =>
      linesOf(someFacts({ status, code, ...(route && { route }) }))[0]?.level
    assert.equal(level(400, 'invalid_json'), 'info')
    assert.equal(level(429, 'rate_limit_exceeded'), 'info')
    assert.equal(level(502, 'upstream_truncated'), 'warn')
    assert.equal(level(503, 'overloaded'), 'warn')
    assert.equal(level(500, 'internal_error'), 'error')
    assert.equal(level(200, undefined, '/health'), 'debug')
  })

  it('carries the failure with its cause', () => {
    const failure = new ProxyError('upstream_unreachable', {
      cause: Object.assign(new Error('no'), { code: 'ECONNRESET' }),
    })
    const [line] = linesOf(someFacts({ status: 502, code: 'upstream_unreachable', failure }))
    assert.equal(line?.code, 'upstream_unreachable')
    assert.match(JSON.stringify(line?.err), /"cause":\{"type":"Error","code":"ECONNRESET"/)
  })

  it('does not grow with the name of a model', () => {
    const [line] = linesOf(someFacts({ model: 'm'.repeat(1_000_000) }))
    assert.equal(String(line?.model).length, 128)
  })

  it('is not written where its level is not logged', () => {
    assert.deepEqual(linesOf(someFacts(), 'warn'), [])
  })
})
