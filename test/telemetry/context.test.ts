import assert from 'node:assert/strict'
import { saying } from '../support/chunks.ts'
import { stream } from '../support/steps.ts'
import { startTraced, type TracedProgram, traceId } from './scenes.ts'

const parent = 'b7ad6b7169203331'
const mine = traceId(1)

/** https://www.w3.org/TR/trace-context/#traceparent-header: what a later version says is read as far as it is known. */
const continued: Readonly<Record<string, [traceparent: string, flags: string]>> = {
  'of this version': [`00-${mine}-${parent}-01`, '01'],
  'of a later version': [`cc-${mine}-${parent}-01`, '01'],
  'of a later version with more to say': [`01-${mine}-${parent}-01-more`, '01'],
  'with flags that nobody knows': [`00-${mine}-${parent}-ff`, '01'],
  'that is not sampled': [`00-${mine}-${parent}-00`, '00'],
}

const ignored: Readonly<Record<string, string>> = {
  'of the forbidden version': `ff-${mine}-${parent}-01`,
  'of this version with more to say': `00-${mine}-${parent}-01-more`,
  'without a trace': `00-${'0'.repeat(32)}-${parent}-01`,
  'without a parent': `00-${mine}-${'0'.repeat(16)}-01`,
  'in capitals': `00-${mine.toUpperCase()}-${parent}-01`,
  'that is none': 'x'.repeat(8000),
}

const others: readonly [name: string, value: string, upstream: RegExp][] = [
  ['tracestate', 'vendor=x,,BAD KEY=1,ok=2', /^vendor=x,ok=2$/],
  ['tracestate', `vendor=${'y'.repeat(4000)}`, /^$/],
  ['tracestate', Array.from({ length: 100 }, (_, index) => `k${index}=v`).join(), /^k0=v,.{0,512}$/],
  ['baggage', 'user=42;meta=1,broken,city=a%20b', /^user=42;meta=1,city=a%20b$/],
  // https://www.w3.org/TR/baggage/#limits
  ['baggage', `user=${'y'.repeat(9000)}`, /^$/],
]

describe("the caller's trace context", function () {
  this.timeout(60_000)
  let traced: TracedProgram

  before(async () => {
    traced = await startTraced({ OTEL_TRACES_SAMPLER_ARG: '0' })
    traced.near.play([stream(saying('Hello'), { done: true })])
  })
  after(() => traced.close())

  /** The headers with which a request that has these reached the upstream. */
  async function upstreamGot(headers: Record<string, string>): Promise<NodeJS.Dict<string | string[]>> {
    const before = traced.near.requests.length
    assert.equal((await traced.ask({ scene: 1, headers })).status, 200)
    return traced.near.requests[before]?.headers ?? {}
  }

  for (const [kind, [traceparent, flags]] of Object.entries(continued)) {
    it(`${kind} is continued`, async () => {
      const got = await upstreamGot({ traceparent })
      assert.match(String(got.traceparent), new RegExp(`^00-${mine}-[0-9a-f]{16}-${flags}$`))
    })
  }

  for (const [kind, traceparent] of Object.entries(ignored)) {
    it(`${kind} is ignored: a trace of its own begins`, async () => {
      const got = await upstreamGot({ traceparent })
      assert.match(String(got.traceparent), /^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-00$/)
      assert.ok(!String(got.traceparent).includes(mine))
    })
  }

  for (const [name, value, upstream] of others) {
    it(`${name} ${value.slice(0, 30)}… costs the request nothing, and what is sound of it goes on`, async () => {
      const got = await upstreamGot({ [name]: value })
      assert.match(String(got[name] ?? ''), upstream)
      assert.ok(String(got.traceparent).includes(mine))
    })
  }
})
