import assert from 'node:assert/strict'
import { readReset, readRetryAfter } from '../../src/upstream/reset.ts'

const now = Date.parse('2026-03-01T12:00:00Z')
const clock = { wall: () => now }

function asked(headers: Record<string, string | string[]>): number | undefined {
  return readReset(headers, clock)?.askedMs
}

describe('how long an upstream asks to be left alone', () => {
  const table: [name: string, headers: Record<string, string | string[]>, ms: number | undefined][] = [
    ['nothing said', {}, undefined],
    ['seconds', { 'retry-after': '20' }, 20_000],
    ['a fraction of a second', { 'retry-after': '0.5' }, 500],
    ['no time at all', { 'retry-after': '0' }, 0],
    ['a date', { 'retry-after': 'Sun, 01 Mar 2026 12:01:30 GMT' }, 90_000],
    ['a date in the obsolete form of RFC 850', { 'retry-after': 'Sunday, 01-Mar-26 12:01:30 GMT' }, 90_000],
    ['a date as asctime() writes it', { 'retry-after': 'Sun Mar  1 12:01:30 2026' }, 90_000],
    ['an asctime() date of two digits', { 'retry-after': 'Tue Mar 10 12:00:00 2026' }, 86_400_000],
    ['a number too large to be one', { 'retry-after': '9'.repeat(400) }, 86_400_000],
    ['milliseconds too many to count', { 'retry-after-ms': '9'.repeat(400) }, 86_400_000],
    ['a duration without end', { 'x-ratelimit-reset': `${'9'.repeat(400)}h` }, 86_400_000],
    ['a date that has passed', { 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT' }, 0],
    ['words', { 'retry-after': 'in a while' }, undefined],
    ['words with a number in them', { 'retry-after': 'soon 5' }, undefined],
    ['a negative number', { 'retry-after': '-5' }, undefined],
    ['an empty header', { 'retry-after': ' ' }, undefined],
    ['a header sent twice', { 'retry-after': ['3', '9'] }, 3000],
    ['milliseconds before seconds', { 'retry-after-ms': '1234.5', 'retry-after': '2' }, 1234.5],
    ['seconds where the milliseconds are unreadable', { 'retry-after-ms': 'x', 'retry-after': '2' }, 2000],
    ['Retry-After before the rate limit', { 'retry-after': '1', 'x-ratelimit-reset-requests': '9s' }, 1000],
    ['an OpenAI duration in milliseconds', { 'x-ratelimit-reset-requests': '12ms' }, 12],
    ['in seconds', { 'x-ratelimit-reset-requests': '1s' }, 1000],
    ['in minutes and seconds', { 'x-ratelimit-reset-tokens': '6m0s' }, 360_000],
    ['in hours, minutes and a fraction', { 'x-ratelimit-reset-tokens': '1h2m3.5s' }, 3_723_500],
    ['a bare number of seconds', { 'x-ratelimit-reset-tokens': '59' }, 59_000],
    ['an epoch in seconds', { 'x-ratelimit-reset': String(now / 1000 + 30) }, 30_000],
    ['an epoch in milliseconds', { 'x-ratelimit-reset': String(now + 1500) }, 1500],
    ['an epoch that has passed', { 'x-ratelimit-reset': String(now / 1000 - 30) }, 0],
    ['an ISO date', { 'x-ratelimit-reset-requests': '2026-03-01T12:00:07.500Z' }, 7500],
    ['an ISO date with an offset', { 'x-ratelimit-reset-requests': '2026-03-01T13:00:07+01:00' }, 7000],
    ['a unit that there is not', { 'x-ratelimit-reset-requests': '5w' }, undefined],
    ['the shorter, where none is said to have run out', resets('20s', '5s'), 5000],
    ['the one that ran out, though the other is shorter', resets('20s', '5s', '0', '90'), 20_000],
    ['the one that ran out, though the other is longer', resets('20s', '5s', '9', '0'), 5000],
    ['the longer, where both ran out', resets('20s', '5s', '0', '0'), 20_000],
  ]
  for (const [name, headers, ms] of table) {
    it(name, () => assert.equal(asked(headers), ms))
  }

  it('rests for five minutes at most, and passes on what was asked', () => {
    assert.deepEqual(readReset({ 'retry-after': '86400' }, clock), { askedMs: 86_400_000, restMs: 300_000 })
    assert.deepEqual(readReset({ 'retry-after': '300' }, clock), { askedMs: 300_000, restMs: 300_000 })
  })
})

describe('how long an upstream that failed asks to be left alone', () => {
  it('is what Retry-After says, and not when the rate limits are full again', () => {
    assert.equal(readRetryAfter({ 'retry-after': '7', ...resets('20s', '5s') }, clock)?.askedMs, 7000)
    assert.equal(readRetryAfter(resets('20s', '5s', '0', '0'), clock), undefined)
  })
})

function resets(requests: string, tokens: string, requestsLeft?: string, tokensLeft?: string): Record<string, string> {
  return {
    'x-ratelimit-reset-requests': requests,
    'x-ratelimit-reset-tokens': tokens,
    ...(requestsLeft !== undefined && { 'x-ratelimit-remaining-requests': requestsLeft }),
    ...(tokensLeft !== undefined && { 'x-ratelimit-remaining-tokens': tokensLeft }),
  }
}
