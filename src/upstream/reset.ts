import type { Clock } from '../clock.ts'

/** An upstream that asks for more is asked again after this long all the same: quotas are raised, and clocks are wrong. */
export const MAX_REST_MS = 5 * 60_000

/** Nobody waits for longer than a day, and a number without end could not even be written. */
const MAX_ASKED_MS = 24 * 3_600_000

/** The oldest of the three forms of a date (RFC 9110 §5.6.7), always in GMT: `Sun Nov  6 08:49:37 1994`. */
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/

/** `Date.parse` alone finds a year in almost any words. */
const TIME_AND_ZONE = /\d\d:\d\d:\d\d(\.\d+)? ?(GMT|Z|[+-]\d\d:?\d\d)$/

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

type HeaderValue = string | string[] | undefined
type Headers = Readonly<Record<string, HeaderValue>>

/** How long an upstream asks to be left alone. Both are milliseconds. */
export interface Reset {
  /** As asked, up to a day, for the client's `Retry-After`. */
  readonly askedMs: number
  /** Bounded to five minutes, for resting the upstream. */
  readonly restMs: number
}

/**
 * Reads when an upstream that answered 429 or 503 may be asked again; undefined when it does not say. The most exact
 * header wins: `retry-after-ms`, then `Retry-After` (RFC 9110 §10.2.3, seconds or a date), then the rate limit's resets.
 */
export function readReset(headers: Headers, clock: Pick<Clock, 'wall'>): Reset | undefined {
  const now = clock.wall()
  return resetIn(retryAfter(headers, now) ?? rateLimitWait(headers, now))
}

/** The same for the other errors of a server: the rate limit's resets may come with any answer, and are not why it failed. */
export function readRetryAfter(headers: Headers, clock: Pick<Clock, 'wall'>): Reset | undefined {
  return resetIn(retryAfter(headers, clock.wall()))
}

function retryAfter(headers: Headers, now: number): number | undefined {
  return milliseconds(headers['retry-after-ms']) ?? wait(headers['retry-after'], now)
}

function resetIn(ms: number | undefined): Reset | undefined {
  return ms === undefined ? undefined : { askedMs: Math.min(ms, MAX_ASKED_MS), restMs: Math.min(ms, MAX_REST_MS) }
}

/**
 * OpenAI says for requests and tokens when each is full again, even when only one of them ran out: the other's time
 * would rest the upstream for nothing. Where none is said to have run out, the shorter wait costs one more 429 at worst.
 */
function rateLimitWait(headers: Headers, now: number): number | undefined {
  const exhausted: number[] = []
  const others: number[] = []
  for (const name of ['-requests', '-tokens', '']) {
    const ms = wait(headers[`x-ratelimit-reset${name}`], now)
    if (ms === undefined) continue
    if (text(headers[`x-ratelimit-remaining${name}`])?.trim() === '0') exhausted.push(ms)
    else others.push(ms)
  }
  if (exhausted.length > 0) return Math.max(...exhausted)
  return others.length > 0 ? Math.min(...others) : undefined
}

function milliseconds(header: HeaderValue): number | undefined {
  const value = text(header)?.trim()
  return value !== undefined && /^\d+(\.\d+)?$/.test(value) ? Number(value) : undefined
}

/** Milliseconds from `now` (epoch) that any of the forms in use stands for. */
function wait(header: HeaderValue, now: number): number | undefined {
  const value = text(header)?.trim()
  if (!value) return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return fromNumber(Number(value), now)
  const duration = fromDuration(value)
  if (duration !== undefined) return duration
  const date = fromDate(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function fromDate(value: string): number {
  if (ASCTIME.test(value)) return Date.parse(`${value} GMT`)
  return TIME_AND_ZONE.test(value) ? Date.parse(value) : Number.NaN
}

/** A bare number is seconds to wait, or a point in time where it could only be that: epoch seconds or milliseconds. */
function fromNumber(value: number, now: number): number {
  if (value < 1e9) return value * 1000
  return Math.max(0, (value < 1e11 ? value * 1000 : value) - now)
}

/** OpenAI's durations: `12ms`, `1s`, `6m0s`, `1h2m3.5s`. */
function fromDuration(value: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(value)) return undefined
  let ms = 0
  for (const [, number, unit] of value.matchAll(/([\d.]+)(ms|s|m|h|d)/g)) ms += Number(number) * UNITS_MS[unit!]!
  return ms
}

function text(header: HeaderValue): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
