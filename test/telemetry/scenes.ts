import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Started, startProgram } from '../cluster/program.ts'
import { OtlpSink, type SinkSpan } from '../support/otlp.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

const body = { model: 'gpt-test', messages: [{ role: 'user', content: 'the prompt that no span may show' }] }

/** A trace id that the test chooses, so that each scene's spans can be told apart. */
export function traceId(scene: number): string {
  return (0x0af7651916cd43dd8448eb2100000000n + BigInt(scene)).toString(16).padStart(32, '0')
}

export interface AskOptions {
  readonly scene: number
  readonly stream?: boolean
  readonly body?: unknown
  readonly key?: string
  readonly sampled?: boolean
  readonly path?: string
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
}

/** The whole program as a process, in front of a near upstream and a far one that is asked second, and a collector. */
export interface TracedProgram {
  readonly near: Upstream
  readonly far: Upstream
  readonly sink: OtlpSink
  readonly program: Started
  ask(options: AskOptions): Promise<{ status: number; text: string }>
  /** Asks for a stream and leaves once it has begun. */
  leave(options: AskOptions): Promise<void>
  /** Ends the program, which delivers what is left. */
  end(): Promise<void>
  /** One scene's spans, as they arrived. */
  spans(scene: number): readonly SinkSpan[]
  close(): Promise<void>
}

export async function startTraced(env: Record<string, string> = {}): Promise<TracedProgram> {
  const [near, far, sink, directory] = await Promise.all([
    startUpstream([]),
    startUpstream([]),
    OtlpSink.start(),
    mkdtemp(join(tmpdir(), 'openai-proxy-traced-')),
  ])
  const config = join(directory, 'config.json')
  const upstreams = [
    { name: 'near', url: near.base, priority: 0, key: 'sk-upstream-key-of-near' },
    { name: 'far', url: far.base, priority: 1, key: 'sk-upstream-key-of-far' },
  ]
  const keys = [
    { name: 'free', key: 'key-of-free' },
    { name: 'tight', key: 'key-of-tight', requests: 1 },
  ]
  await writeFile(config, JSON.stringify({ upstreams, keys, RATE_LIMIT_REQUESTS: 1000 }))
  const program = await startProgram({
    env: {
      CONFIG_FILE: config,
      WORKERS: '0',
      RETRY_BUDGET: '1',
      BREAKER_MIN_REQUESTS: '1000',
      FIRST_EVENT_TIMEOUT_MS: '300',
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      ...env,
    },
  })
  return {
    near,
    far,
    sink,
    program,
    ask: async (options) => {
      const answer = await send(program.port, options)
      return { status: answer.status, text: await answer.text() }
    },
    async leave(options) {
      const leaving = new AbortController()
      const answer = await send(program.port, { ...options, signal: leaving.signal })
      await answer.body?.getReader().read()
      leaving.abort()
    },
    async end() {
      program.signal('SIGTERM')
      await program.ended
    },
    spans: (scene) => sink.spans.filter((span) => span.traceId === traceId(scene)),
    async close() {
      if (program.child.exitCode === null && program.child.signalCode === null) {
        program.child.kill('SIGKILL')
        await once(program.child, 'exit')
      }
      await Promise.all([near.close(), far.close(), sink.stop(), rm(directory, { recursive: true })])
    },
  }
}

function send(port: number, options: AskOptions): Promise<Response> {
  const { scene, stream = false, key = 'key-of-free', sampled = true, path = '/v1/chat/completions', signal } = options
  return fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body: JSON.stringify(options.body ?? { ...body, stream }),
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${key}`,
      traceparent: `00-${traceId(scene)}-b7ad6b7169203331-${sampled ? '01' : '00'}`,
      ...options.headers,
    },
    ...(signal && { signal }),
  })
}
