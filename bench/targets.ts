/** One thing to be measured: a program of its own, or an address that is there already. */
export interface Target {
  readonly name: string
  readonly port: number
  /** Arguments for Node; undefined for nginx, which runs anyway and whose CPU is not counted. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly path?: string
  readonly stream?: boolean
}

const floorFile = new URL('floor.ts', import.meta.url).pathname
const mainFile = new URL('../src/main.ts', import.meta.url).pathname

/** One row of design's table of targets: the floor and the proxy at the same job. */
export function pair(upstreamPort: number, size: number, stream: boolean, port: number): Target[] {
  const upstream = `http://127.0.0.1:${upstreamPort}/s${size}/v1/chat/completions`
  const job = `${stream ? 'pass-through' : 'un-stream'}, ${size + 3} events`
  return [
    { name: `floor: ${job}`, port, args: [floorFile], env: { UPSTREAM: upstream }, stream },
    { name: `openai-proxy: ${job}`, port: port + 1, args: [mainFile], env: proxyEnv(upstream, port + 2), stream },
  ]
}

/** nginx passing the same stream through, as the measure for pass-through. */
export function nginxTarget(upstreamPort: number, size: number): Target {
  return {
    name: `nginx: pass-through, ${size + 3} events`,
    port: upstreamPort + 1,
    path: `/s${size}/v1/chat/completions`,
    stream: true,
  }
}

/** The same request with telemetry in several strengths. `collector` is an address that takes and drops spans. */
export function telemetryTargets(upstreamPort: number, port: number, collector: string): Target[] {
  const upstream = `http://127.0.0.1:${upstreamPort}/s10/v1/chat/completions`
  const base = (at: number) => proxyEnv(upstream, at + 1)
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }
  return [
    { name: 'telemetry: log off, no traces', port, args: [mainFile], env: { ...base(port), LOG_LEVEL: 'fatal' } },
    {
      name: 'telemetry: sampling 0.01',
      port: port + 2,
      args: [mainFile],
      env: { ...base(port + 2), ...traced, OTEL_TRACES_SAMPLER_ARG: '0.01' },
    },
    {
      name: 'telemetry: sampling 1',
      port: port + 4,
      args: [mainFile],
      env: { ...base(port + 4), ...traced, OTEL_TRACES_SAMPLER_ARG: '1' },
    },
  ]
}

function proxyEnv(upstream: string, adminPort: number): Record<string, string> {
  return {
    UPSTREAM_API_URL: upstream,
    WORKERS: '1',
    NODE_ENV: 'production',
    ADMIN_PORT: String(adminPort),
    STATS_INTERVAL_MS: '0',
    HOST: '127.0.0.1',
  }
}
