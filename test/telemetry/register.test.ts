import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { saying } from '../support/chunks.ts'
import { spanTree } from '../support/otlp.ts'
import { hang, stream } from '../support/steps.ts'
import { startUpstream } from '../support/upstream.ts'
import { startTraced, type TracedProgram, traceId } from './scenes.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** The packages that are loaded when nothing is but `register.ts`. */
function packagesLoaded(env: Record<string, string>): Set<string> {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', path('./loaded.ts'), '--import', path('../../src/telemetry/register.ts'), '--eval', ''],
    { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } },
  )
  assert.equal(status, 0, stderr)
  return new Set(Array.from(stdout.matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)/g), ([, name]) => name ?? ''))
}

const parent = 'b7ad6b7169203331'

describe('the start of tracing', () => {
  it('loads nothing of OpenTelemetry where no endpoint is set, or where it is switched off', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }
    assert.deepEqual([...packagesLoaded({})], [])
    assert.deepEqual([...packagesLoaded({ ...endpoint, OTEL_SDK_DISABLED: 'true' })], [])
    assert.ok(packagesLoaded(endpoint).has('@opentelemetry/sdk-trace'))
  })

  describe('of the whole program', () => {
    let traced: TracedProgram | undefined

    async function start(env: Record<string, string>): Promise<TracedProgram> {
      traced = await startTraced(env)
      traced.near.play([stream(saying('Hello'), { done: true })])
      return traced
    }

    afterEach(async () => {
      await traced?.close()
      traced = undefined
    })

    it("takes the http instrumentation's server span where the operator has turned that on", async () => {
      const { ask, end, spans } = await start({ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,undici' })
      await ask({ scene: 1 })
      await end()
      const server = spans(1).find(({ kind }) => kind === 'server')
      assert.equal(server?.scope, '@opentelemetry/instrumentation-http')
      assert.deepEqual([server?.name, server?.attributes['proxy.attempts']], ['POST /v1/chat/completions', 1])
      assert.match(
        spanTree(spans(1)),
        /^server POST [^\n]*\n {2}internal access\n[\s\S]*client POST\n[\s\S]*internal fold$/,
      )
    })

    it("lets the http instrumentation's span say that the client left", async () => {
      const { ask, end, spans, near } = await start({ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http,undici' })
      near.play([hang])
      const left = new AbortController()
      const asked = ask({ scene: 1, signal: left.signal })
      await near.next()
      left.abort()
      await assert.rejects(asked)
      await end()
      const server = spans(1).find(({ kind }) => kind === 'server')
      assert.equal(server?.attributes['http.response.status_code'], 499)
      assert.equal(server?.attributes['proxy.error.code'], 'client_closed_request')
    })

    it('sends the context of a sampled request upstream, with no instrumentation that would', async () => {
      const { ask, end, spans, near } = await start({ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'undici' })
      await ask({ scene: 1, headers: { tracestate: 'vendor=x', baggage: 'user=42' } })
      await end()
      const server = spans(1).find(({ kind }) => kind === 'server')
      const { traceparent, tracestate, baggage } = (await near.next()).headers
      assert.deepEqual(
        [traceparent, tracestate, baggage],
        [`00-${traceId(1)}-${server?.spanId}-01`, 'vendor=x', 'user=42'],
      )
    })

    for (const [propagator, sent, expected] of [
      ['b3', { 'x-b3-traceid': traceId(1), 'x-b3-spanid': parent, 'x-b3-sampled': '1' }, 'b3'],
      ['b3', { b3: `${traceId(1)}-${parent}-1` }, 'b3'],
      ['b3multi', { 'x-b3-traceid': traceId(1), 'x-b3-spanid': parent, 'x-b3-sampled': '1' }, 'x-b3-spanid'],
    ] as const) {
      it(`continues a trace by ${propagator} from ${Object.keys(sent)[0]}, and hands it on once`, async () => {
        const { ask, end, sink, near } = await start({ OTEL_PROPAGATORS: propagator })
        await ask({ scene: 2, headers: sent })
        await end()
        const spans = sink.spans.filter((span) => span.traceId === traceId(1))
        const http = spans.find(({ scope }) => scope.includes('undici'))
        assert.equal(spans.find(({ kind }) => kind === 'server')?.parentSpanId, parent)
        const spanId = String((await near.next()).headers[expected])
        assert.equal(spanId.replace(/^[0-9a-f]{32}-|-1$/g, ''), http?.spanId)
      })
    }

    it('takes no batch of none, which would be sent for ever', async () => {
      const { ask, end, spans, program } = await start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '0' })
      await ask({ scene: 1 })
      await end()
      assert.ok(spans(1).length > 3)
      assert.equal(await program.ended, 0)
    })

    it('samples as the operator says', async () => {
      const { ask, end, sink } = await start({ OTEL_TRACES_SAMPLER: 'always_off' })
      await ask({ scene: 1 })
      await end()
      assert.deepEqual(sink.spans, [])
    })

    it('a collector that refuses costs no request anything; the spans that were lost are counted', async () => {
      const { ask, end, sink, program } = await start({ OTEL_EXPORTER_OTLP_TIMEOUT: '200' })
      sink.status = 400
      for (let scene = 1; scene <= 5; scene++) assert.equal((await ask({ scene })).status, 200)
      await program.line(({ msg }) => String(msg).startsWith('Traces cannot be delivered'))
      const metrics = await (await program.admin('GET', '/metrics')).text()
      const lost = /proxy_trace_spans_dropped_total\{reason="export_failed"\} (\d+)/.exec(metrics)?.[1]
      assert.ok(Number(lost) > 0, metrics)
      await end()
      const warnings = program.lines.filter(({ msg }) => /Traces|OpenTelemetry/.test(String(msg)))
      assert.equal(warnings.length, 1, JSON.stringify(warnings))
    })

    it('a collector that never answers costs no request anything, and does not keep the program from ending', async () => {
      const silent = await startUpstream([hang])
      const { ask, end, program } = await start({
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${silent.port}`,
        OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
        OTEL_BSP_MAX_QUEUE_SIZE: '10',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '5',
        SHUTDOWN_TIMEOUT_MS: '1000',
      })
      for (let scene = 1; scene <= 10; scene++) assert.equal((await ask({ scene })).status, 200)
      const metrics = await (await program.admin('GET', '/metrics')).text()
      const lost = /proxy_trace_spans_dropped_total\{reason="queue_full"\} (\d+)/.exec(metrics)?.[1]
      // Each request makes seven spans; ten may wait, and five are under way.
      assert.equal(Number(lost), 10 * 7 - 10 - 5)
      await end()
      assert.equal(await program.ended, 0)
      await silent.close()
    })
  })
})
