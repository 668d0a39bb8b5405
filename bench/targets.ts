import { asItComes, pacedQuery } from './nginx.ts'

/** One thing to be measured: a program of its own, or an address that is there already. */
export interface Target {
  readonly name: string
  /** Arguments for Node; undefined for the nginx that passes on, which runs anyway. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where it listens in any case; any free port without it, which a program is told as PORT. */
  readonly port?: number
  readonly path?: string
  readonly stream?: boolean
  /** Instead of the plan's. */
  readonly connections?: number
  /** Added to the address when it is measured. A warm-up with it would see too few requests to make anything hot. */
  readonly query?: string
  /** What each request carries besides. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What is asked of a target. */
export interface Job {
  /** Tokens of the answer; three more events come with them. */
  readonly size: number
  readonly stream: boolean
  /** The events come one by one, as from a model, and not all in one piece. */
  readonly paced?: boolean
}

export const smallAnswer: Job = { size: 10, stream: false }

export const jobs: readonly Job[] = [
  smallAnswer,
  { size: 100, stream: false },
  { size: 1000, stream: false },
  { size: 100, stream: true },
  { size: 100, stream: false, paced: true },
  { size: 100, stream: true, paced: true },
]

/** For paced streams, each of which takes half a second. */
export const pacedConnections = 128

const floorFile = new URL('floor.ts', import.meta.url).pathname
const koaFile = new URL('koa-floor.ts', import.meta.url).pathname
const mainFile = new URL('../src/main.ts', import.meta.url).pathname

export function nameOf({ size, stream, paced }: Job): string {
  return `${stream ? 'pass-through' : 'un-stream'}, ${size + 3} events${paced ? ' one by one' : ''}`
}

export function floorTarget(upstream: string, job: Job): Target {
  const env = { UPSTREAM: addressOf(upstream, job) }
  return { name: `floor: ${nameOf(job)}`, args: [floorFile], env, ...howToLoad(job) }
}

export interface ProxyChoices {
  /** `openai-proxy` without it. */
  readonly name?: string
  /** Flags of Node, which the workers get as well. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The `main.ts` of another checkout. */
  readonly main?: string
}

/** The proxy with all that is on by default, which tracing is not, and one worker. */
export function proxyTarget(upstream: string, job: Job, choices: ProxyChoices = {}): Target {
  const { name = 'openai-proxy', flags = [], env = {}, main = mainFile } = choices
  return {
    name: `${name}: ${nameOf(job)}`,
    args: [...flags, main],
    env: {
      UPSTREAM_API_URL: addressOf(upstream, job),
      WORKERS: '1',
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      STATS_INTERVAL_MS: '0',
      LOG_FORMAT: 'json',
      ...env,
    },
    ...howToLoad(job),
  }
}

function howToLoad({ stream, paced }: Job): Pick<Target, 'stream' | 'connections' | 'query'> {
  return paced ? { stream, connections: pacedConnections, query: pacedQuery } : { stream }
}

/**
 * The floor and the proxy at the same job.
 * @param collector an address that takes and drops spans; with it the proxy traces one request in a hundred
 */
export function pair(upstream: string, job: Job, collector?: string): Target[] {
  const env = collector === undefined ? {} : tracing(collector, '0.01')
  return [floorTarget(upstream, job), proxyTarget(upstream, job, { env })]
}

function tracing(collector: string, ratio: string): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: ratio,
  }
}

/** nginx passing the same stream through, as the measure for pass-through. */
export function nginxTarget(port: number, job: Job): Target {
  return { name: `nginx: ${nameOf(job)}`, port, path: pathOf(job), ...howToLoad(job) }
}

/**
 * What stands between the floor and the proxy for a stream in one piece: the packages that it is made of, alone, and nginx
 * with `proxy_pass` and no more. That one collects a stream that comes in pieces, so there it would be no measure.
 */
export function betweenTargets(upstream: string, port: number, job: Job): Target[] {
  const env = { UPSTREAM: addressOf(upstream, job) }
  return [
    { name: `koa alone: ${nameOf(job)}`, args: [koaFile], env, ...howToLoad(job) },
    { name: `nginx as it comes: ${nameOf(job)}`, port, path: `${asItComes}${pathOf(job)}`, ...howToLoad(job) },
  ]
}

/** The same request with telemetry in several strengths. `collector` is an address that takes and drops spans. */
export function telemetryTargets(upstream: string, collector: string): Target[] {
  return [
    proxyTarget(upstream, smallAnswer, { name: 'log off, no traces', env: { LOG_LEVEL: 'fatal' } }),
    proxyTarget(upstream, smallAnswer, { name: 'log, sampling 0.01', env: tracing(collector, '0.01') }),
    proxyTarget(upstream, smallAnswer, { name: 'log, sampling 1', env: tracing(collector, '1') }),
  ]
}

function addressOf(upstream: string, job: Job): string {
  return `${upstream}${pathOf(job)}`
}

function pathOf({ size, paced }: Job): string {
  return `/${paced ? 'p' : 's'}${size}/v1/chat/completions`
}
