import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import type { Stage } from '../../src/facts.ts'
import { createLimiter, type Limiter, type LimiterOptions } from '../../src/limit/limiter.ts'
import { duration, limit } from '../../src/middleware/limit.ts'
import { type Served, serve } from '../limit/serve.ts'
import { MovedClock } from '../support/clock.ts'

/** A limiter that notes what is given back, over the real one. */
interface Noted extends Limiter {
  readonly notes: string[]
  readonly events: EventEmitter
}

function noted(caps: Partial<LimiterOptions>): Noted {
  const notes: string[] = []
  const events = new EventEmitter()
  const limiter = createLimiter({
    ...{ requests: 0, tokens: 0, concurrency: 0, overrides: new Map(), store: 'cluster', workers: 0 },
    clock: new MovedClock(),
    onFallback: (_active, reason) => assert.fail(reason),
    ...caps,
  })
  const note = (text: string) => {
    notes.push(text)
    events.emit(text.split(' ')[0] ?? '')
  }
  return {
    notes,
    events,
    limits: limiter.limits,
    take: limiter.take,
    charge(client, tokens) {
      limiter.charge(client, tokens)
      note(`charge ${client} ${tokens}`)
    },
    release(client) {
      limiter.release(client)
      note(`release ${client}`)
    },
    close: limiter.close,
    fallback: false,
  }
}

/** Keeps what had been noted when all stages were through, and nothing of the answer had gone out. */
function noteBefore({ notes }: Noted) {
  const before: string[] = []
  const stage: Stage = (_ctx, next) => next().then(() => void before.push(...notes))
  return { notes: before, stage }
}

const name: Stage = async (ctx, next) => {
  ctx.state.facts.client = 'team'
  await next()
}

const answer: Stage = async (ctx) => {
  ctx.state.facts.usage = { input: 30, output: 12, cached: 20, reasoning: 5 }
  ctx.body = 'answered'
}

