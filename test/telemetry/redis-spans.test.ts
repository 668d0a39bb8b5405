import assert from 'node:assert/strict'
import { saying, usageChunk } from '../support/chunks.ts'
import { spanTree } from '../support/otlp.ts'
import { openRedis, type TestRedis } from '../support/redis.ts'
import { stream } from '../support/steps.ts'
import { startTraced, type TracedProgram } from './scenes.ts'

describe('the store of the limits, in the span tree', function () {
  this.timeout(60_000)
  let redis: TestRedis | undefined
  let traced: TracedProgram | undefined

  before(async function () {
    redis = await openRedis(this)
    traced = await startTraced({
      RATE_LIMIT_STORE: 'redis',
      REDIS_URL: redis.url,
      RATE_LIMIT_TOKENS: '100000',
      RATE_LIMIT_CONCURRENCY: '5',
    })
    traced.near.play([stream([...saying('Hello'), usageChunk()], { done: true })])
  })
  after(async () => {
    await traced?.close()
    await redis?.close()
  })

  it('shows each command under the stage that waited for it, and names the client only as other spans do', async () => {
    assert.equal((await traced?.ask({ scene: 1 }))?.status, 200)
    await traced?.end()
    const spans = traced?.spans(1) ?? []
    const limit = spans.find(({ name }) => name === 'limit')
    const commands = spans.filter(({ scope }) => scope === '@opentelemetry/instrumentation-ioredis')
    assert.deepEqual(new Set(commands.map(({ parentSpanId }) => parentSpanId)), new Set([limit?.spanId]))
    const names = new Set(commands.map(({ name }) => name))
    assert.ok(names.has('evalsha') && names.has('zrem'), [...names].join())
    assert.ok(commands.every(({ status }) => status === 'unset'))
    assert.doesNotMatch(JSON.stringify(commands.map(({ attributes }) => attributes)), /key-of-|the prompt/)
    // The commands beside it change nothing in the rest of the tree.
    const rest = spans.filter((span) => !commands.includes(span))
    assert.match(spanTree(rest), /^server POST [^!]*\n {4}internal limit\n {6}internal validate\n/)
  })
})
