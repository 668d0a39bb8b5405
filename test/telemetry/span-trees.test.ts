import assert from 'node:assert/strict'
import { chunk, saying, usageChunk } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { spanTree } from '../support/otlp.ts'
import { cut, hang, head, stream } from '../support/steps.ts'
import { startTraced, type TracedProgram, traceId } from './scenes.ts'

const whole = [stream([...saying('Hello'), usageChunk()], { done: true })]
const cutShort = [stream([chunk({ role: 'assistant', content: 'Hel' })]), cut]
const silent: Step[] = [head(), hang]

const scenes = {
  unstreamed: 1,
  passedThrough: 2,
  failedOver: 3,
  retriedMidStream: 4,
  limited: 5,
  limitedBefore: 6,
  invalid: 7,
  unknownKey: 8,
  clientLeft: 9,
  hung: 10,
  allFailed: 11,
  unknownPath: 12,
  health: 13,
  notSampled: 14,
} as const

/** Plays every scene against one program and ends it, so that all that it will ever send has arrived. */
async function playAll(traced: TracedProgram): Promise<void> {
  const { near, far, ask } = traced
  near.play(whole)
  far.play(whole)
  await ask({ scene: scenes.unstreamed, headers: { tracestate: 'vendor=x', baggage: 'user=42' } })
  await ask({ scene: scenes.passedThrough, stream: true })
  await ask({ scene: scenes.limitedBefore, key: 'key-of-tight' })
  await ask({ scene: scenes.limited, key: 'key-of-tight' })
  await ask({ scene: scenes.invalid, body: { model: 'gpt-test' } })
  await ask({ scene: scenes.unknownKey, key: 'key-of-nobody' })
  await ask({ scene: scenes.unknownPath, path: '/v1/no/such/sk-0123456789' })
  await ask({ scene: scenes.health, path: '/health' })
  await ask({ scene: scenes.notSampled, sampled: false })
  near.refusing = true
  near.play(['refuse'])
  await ask({ scene: scenes.failedOver })
  near.refusing = false
  near.play(cutShort)
  await ask({ scene: scenes.retriedMidStream })
  near.play(silent)
  await ask({ scene: scenes.hung })
  far.play(cutShort)
  await ask({ scene: scenes.allFailed })
  await leave(traced)
  await traced.end()
}

/** Asks, and leaves once the near upstream has the request. */
async function leave({ near, ask }: TracedProgram): Promise<void> {
  const leaving = new AbortController()
  const before = near.requests.length
  const asked = ask({ scene: scenes.clientLeft, signal: leaving.signal })
  while (near.requests.length === before) await near.next()
  leaving.abort()
  await asked.then(
    () => assert.fail('it was answered before it could leave'),
    () => undefined,
  )
}