describe('the limit stage', () => {
  let served: Served | undefined
  const serveWith = async (limiter: Limiter, last: Stage = answer) => {
    served = await serve([name, limit(limiter), last])
    return served
  }
  afterEach(() => served?.close())

  it('sets no headers when nothing is limited', async () => {
    const { get, states } = await serveWith(noted({}))
    const { status, headers } = await get()
    assert.equal(status, 200)
    assert.deepEqual(
      Object.keys(headers).filter((header) => header.startsWith('x-ratelimit')),
      [],
    )
    assert.equal(states[0]?.facts.limit, undefined)
  })

  it('shows what is left to those admitted and to those refused', async () => {
    const limiter = noted({ requests: 1, tokens: 100 })
    const { get } = await serveWith(limiter)
    const charged = once(limiter.events, 'charge')
    const first = await get()
    await charged
    assert.equal(first.status, 200)
    assert.equal(first.headers['x-ratelimit-limit-requests'], '1')
    assert.equal(first.headers['x-ratelimit-remaining-requests'], '0')
    assert.equal(first.headers['x-ratelimit-reset-requests'], '1m0s')
    assert.equal(first.headers['x-ratelimit-limit-tokens'], '100')
    assert.equal(first.headers['x-ratelimit-remaining-tokens'], '100')
    assert.equal(first.headers['x-ratelimit-reset-tokens'], '0s')

    const second = await get()
    assert.equal(second.status, 429)
    assert.equal(second.headers['x-ratelimit-limit-requests'], '1')
    assert.equal(second.headers['x-ratelimit-remaining-requests'], '0')
    assert.equal(second.headers['x-ratelimit-remaining-tokens'], '58', 'the first request has been charged')
  })

  it('refuses with OpenAI’s error and the whole seconds to wait', async () => {
    const { get, states } = await serveWith(noted({ requests: 1 }))
    await get()
    const { status, headers, body } = await get()
    assert.equal(status, 429)
    assert.equal(body.error?.code, 'rate_limit_exceeded')
    assert.match(
      body.error?.message ?? '',
      /^Rate limit reached: you have used all 1 requests of this minute\. Try again/,
    )
    assert.match(headers['retry-after'] ?? '', /^[1-9]\d?$/)
    assert.equal(states[1]?.facts.limit?.refusedBy, 'requests')
  })

  it('names the limit that refused', async () => {
    const limiter = noted({ tokens: 42 })
    const { get } = await serveWith(limiter)
    const charged = once(limiter.events, 'charge')
    await get()
    await charged
    assert.match((await get()).body.error?.message ?? '', /all 42 tokens of this minute/)
  })

  it('gives the slot back and charges once, before the client has its answer and can ask again', async () => {
    const limiter = noted({ tokens: 1000, concurrency: 1 })
    const before = noteBefore(limiter)
    served = await serve([before.stage, name, limit(limiter), answer])
    assert.equal((await served.get()).status, 200)
    assert.deepEqual(before.notes, ['release team', 'charge team 42'])
    assert.deepEqual(limiter.notes, before.notes)
    assert.equal((await served.get()).status, 200)
  })

  it('keeps the slot of a large answer until its client has read it', async () => {
    const limiter = noted({ concurrency: 1 })
    const before = noteBefore(limiter)
    const large: Stage = async (ctx) => {
      ctx.state.answer = { status: 200, headers: {}, body: 'x'.repeat(100_000) }
      ctx.body = ctx.state.answer.body
    }
    served = await serve([before.stage, name, limit(limiter), large])
    const released = once(limiter.events, 'release')
    assert.equal((await served.get()).status, 200)
    await released
    assert.deepEqual(before.notes, ['charge team 0'])
    assert.deepEqual(limiter.notes, ['charge team 0', 'release team'])
  })

  it('neither gives back nor charges what was refused', async () => {
    const limiter = noted({ requests: 1 })
    const { get } = await serveWith(limiter)
    const charged = once(limiter.events, 'charge')
    await get()
    await charged
    assert.equal((await get()).status, 429)
    assert.deepEqual(limiter.notes, ['release team', 'charge team 42'])
  })

  it('gives the slot back when a later stage fails', async () => {
    const limiter = noted({ concurrency: 1 })
    const { get } = await serveWith(limiter, async () => {
      throw new Error('planted')
    })
    const charged = once(limiter.events, 'charge')
    assert.equal((await get()).status, 500)
    await charged
    assert.deepEqual(limiter.notes, ['release team', 'charge team 0'])
    assert.equal((await get()).status, 500, 'not 429')
  })

  it('gives the slot back as soon as the client leaves, and charges what the later stages still learn', async () => {
    const limiter = noted({ tokens: 1000, concurrency: 1 })
    const steps = new EventEmitter()
    const { port } = await serveWith(limiter, async (ctx) => {
      const finish = once(steps, 'finish')
      steps.emit('running')
      await finish
      ctx.state.facts.usage = { input: 1, output: 2, cached: 0, reasoning: 0 }
      ctx.respond = false
    })
    const running = once(steps, 'running')
    const client = connect(port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
    await running
    const released = once(limiter.events, 'release')
    client.destroy()
    await released
    assert.deepEqual(limiter.notes, ['release team'])
    const charged = once(limiter.events, 'charge')
    steps.emit('finish')
    await charged
    assert.deepEqual(limiter.notes, ['release team', 'charge team 3'])
  })

  it('gives the slot back when the client left while the limiter was asked', async () => {
    const limiter = noted({ concurrency: 1 })
    const steps = new EventEmitter()
    const slow: Limiter = {
      ...limiter,
      async take(client) {
        const answered = once(steps, 'answer')
        steps.emit('asked')
        await answered
        return limiter.take(client)
      },
    }
    const leaving: Stage = async (ctx, next) => {
      ctx.res.once('close', () => steps.emit('answer'))
      await next()
    }
    served = await serve([name, leaving, limit(slow), answer])
    const asked = once(steps, 'asked')
    const client = connect(served.port, '127.0.0.1')
    client.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
    await asked
    const released = once(limiter.events, 'release')
    client.destroy()
    await released
    assert.equal((await limiter.take('team')).ok, true)
  })
})

describe('durations in OpenAI’s format', () => {
  const durations: [ms: number, text: string][] = [
    [-1, '0s'],
    [0, '0s'],
    [0.2, '1ms'],
    [12, '12ms'],
    [999, '999ms'],
    [999.5, '1s'],
    [1000, '1s'],
    [1500, '1.5s'],
    [8640, '8.64s'],
    [59_999, '59.999s'],
    [60_000, '1m0s'],
    [72_345, '1m12.345s'],
    [360_000, '6m0s'],
    [3_599_999, '59m59.999s'],
    [3_600_000, '1h0m0s'],
    [90_061_001, '25h1m1.001s'],
  ]
  for (const [ms, text] of durations) {
    it(`${ms} ms is ${text}`, () => {
      assert.equal(duration(ms), text)
    })
  }
})
