import assert from 'node:assert/strict'
import { type Facts, newAttempt, newFacts, type Route } from '../../src/facts.ts'
import { RecentFailures } from '../../src/wiring/recent.ts'
import { MovedClock } from '../support/clock.ts'

function factsOf(id: string, fields: Partial<Facts>, route: Route = '/v1/chat/completions'): Facts {
  return Object.assign(newFacts(id, 0, 'POST', route), fields)
}

describe('the recent failures', () => {
  let clock: MovedClock
  let failures: RecentFailures
  beforeEach(() => {
    clock = new MovedClock()
    failures = new RecentFailures(3, clock)
  })

  it('tell what went wrong, where, and under which ids', () => {
    clock.move(250)
    const attempts = [newAttempt('near', 0), newAttempt('far', 10)]
    const code = 'upstream_timeout'
    failures.note(factsOf('r1', { status: 504, code, model: 'gpt-test', attempts }), 'trace-1')
    assert.deepEqual(failures.list(), [
      {
        at: clock.wall(),
        id: 'r1',
        trace: 'trace-1',
        status: 504,
        code,
        route: '/v1/chat/completions',
        model: 'gpt-test',
        upstream: 'far',
        durationMs: 250,
      },
    ])
  })

  it('hold nothing of requests that went well, nor of health checks', () => {
    failures.note(factsOf('r1', { status: 200 }), undefined)
    failures.note(factsOf('r2', { status: 503, code: 'no_upstream' }, '/health/ready'), undefined)
    assert.deepEqual(failures.list(), [])
  })

  it('hold a stream that broke off after its status had been sent', () => {
    failures.note(factsOf('r1', { status: 200, code: 'upstream_truncated' }), undefined)
    assert.deepEqual(
      failures.list().map(({ status, code }) => [status, code]),
      [[200, 'upstream_truncated']],
    )
  })

  it('are so many and no more, newest first', () => {
    for (const id of ['r1', 'r2', 'r3', 'r4']) {
      clock.move(1)
      failures.note(factsOf(id, { status: 502, code: 'upstream_truncated' }), undefined)
    }
    assert.deepEqual(
      failures.list().map(({ id }) => id),
      ['r4', 'r3', 'r2'],
    )
  })

  it('keep a failure of an upstream however many wrong requests clients send', () => {
    failures.note(factsOf('ours', { status: 502, code: 'upstream_truncated' }), undefined)
    for (let n = 0; n < 100; n++) failures.note(factsOf(`theirs-${n}`, { status: 404, code: 'not_found' }), undefined)
    assert.equal(failures.list().length, 4)
    assert.ok(failures.list().some(({ id }) => id === 'ours'))
  })

  it('cut off a model name of any length', () => {
    failures.note(factsOf('r1', { status: 404, code: 'not_found', model: 'm'.repeat(10_000) }), undefined)
    assert.equal(failures.list()[0]?.model?.length, 128)
  })
})
