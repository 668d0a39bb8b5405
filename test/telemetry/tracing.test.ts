import assert from 'node:assert/strict'
import { applyOtelDefaults, tracingWanted } from '../../src/telemetry/otel-env.ts'
import { setTracing, shutdownTracing, spansDropped, tracingIsOn, warnTo } from '../../src/telemetry/tracing.ts'
import { MovedClock } from '../support/clock.ts'

describe('whether tracing is wanted', () => {
  it('only where there is somewhere for traces to go', () => {
    assert.equal(tracingWanted({}), false)
    assert.equal(tracingWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }), false)
    assert.equal(tracingWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }), true)
    assert.equal(tracingWanted({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' }), true)
  })

  it('not where the operator has switched it off', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }
    assert.equal(tracingWanted({ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }), false)
    assert.equal(tracingWanted({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), false)
    assert.equal(tracingWanted({ ...endpoint, OTEL_SDK_DISABLED: 'false' }), true)
  })
})

describe("OpenTelemetry's defaults here", () => {
  it('are set where the operator has set nothing, or nothing but space', () => {
    const env: Record<string, string | undefined> = { OTEL_TRACES_SAMPLER_ARG: ' ' }
    applyOtelDefaults(env)
    assert.deepEqual(env, {
      OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'undici,ioredis,pino',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1024',
    })
  })

  it('leave what the operator has set', () => {
    const set = {
      OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http',
      OTEL_TRACES_SAMPLER: 'always_on',
      OTEL_TRACES_SAMPLER_ARG: '1',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10',
    }
    const env = { ...set }
    applyOtelDefaults(env)
    assert.deepEqual(env, set)
  })

  it('set no limit of spans where the operator has set one for everything', () => {
    const env: Record<string, string | undefined> = { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10' }
    applyOtelDefaults(env)
    assert.equal(env.OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, undefined)
  })

  it("switch on what measures for OpenTelemetry's metrics where these are exported", () => {
    const env: Record<string, string | undefined> = { OTEL_METRICS_EXPORTER: 'otlp' }
    applyOtelDefaults(env)
    assert.equal(env.OTEL_NODE_ENABLED_INSTRUMENTATIONS, 'undici,ioredis,pino,runtime-node')
  })
})

describe('the end of tracing', () => {
  const warnings: string[] = []
  before(() => warnTo((_fields, message) => warnings.push(message)))
  beforeEach(() => {
    warnings.length = 0
  })
  afterEach(() => setTracing(undefined))

  it('waits for what still has to be delivered', async () => {
    let delivered = false
    setTracing({
      writesContext: true,
      dropped: () => [[3, 'queue_full']],
      async shutdown() {
        await new Promise(setImmediate)
        delivered = true
      },
    })
    assert.deepEqual([tracingIsOn(), [...spansDropped()]], [true, [[3, 'queue_full']]])
    const clock = new MovedClock()
    await shutdownTracing(clock, 5000)
    assert.deepEqual([delivered, warnings, clock.pending], [true, [], 0])
  })

  it('does not wait longer than it is given', async () => {
    setTracing({ writesContext: true, dropped: () => [], shutdown: () => new Promise(() => undefined) })
    const clock = new MovedClock()
    const ended = shutdownTracing(clock, 5000)
    clock.move(5000)
    await ended
    assert.match(warnings.join(), /not delivered in time/)
  })

  it('is not held up by a collector that refuses', async () => {
    setTracing({ writesContext: true, dropped: () => [], shutdown: () => Promise.reject(new Error('ECONNREFUSED')) })
    await shutdownTracing(new MovedClock(), 5000)
    assert.match(warnings.join(), /could not be delivered/)
  })

  it('is nothing where tracing is off', async () => {
    await shutdownTracing(new MovedClock(), 5000)
    assert.deepEqual([tracingIsOn(), [...spansDropped()], warnings], [false, [], []])
  })
})
