import assert from 'node:assert/strict'
import { context, trace } from '@opentelemetry/api'
import type { AttemptFacts } from '../../src/facts.ts'
import { endAttempts, traced } from '../../src/telemetry/attempt-span.ts'
import { MovedClock } from '../support/clock.ts'
import { type SinkSpan, spanTree } from '../support/otlp.ts'
import { recorded, recordSpans, sampleNothing, stopRecording } from './recording.ts'
import { someAttempt, someFacts } from './sample.ts'

const upstream = { name: 'near' }
const call = { model: 'gpt-mapped' }

describe('the span of a try', () => {
  let clock: MovedClock

  beforeEach(() => {
    recordSpans()
    clock = new MovedClock()
    clock.move(1000)
  })
  after(stopRecording)

  /** Makes tries with these facts in a server span, then ends the request. */
  async function tryAll(
    attempts: AttemptFacts[],
    changes: Parameters<typeof someFacts>[0] = {},
    during: () => void = () => undefined,
  ): Promise<readonly SinkSpan[]> {
    const attempt = traced(
      clock,
      async (_upstream: typeof upstream, _call: typeof call, _facts: AttemptFacts) => {
        await null
        during()
      },
      ({ name }, { model }) => ({
        upstream: { name, provider: 'openai', address: 'api.example.com', port: 443 },
        operation: 'chat',
        model,
      }),
    )
    const tracer = trace.getTracer('test')
    const server = tracer.startSpan('server')
    await context.with(trace.setSpan(context.active(), server), async () => {
      for (const facts of attempts) await attempt(upstream, call, facts)
    })
    endAttempts(someFacts({ attempts, ...changes }))
    server.end()
    return recorded()
  }

  it('has the attributes of the GenAI conventions, all of them, under these names', async () => {
    const [span] = await tryAll([someAttempt()])
    assert.deepEqual(span?.attributes, {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-mapped',
      'gen_ai.request.stream': true,
      'gen_ai.request.choice.count': 2,
      'gen_ai.request.temperature': 0.25,
      'gen_ai.request.top_p': 0.75,
      'gen_ai.request.max_tokens': 64,
      'gen_ai.response.id': 'chatcmpl-9',
      'gen_ai.response.model': 'gpt-known-2024',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.time_to_first_chunk': 0.2,
      'gen_ai.usage.input_tokens': 11,
      'gen_ai.usage.output_tokens': 22,
      'gen_ai.usage.cache_read.input_tokens': 3,
      'gen_ai.usage.reasoning.output_tokens': 4,
      'server.address': 'api.example.com',
      'server.port': 443,
      'proxy.upstream': 'near',
    })
    assert.deepEqual([span?.kind, span?.name, span?.status], ['client', 'chat gpt-mapped', 'unset'])
  })

  it('leaves out what the client did not set and one choice, and says when no events were asked for', async () => {
    const [span] = await tryAll([someAttempt({ usage: undefined })], {
      mode: 'plain',
      parameters: { choices: 1 },
      response: {},
    })
    const names = Object.keys(span?.attributes ?? {}).filter((name) => /request|response|usage/.test(name))
    assert.deepEqual(names, ['gen_ai.request.model', 'gen_ai.request.stream'])
    assert.equal(span?.attributes['gen_ai.request.stream'], false)
    assert.deepEqual(span?.events, [], 'of an answer in one piece there is no first event')
  })

  it('says of each try what that one cost, and of whose stream the answer is when the last got nowhere', async () => {
    const usage = { input: 5, output: 1, cached: 0, reasoning: 0 }
    const spans = await tryAll([
      someAttempt({ outcome: 'truncated', retried: true, usage }),
      someAttempt({ outcome: 'server_error', firstEventAt: undefined, usage: undefined }),
    ])
    const told = spans.map(({ attributes: a }) => [a['gen_ai.usage.input_tokens'], a['gen_ai.response.id']])
    assert.deepEqual(told.slice(0, 2), [
      [5, 'chatcmpl-9'],
      [undefined, undefined],
    ])
  })

  it('shows the first event, and the retry with its reason, at their times', async () => {
    const spans = await tryAll([
      someAttempt({ outcome: 'idle_timeout', retried: true, startedAt: 1000, firstEventAt: 1200, endedAt: 1600 }),
    ])
    const [span] = spans
    const ms = (time: bigint) => Number((time - (span?.start ?? 0n)) / 1_000_000n)
    assert.deepEqual(
      span?.events.map(({ name, time, attributes }) => ({ name, ms: ms(time), attributes })),
      [
        { name: 'first_event', ms: 200, attributes: {} },
        { name: 'retry', ms: 600, attributes: { reason: 'idle_timeout', phase: 'mid_stream' } },
      ],
    )
    assert.equal(ms(span?.end ?? 0n), 600, 'it ended when the try did, not when the request did')
    assert.equal(span?.start, BigInt(clock.wall()) * 1_000_000n)
  })

  it('each try is a span of its own, and the answer belongs to the one that succeeded', async () => {
    const spans = await tryAll([
      someAttempt({ outcome: 'connect', retried: true, firstEventAt: undefined, endedAt: 1010 }),
      someAttempt({ startedAt: 1010, endedAt: 1700 }),
    ])
    assert.equal(
      spanTree(spans),
      'internal server\n  client chat gpt-mapped !connect +retry\n  client chat gpt-mapped +first_event',
    )
    const ids = spans.filter(({ kind }) => kind === 'client').map(({ attributes }) => attributes['gen_ai.response.id'])
    assert.deepEqual(ids, [undefined, 'chatcmpl-9'])
  })

  it('the answer belongs to the try that won, also when another was begun after it', async () => {
    const spans = await tryAll([someAttempt(), someAttempt({ outcome: 'lost_hedge' })])
    const ids = spans.filter(({ kind }) => kind === 'client').map(({ attributes }) => attributes['gen_ai.response.id'])
    assert.deepEqual(ids, ['chatcmpl-9', undefined])
  })

  it('a client that left and a lost hedge are no failures of the upstream', async () => {
    const spans = await tryAll([someAttempt({ outcome: 'lost_hedge' }), someAttempt({ outcome: 'aborted' })])
    assert.deepEqual(
      spans.map(({ status, attributes }) => [status, attributes['error.type']]),
      [
        ['unset', undefined],
        ['unset', undefined],
        ['unset', undefined],
      ],
    )
  })

  it('is active while the try runs, so that what the try opens nests in it', async () => {
    const spans = await tryAll([someAttempt()], {}, () => trace.getTracer('undici').startSpan('POST').end())
    assert.match(spanTree(spans), /client chat gpt-mapped.*\n {4}internal POST/)
  })

  it("gives no one's model the power to make names without end", async () => {
    call.model = 'm'.repeat(100_000)
    const [span] = await tryAll([someAttempt()])
    call.model = 'gpt-mapped'
    assert.equal(span?.name.length, 'chat '.length + 128)
  })

  it('a try that is not sampled is called as it is', async () => {
    sampleNothing()
    let described = 0
    const attempt = traced(
      clock,
      async (_upstream: string, _call: string, _facts: AttemptFacts) => 'answer',
      () => {
        described += 1
        return { upstream: { name: '', provider: '', address: '', port: 0 }, operation: '', model: undefined }
      },
    )
    assert.equal(await attempt('near', 'call', someAttempt()), 'answer')
    assert.equal(described, 0)
    assert.deepEqual(recorded(), [])
  })
})
