import assert from 'node:assert/strict'
import { saying, sseEvent } from '../support/chunks.ts'
import { spanTree } from '../support/otlp.ts'
import { hang, send, stream } from '../support/steps.ts'
import { startTraced, type TracedProgram, traceId } from './scenes.ts'

describe('OpenTelemetry in the whole program', function () {
  this.timeout(60_000)
  let traced: TracedProgram

  async function start(env: Record<string, string>): Promise<void> {
    traced = await startTraced(env)
    traced.near.play([stream(saying('Hello'), { done: true })])
  }

  afterEach(() => traced.close())

  it('names each worker as the metrics do, also one that has come for another', async () => {
    await start({ WORKERS: '2' })
    const [victim] = await traced.program.workers()
    process.kill(victim!.pid, 'SIGKILL')
    const died = await traced.program.line(({ msg }) => String(msg).includes('died'))
    const from = traced.program.lines.indexOf(died)
    await traced.program.line(({ msg, worker }) => worker === died.worker && String(msg).endsWith('listens'), from)
    const workers = new Map((await traced.program.workers()).map(({ pid, worker }) => [pid, worker]))
    assert.ok(!workers.has(victim!.pid))
    const seen = () => new Set(traced.sink.spans.map(({ resource }) => resource['process.pid']))
    // At the same time, or all would go over one connection to one worker.
    while (seen().size < 2) await Promise.all([1, 2, 3, 4].map((scene) => traced.ask({ scene })))
    await traced.end()
    for (const { resource } of traced.sink.spans) {
      assert.equal(resource['worker.id'], workers.get(Number(resource['process.pid'])), JSON.stringify(resource))
    }
    const lines = traced.program.lines.filter(({ msg }) => msg === 'request')
    for (const { name, pid } of lines) assert.equal(name, `worker-${workers.get(Number(pid))}`)
  })

  it('warns of nothing where nothing is wrong', async () => {
    await start({ WORKERS: '1' })
    await traced.ask({ scene: 1 })
    await traced.end()
    assert.equal(traced.program.stderr, '')
    const loud = traced.program.lines.filter(({ level }) => level !== 'info')
    assert.deepEqual(loud, [])
  })

  it('says of a protocol that it cannot speak that it does not', async () => {
    await start({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })
    assert.match(traced.program.stderr, /http\/protobuf, mostly to port 4318; grpc is not supported/)
  })

  // What is instrumented must be loaded after the tracing: in one process that depends on the order in `launch.ts`.
  for (const workers of ['0', '1']) {
    it(`sends log lines and runtime metrics where the operator wants them, with WORKERS=${workers}`, async () => {
      await start({
        WORKERS: workers,
        OTEL_LOGS_EXPORTER: 'otlp',
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_BLRP_SCHEDULE_DELAY: '50',
        OTEL_METRIC_EXPORT_INTERVAL: '200',
        OTEL_METRIC_EXPORT_TIMEOUT: '200',
      })
      await traced.ask({ scene: 1 })
      const has = (path: string, text: string | Buffer) =>
        traced.sink.others.some((other) => other.path === path && other.body.includes(text))
      const trace = Buffer.from(traceId(1), 'hex')
      const all = () =>
        has('/v1/logs', 'request') && has('/v1/logs', trace) && has('/v1/metrics', 'nodejs.eventloop.utilization')
      await traced.sink.untilExports(all)
    })
  }

  it('shows of a stream that its client left how far it had come, and blames nobody', async () => {
    await start({})
    const [first = ''] = saying('Hello').map((event) => sseEvent(event))
    traced.near.play([send(first), hang])
    await traced.leave({ scene: 1, stream: true })
    await traced.program.line(({ trace_id }) => trace_id === traceId(1))
    await traced.end()
    assert.match(
      spanTree(traced.spans(1)),
      /^server POST [^\n!]*\n {2}internal access\n[^!]*client chat gpt-test \+first_event\n +client POST$/,
    )
    const http = traced.spans(1).find(({ scope }) => scope.includes('undici'))
    assert.ok(Number(http?.attributes['proxy.connection_wait_ms']) >= 0)
    const line = traced.program.lines.find(({ trace_id }) => trace_id === traceId(1))
    assert.deepEqual([line?.status, line?.response_bytes], [499, Buffer.byteLength(first)])
  })

  it('writes trace, span and whether the trace is kept into every line of a request, once', async () => {
    await start({})
    await traced.ask({ scene: 1 })
    await traced.ask({ scene: 2, sampled: false })
    await traced.end()
    const told = [1, 2].map((scene) =>
      traced.program.lines.filter(({ trace_id }) => trace_id === traceId(scene)).map(({ trace_flags }) => trace_flags),
    )
    assert.deepEqual(told, [['01'], ['00']])
  })
})
