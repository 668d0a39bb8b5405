import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { askModels, askStreamed, type ProbeParts } from '../exchange/probe.ts'
import { createAttempt } from '../upstream/attempt.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { wireUpstreams } from '../wiring/upstreams.ts'
import { whoseKey } from '../wiring/whose-key.ts'
import { explain, type Finding } from './explain.ts'

export interface CheckupOptions {
  readonly clock: Clock
  /** The model to ask for an answer; without it, and without PROBE_BODY, only the list of models is asked for. */
  readonly model: string | undefined
}

/**
 * Asks every upstream one question, all at the same time, with the time-outs and forward proxies of the settings.
 * Resolves with one finding for each, in the order of the settings. Never rejects.
 */
export async function checkUpstreams(settings: Settings, { clock, model }: CheckupOptions): Promise<Finding[]> {
  const balancer = wireUpstreams(settings, clock, () => {})
  const body = model === undefined ? settings.probeBody : questionFor(model)
  try {
    return await Promise.all(balancer.upstreams.map((upstream) => check(upstream, body, { settings, clock })))
  } finally {
    await balancer.close()
  }
}

interface Surroundings {
  readonly settings: Settings
  readonly clock: Clock
}

async function check(
  upstream: Upstream,
  body: string | undefined,
  { settings, clock }: Surroundings,
): Promise<Finding> {
  const attempt = createAttempt(clock)
  const parts = partsOf(settings, clock)
  // Nothing ends it early but its own time-outs.
  const { signal } = new AbortController()
  const probed =
    body === undefined
      ? await askModels(attempt, parts, upstream, signal)
      : await askStreamed(attempt, parts, upstream, body, signal)
  const keyOf = whoseKey(upstream.config, settings)
  return explain({ upstream, keyOf, probed, asked: body === undefined ? 'models' : 'answer' })
}

function partsOf(settings: Settings, clock: Clock): ProbeParts {
  return {
    clock,
    caps: { maxEventBytes: settings.maxEventBytes, maxAnswerBytes: settings.maxAnswerBytes },
    firstEventMs: settings.firstEventTimeoutMs,
    idleMs: settings.idleTimeoutMs,
    totalMs: settings.requestTimeoutMs,
    traced: false,
    passKeys: false,
  }
}

/** As cheap as a question can be that every model takes: some know only one of the names for a bound of its answer. */
function questionFor(model: string): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'Say only: ok' }] })
}