describe('the span tree of a request', () => {
  let traced: TracedProgram

  before(async function () {
    this.timeout(60_000)
    traced = await startTraced()
    await playAll(traced)
  })
  after(() => traced.close())

  const tree = (scene: number) => spanTree(traced.spans(scene))

  const UNDER_VALIDATE = '\n  internal access\n    internal limit\n      internal validate'

  it('that is un-streamed', () => {
    assert.equal(
      tree(scenes.unstreamed),
      `server POST /v1/chat/completions${UNDER_VALIDATE}
        client chat gpt-test +first_event
          client POST
        internal fold`,
    )
  })

  it('that is passed through', () => {
    assert.equal(
      tree(scenes.passedThrough),
      `server POST /v1/chat/completions${UNDER_VALIDATE}
        client chat gpt-test +first_event
          client POST`,
    )
  })

  it('that fails over before it has begun', () => {
    assert.equal(
      tree(scenes.failedOver),
      `server POST /v1/chat/completions${UNDER_VALIDATE}
        client chat gpt-test !connect +retry
          client POST !UND_ERR_SOCKET +exception
        client chat gpt-test +first_event
          client POST
        internal fold`,
    )
  })

  it('that moves to another upstream in the middle of a stream', () => {
    assert.equal(
      tree(scenes.retriedMidStream),
      `server POST /v1/chat/completions${UNDER_VALIDATE}
        client chat gpt-test !truncated +first_event +retry
          client POST !UND_ERR_SOCKET +exception
        client chat gpt-test +first_event
          client POST
        internal fold`,
    )
  })

  it('whose upstream hangs', () => {
    assert.equal(
      tree(scenes.hung),
      `server POST /v1/chat/completions${UNDER_VALIDATE}
        client chat gpt-test !first_event_timeout +retry
          client POST
        client chat gpt-test +first_event
          client POST
        internal fold`,
    )
  })

  it('that no upstream answers', () => {
    assert.equal(
      tree(scenes.allFailed),
      `server POST /v1/chat/completions !upstream_timeout${UNDER_VALIDATE}
        client chat gpt-test !first_event_timeout +retry
          client POST
        client chat gpt-test !truncated +first_event +retry
          client POST !UND_ERR_SOCKET +exception
        client chat gpt-test !first_event_timeout
          client POST`,
    )
  })

  it('that is over a limit', () => {
    assert.equal(
      tree(scenes.limited),
      'server POST /v1/chat/completions\n  internal access\n    internal limit !rate_limit_exceeded',
    )
  })

  it('that is invalid', () => {
    assert.equal(tree(scenes.invalid), `server POST /v1/chat/completions${UNDER_VALIDATE} !invalid_request`)
  })

  it('whose key is not known', () => {
    assert.equal(tree(scenes.unknownKey), 'server POST /v1/chat/completions\n  internal access !invalid_api_key')
  })

  it("whose client leaves marks nothing: it is nobody's failure", () => {
    assert.equal(
      tree(scenes.clientLeft),
      `server POST /v1/chat/completions${UNDER_VALIDATE}
        client chat gpt-test
          client POST`,
    )
    const server = traced.spans(scenes.clientLeft).find(({ kind }) => kind === 'server')
    assert.equal(server?.attributes['http.response.status_code'], 499)
  })

  it('to a path that does not exist has no path in its name and no key in its path', () => {
    const [server, ...others] = traced.spans(scenes.unknownPath)
    assert.deepEqual([server?.name, others], ['POST', []])
    assert.equal(server?.attributes['url.path'], '/v1/no/such/[redacted]')
  })

  it('that asks for the health is empty', () => {
    assert.equal(tree(scenes.health), '')
  })

  it('that is not sampled is empty, and its context goes upstream all the same', () => {
    assert.equal(tree(scenes.notSampled), '')
    assert.match(contextOf(scenes.notSampled)?.traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  })

  /** The headers with which a scene's trace reached the near upstream. */
  function contextOf(scene: number) {
    return traced.near.requests.find(({ headers }) => String(headers.traceparent).includes(traceId(scene)))?.headers as
      | Record<string, string>
      | undefined
  }

  it("reaches the upstream: its parent there is undici's span, and tracestate and baggage survive", () => {
    const http = traced.spans(scenes.unstreamed).find(({ scope }) => scope.includes('undici'))
    const { traceparent, tracestate, baggage } = contextOf(scenes.unstreamed) ?? {}
    assert.equal(traceparent, `00-${traceId(scenes.unstreamed)}-${http?.spanId}-01`)
    assert.deepEqual([tracestate, baggage], ['vendor=x', 'user=42'])
  })

  it("continues the caller's trace, and the log line names it", () => {
    const server = traced.spans(scenes.unstreamed).find(({ kind }) => kind === 'server')
    assert.equal(server?.parentSpanId, 'b7ad6b7169203331')
    const line = traced.program.lines.find(({ trace_id }) => trace_id === traceId(scenes.unstreamed))
    assert.deepEqual([line?.span_id, line?.msg], [server?.spanId, 'request'])
    const unsampled = traced.program.lines.find(({ trace_id }) => trace_id === traceId(scenes.notSampled))
    assert.equal(unsampled?.msg, 'request')
  })

  it('says where it comes from: service, version, instance and worker', () => {
    const resource = traced.spans(scenes.unstreamed)[0]?.resource ?? {}
    assert.equal(resource['service.name'], 'openai-proxy')
    assert.match(String(resource['service.version']), /^\d+\.\d+\.\d+/)
    assert.match(String(resource['service.instance.id']), /^[0-9a-f-]{36}$/)
    assert.equal(resource['worker.id'], '0')
  })

  it('holds no prompt, no answer and no key, whatever happened', () => {
    const everything = JSON.stringify(traced.sink.spans, (_key, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    assert.doesNotMatch(everything, /the prompt that|Hello|key-of-|sk-/)
    assert.ok(everything.length > 10_000)
  })

  it('of the GenAI attributes has the tokens and what finished, of the try that answered', () => {
    const chats = traced.spans(scenes.failedOver).filter(({ name }) => name.startsWith('chat'))
    const told = chats.map(({ attributes }) => [attributes['proxy.upstream'], attributes['gen_ai.usage.output_tokens']])
    assert.deepEqual(told.sort(), [
      ['far', 2],
      ['near', undefined],
    ])
  })
})
