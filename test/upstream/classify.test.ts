import assert from 'node:assert/strict'
import { ProxyError } from '../../src/errors.ts'
import type { Outcome } from '../../src/facts.ts'
import type { Verdict } from '../../src/upstream/breaker.ts'
import { outcomeOf, outcomeOfStatus, refusesKey, toFailure, verdictOf } from '../../src/upstream/classify.ts'

const error = new ProxyError('upstream_error')
const upstream = { config: { name: 'a', url: 'https://api.example/v1', weight: 1, priority: 0, key: 'own' } }
const plain = { upstream, call: { headers: {} } }

/** Every outcome: whether another upstream is asked, and what the breaker hears. A new one must be put here. */
const outcomes: Readonly<Record<Outcome, readonly [retryable: boolean, verdict: Verdict]>> = {
  ok: [false, 'success'],
  connect: [true, 'failure'],
  connect_timeout: [true, 'failure'],
  first_event_timeout: [true, 'failure'],
  idle_timeout: [true, 'failure'],
  total_timeout: [false, 'none'],
  rate_limited: [true, 'none'],
  unauthorized: [false, 'none'],
  server_error: [true, 'failure'],
  client_error: [false, 'none'],
  truncated: [true, 'failure'],
  invalid: [true, 'failure'],
  too_large: [false, 'none'],
  aborted: [false, 'none'],
  lost_hedge: [false, 'none'],
}

describe('what the end of a try means', () => {
  for (const [name, [retryable, verdict]] of Object.entries(outcomes) as [Outcome, (typeof outcomes)[Outcome]][]) {
    it(`${name} is ${retryable ? '' : 'not '}worth another try, and says ${verdict}`, () => {
      assert.equal(toFailure(error, name, false).retryable, retryable)
      assert.equal(verdictOf(name, false), verdict)
    })
  }

  it('total_timeout says failure where nothing has come in all the time that there was', () => {
    assert.equal(verdictOf('total_timeout', true), 'failure')
    assert.equal(verdictOf('rate_limited', true), 'none')
  })

  it('a key that is the operator’s own, and refused, is worth another upstream', () => {
    assert.equal(toFailure(error, 'unauthorized', true).retryable, true)
  })

  it('a 401 refuses the key, and so does a 402 or 403, unless it is about one model or one prompt', () => {
    for (const [status, refusal, refused] of [
      [401, '{"error":{"code":"invalid_api_key"}}', true],
      [401, undefined, true],
      [402, '{"error":{"message":"Insufficient Balance"}}', true],
      [402, '{"error":{"message":"This request requires more credits, or fewer max_tokens."}}', false],
      [403, '', true],
      [403, '{"error":{"message":"Missing scopes: model.request"}}', true],
      [403, '{"error":{"code":"model_not_found"}}', false],
      [403, '{"error":{"message":"Your input was flagged"}}', false],
      [403, undefined, false],
      [429, '', false],
    ] as const) {
      const error = new ProxyError('upstream_error', { status })
      assert.equal(refusesKey(error, outcomeOf(error), refusal, plain), refused, `${status} ${refusal}`)
    }
  })

  it('a 401 about an organization or project refuses no key where the client has named it, and not the operator', () => {
    const mismatched = '{"error":{"message":"…","code":"mismatched_organization"}}'
    const error = new ProxyError('upstream_error', { status: 401 })
    const refuses = (refusal: string, headers: Record<string, string>, own?: Record<string, string>) =>
      refusesKey(error, 'unauthorized', refusal, {
        upstream: { config: { ...upstream.config, ...(own && { headers: own }) } },
        call: { headers: { ...headers, ...own } },
      })
    assert.equal(refuses(mismatched, { 'openai-organization': 'theirs' }), false)
    assert.equal(refuses('OpenAI-Project header should match project for API key', { 'openai-project': 'x' }), false)
    assert.equal(refuses('No such organization: theirs', { 'openai-organization': 'theirs' }), false)
    assert.equal(refuses('Incorrect API key provided: sk-proj-x', { 'openai-organization': 'theirs' }), true)
    assert.equal(refuses(mismatched, {}), true)
    assert.equal(refuses(mismatched, {}, { 'OpenAI-Organization': 'wrong', 'openai-organization': 'wrong' }), true)
  })

  for (const [status, outcome] of [
    [204, 'invalid'],
    [301, 'invalid'],
    [400, 'client_error'],
    [401, 'unauthorized'],
    [402, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'client_error'],
    [408, 'server_error'],
    [409, 'client_error'],
    [422, 'client_error'],
    [429, 'rate_limited'],
    [499, 'client_error'],
    [500, 'server_error'],
    [529, 'server_error'],
  ] as const) {
    it(`status ${status} is ${outcome}`, () => assert.equal(outcomeOfStatus(status), outcome))
  }

  it('an error in the stream counts by the status that it names', () => {
    assert.equal(outcomeOf(new ProxyError('upstream_error', { status: 429 })), 'rate_limited')
    assert.equal(outcomeOf(new ProxyError('upstream_error', { status: 400 })), 'client_error')
    assert.equal(outcomeOf(error), 'server_error')
  })

  it('our own caps and defects are told apart', () => {
    assert.equal(outcomeOf(new ProxyError('upstream_too_large')), 'too_large')
    assert.equal(outcomeOf(new ProxyError('upstream_truncated')), 'truncated')
    assert.equal(outcomeOf(new ProxyError('client_closed_request')), 'aborted')
    assert.equal(outcomeOf(new ProxyError('internal_error')), 'invalid')
  })
})
