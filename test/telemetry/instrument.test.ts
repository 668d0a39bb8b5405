import assert from 'node:assert/strict'
import { trace } from '@opentelemetry/api'
import fc from 'fast-check'
import { ProxyError } from '../../src/errors.ts'
import type { Context, Stage } from '../../src/facts.ts'
import { createInstruments, type Instruments } from '../../src/telemetry/instrument.ts'
import { serverSpan } from '../../src/telemetry/server-span.ts'
import { MovedClock } from '../support/clock.ts'
import { spanTree } from '../support/otlp.ts'
import { recorded, recordSpans, sampleNothing, stopRecording } from './recording.ts'
import { type Observed, pass, runStack, stageMetric } from './stack.ts'

describe('instruments', () => {
  let clock: MovedClock
  let observed: Observed[]
  let instruments: Instruments

  beforeEach(() => {
    recordSpans()
    clock = new MovedClock()
    const metric = stageMetric()
    observed = metric.observed
    instruments = createInstruments({ metrics: metric.metrics, clock })
  })
  after(stopRecording)

  /** The server span ends when the response closes, which these tests have none of; so it is ended here. */
  const traceStage: Stage = async (_ctx, next) => {
    const server = trace.getActiveSpan()
    await next().finally(() => server?.end())
  }

  const stack = (inner: Stage, names = ['access', 'limit', 'validate'] as const): Stage[] => [
    instruments.stage('trace', traceStage),
    ...names.map((name) => instruments.stage(name, pass)),
    instruments.stage('forward', inner),
  ]

  it('the stages are spans in each other, in the order of the stack, and those that have none are left out', async () => {
    await runStack(stack(pass))
    assert.equal(spanTree(recorded()), 'server POST\n  internal access\n    internal limit\n      internal validate')
  })

  it("a stage's metric is its own time, less what it waited for the stages below", async () => {
    const slow =
      (before: number, after: number): Stage =>
      async (_ctx, next) => {
        clock.move(before)
        await next()
        clock.move(after)
      }
    await runStack([
      instruments.stage('access', slow(1, 2)),
      instruments.stage('limit', slow(10, 20)),
      instruments.stage('forward', slow(100, 200)),
    ])
    assert.deepEqual(observed, [
      { stage: 'forward', outcome: 'ok', ms: 300 },
      { stage: 'limit', outcome: 'ok', ms: 30 },
      { stage: 'access', outcome: 'ok', ms: 3 },
    ])
  })

  it('a stage that passes on what comes back is counted as it passes on, and waits for nothing', async () => {
    const passing: Stage = (_ctx, next) => {
      clock.move(7)
      return next()
    }
    const answer = Promise.resolve()
    const ctx = { state: {} } as Context
    assert.equal(
      instruments.stage('access', passing)(ctx, () => answer),
      answer,
    )
    assert.deepEqual(observed, [{ stage: 'access', outcome: 'ok', ms: 7 }])
  })

  it('the own times of all stages are the whole time, whatever each of them does', async () => {
    const part = fc.record({ before: fc.nat(50), after: fc.nat(50), passesOn: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), fc.boolean(), async (parts, fails) => {
        observed.length = 0
        const begun = clock.now()
        const stages = parts.map(({ before, after, passesOn }): Stage => {
          const stage: Stage = (_ctx, next) => {
            clock.move(before)
            return passesOn ? next() : next().then(() => clock.move(after))
          }
          return instruments.stage('access', stage)
        })
        const innermost: Stage = async () => {
          clock.move(9)
          if (fails) throw new ProxyError('overloaded')
        }
        await runStack([...stages, instruments.stage('forward', innermost)])
        const sum = observed.reduce((all, { ms }) => all + ms, 0)
        assert.equal(sum, clock.now() - begun)
        assert.equal(observed.length, parts.length + 1)
      }),
    )
  })

  it('an error marks the stage where it arose and none above it, neither span nor outcome', async () => {
    const refusal = new ProxyError('rate_limit_exceeded')
    const thrown = await runStack([
      instruments.stage('trace', traceStage),
      instruments.stage('access', pass),
      instruments.stage('limit', () => Promise.reject(refusal)),
    ])
    assert.equal(thrown, refusal, 'it goes up unchanged')
    assert.equal(spanTree(recorded()), 'server POST\n  internal access\n    internal limit !rate_limit_exceeded')
    assert.deepEqual(
      observed.map(({ stage, outcome }) => `${stage} ${outcome}`),
      ['limit rejected', 'access ok', 'trace ok'],
    )
  })

  it('a failure below is the time of the one below: the stages above still have only their own', async () => {
    await runStack([
      instruments.stage('access', async (_ctx, next) => {
        clock.move(1)
        await next()
      }),
      instruments.stage('limit', async () => {
        clock.move(50)
        throw new ProxyError('overloaded')
      }),
    ])
    assert.deepEqual(observed, [
      { stage: 'limit', outcome: 'failed', ms: 50 },
      { stage: 'access', outcome: 'ok', ms: 1 },
    ])
  })

  it('a span says which code an error had and nothing of its message', async () => {
    const secret = new Error('the upstream said: tell nobody')
    await runStack(stack(() => Promise.reject(secret)))
    await runStack([
      instruments.stage('trace', traceStage),
      instruments.stage('validate', () =>
        Promise.reject(new ProxyError('invalid_request', { message: 'tell nobody' })),
      ),
    ])
    const text = JSON.stringify(recorded(), (_key, value) => (typeof value === 'bigint' ? String(value) : value))
    assert.match(text, /invalid_request/)
    assert.doesNotMatch(text, /tell nobody/)
  })

  it('a stranger among errors counts as failed, a client that left as aborted, and the latter marks no span', async () => {
    await runStack(stack(() => Promise.reject(new TypeError('x'))))
    await runStack([
      instruments.stage('trace', traceStage),
      instruments.stage('validate', () => Promise.reject(new ProxyError('client_closed_request'))),
    ])
    const outcomes = observed
      .filter(({ outcome }) => outcome !== 'ok')
      .map(({ stage, outcome }) => `${stage} ${outcome}`)
    assert.deepEqual(outcomes, ['forward failed', 'validate aborted'])
    assert.deepEqual(
      recorded().filter(({ status }) => status === 'error'),
      [],
    )
  })

  it('two requests that fail alike are two rejections', async () => {
    for (let request = 0; request < 2; request++) {
      await runStack([instruments.stage('access', () => Promise.reject(new ProxyError('invalid_api_key')))])
    }
    assert.deepEqual(
      observed.map(({ outcome }) => outcome),
      ['rejected', 'rejected'],
    )
  })

  it('a request that is not sampled makes no spans, and its metrics all the same', async () => {
    sampleNothing()
    let upstreams: Record<string, string> | undefined
    let known: string | undefined
    const begin: Stage = (ctx, next) => {
      known = serverSpan()?.spanContext().traceId
      upstreams = ctx.state.traceHeaders
      return next()
    }
    await runStack([instruments.stage('trace', begin), ...stack(pass).slice(1)])
    assert.deepEqual(recorded(), [])
    assert.equal(observed.length, 5)
    assert.match(known ?? '', /^[0-9a-f]{32}$/, 'its trace is known while it begins, for the log')
    assert.match(upstreams?.traceparent ?? '', new RegExp(`^00-${known}-[0-9a-f]{16}-00$`))
    assert.equal(serverSpan(), undefined, 'and not to the requests after it')
  })

  it("the caller's trace is continued, and its decision is heeded", async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    sampleNothing()
    await runStack(stack(pass), { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'vendor=x' })
    const server = recorded().find(({ kind }) => kind === 'server')
    assert.equal(server?.traceId, traceId)
    assert.equal(server?.parentSpanId, 'b7ad6b7169203331')
    assert.equal(server?.traceState, 'vendor=x')
    recordSpans()
    await runStack(stack(pass), { traceparent: `00-${traceId}-b7ad6b7169203331-00` })
    assert.deepEqual(recorded(), [])
  })

  it('while tracing is off no span is opened', async () => {
    stopRecording()
    let active: unknown = 'unset'
    await runStack(
      stack(async () => {
        active = trace.getActiveSpan()
      }),
    )
    assert.equal(active, undefined)
  })

  it('a synchronous part is measured and shown like a stage, and gives back what it was given', async () => {
    const fold = instruments.traceSync('fold', (a: number, b: number) => {
      clock.move(4)
      return a + b
    })
    const broken = instruments.traceSync('fold', () => {
      throw new ProxyError('upstream_truncated')
    })
    let sum = 0
    await runStack(
      stack(async () => {
        sum = fold(1, 2)
        broken()
      }),
    )
    assert.equal(sum, 3)
    assert.deepEqual(
      observed.slice(0, 3).map(({ stage, outcome, ms }) => `${stage} ${outcome} ${ms}`),
      ['fold ok 4', 'fold failed 0', 'forward ok 4'],
    )
    assert.match(spanTree(recorded()), /internal fold\n +internal fold !upstream_truncated$/)
  })
})
