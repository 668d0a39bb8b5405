/**
 * A small proxy with every stage and wrapper that the telemetry has, for tests of it in a process of its own, loaded
 * in the order in which the real one is. Started with its upstreams' origins as arguments; asks them in turn until one
 * answers 200. Says its port, and later what its metrics are, over IPC.
 */
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { Pool } from 'undici'
import { systemClock as clock } from '../../src/clock.ts'
import { ProxyError } from '../../src/errors.ts'
import { type AttemptFacts, newAttempt, type Route, type Stage, type State } from '../../src/facts.ts'
import { trace } from '../../src/middleware/trace.ts'
import { traced } from '../../src/telemetry/attempt-span.ts'
import { createInstruments } from '../../src/telemetry/instrument.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { createProject, serverSpan } from '../../src/telemetry/project.ts'
import type { StageName } from '../../src/telemetry/span-table.ts'
import { shutdownTracing, spansDropped } from '../../src/telemetry/tracing.ts'

const upstreams = process.argv.slice(2).map((origin, index) => ({ name: `u${index}`, pool: new Pool(origin), origin }))
type Upstream = (typeof upstreams)[number]

const { logger: log, flush } = await createLog({ level: 'debug', format: 'json', name: 'program' })
const metrics = createMetrics({
  worker: '1',
  version: '0.0.0',
  models: ['gpt-test'],
  upstreams: upstreams.map(({ name }) => ({ name, provider: 'openai' })),
  inFlight: () => 0,
  upstreamStates: () => upstreams.map(({ name }) => ({ name, inFlight: 0, circuit: 'closed' as const })),
  rateLimitFallback: () => false,
  spansDropped,
})
const project = createProject({ metrics, log, clock })
const { stage, traceSync } = createInstruments({ metrics, clock })

const attempt = traced(
  clock,
  ({ pool }: Upstream, call: { path: string }, facts: AttemptFacts) =>
    new Promise<string>((resolve) => {
      let text = ''
      const settle = (outcome: AttemptFacts['outcome']) => {
        facts.outcome = outcome
        facts.endedAt = clock.now()
        resolve(text)
      }
      pool.dispatch(
        { method: 'POST', path: call.path, body: '{}' },
        {
          onRequestStart: () => undefined,
          onResponseStart(_controller, status) {
            facts.status = status
          },
          onResponseData(_controller, chunk) {
            facts.firstEventAt ??= clock.now()
            text += chunk
          },
          onResponseEnd: () => settle(facts.status === 200 ? 'ok' : 'server_error'),
          onResponseError: () => settle('connect'),
        },
      )
    }),
  ({ name, origin }) => ({
    upstream: { name, provider: 'openai', address: '127.0.0.1', port: Number(new URL(origin).port) },
    operation: 'chat',
    model: 'gpt-test',
  }),
)

const forward: Stage = async ({ state: { facts }, res }) => {
  facts.model = 'gpt-test'
  facts.mode = 'unstream'
  facts.response = { id: 'chatcmpl-1', model: 'gpt-test-0001', finishReasons: ['stop'] }
  facts.usage = { input: 3, output: 5, cached: 1, reasoning: 2 }
  facts.parameters = { temperature: 0.5, topP: 0.9, maxTokens: 10, choices: 2 }
  for (const [index, upstream] of upstreams.entries()) {
    const tried = newAttempt(upstream.name, clock.now())
    facts.attempts.push(tried)
    const text = await attempt(upstream, { path: '/v1/chat/completions?key=sk-in-the-query-string' }, tried)
    if (tried.outcome === 'ok') {
      res.end(traceSync('fold', () => text)())
      return
    }
    tried.retried = index + 1 < upstreams.length
  }
  throw new ProxyError('upstream_unreachable', { message: 'a message that no span may show' })
}

/** Refuses by header, to show an error arise in a stage. */
function gate(name: StageName): Stage {
  return async (ctx, next) => {
    const code = ctx.get(`refuse-in-${name}`)
    if (code === 'rate_limit_exceeded' || code === 'invalid_request') throw new ProxyError(code)
    await next()
  }
}

const answerErrors: Stage = async ({ state: { facts }, res }, next) => {
  try {
    await next()
  } catch (thrown) {
    if (!(thrown instanceof ProxyError)) throw thrown
    facts.code = thrown.code
    res.writeHead(thrown.status).end()
  }
}

const begin = () => {
  const server = serverSpan()
  return (facts: Parameters<typeof project>[0]) => project(facts, server)
}
const routeOf = (path: string): Route =>
  path === '/health' ? '/health' : path === '/v1/chat/completions' ? '/v1/chat/completions' : 'other'

const koa = new Koa<State>()
koa.use(stage('trace', trace({ clock, routeOf, begin })))
koa.use(answerErrors)
for (const name of ['access', 'limit', 'validate'] as const) koa.use(stage(name, gate(name)))
koa.use(stage('forward', forward))

const server = koa.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', async (order) => {
  if (order === 'metrics') process.send?.({ metrics: await metrics.snapshot() })
  if (order === 'stop') {
    await shutdownTracing(clock, 5000)
    flush()
    process.exit(0)
  }
})
