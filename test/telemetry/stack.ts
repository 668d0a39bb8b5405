import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import Koa from 'koa'
import { newFacts, type Stage, type State } from '../../src/facts.ts'
import type { Metrics } from '../../src/telemetry/metrics.ts'

/** A request as node:http gives it, without a socket. */
export function requestOf(url: string, headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { method: 'POST', url, headers, httpVersion: '1.1' })
}

/** Runs one request through a stack of stages, without a socket. Resolves with what the outermost stage threw, if it did. */
export async function runStack(stages: readonly Stage[], headers: Record<string, string> = {}): Promise<unknown> {
  const request = requestOf('/v1/chat/completions?key=sk-in-the-query', headers)
  let thrown: unknown
  const koa = new Koa<State>()
  koa.use(async (ctx, next) => {
    ctx.respond = false
    ctx.state.facts = newFacts('req-1', 0, 'POST', '/v1/chat/completions')
    await next().catch((error: unknown) => {
      thrown = error
    })
  })
  for (const stage of stages) koa.use(stage)
  await koa.callback()(request, new ServerResponse(request))
  return thrown
}

/** A stage that only goes on. */
export const pass: Stage = (_ctx, next) => next()

export interface Observed {
  readonly stage: string
  readonly outcome: string
  readonly ms: number
}

/** Takes the place of the metric of the stages, and keeps what it is told, innermost stage first. */
export function stageMetric(): { metrics: Pick<Metrics, 'stageDuration'>; observed: Observed[] } {
  const observed: Observed[] = []
  return {
    observed,
    metrics: {
      stageDuration: (seconds, _exemplar, stage, outcome) =>
        observed.push({ stage, outcome, ms: Math.round(seconds * 1e6) / 1000 }),
    },
  }
}
