import { systemClock } from '../clock.ts'
import type { Environment } from '../config/values.ts'
import { type DemoProxy, type LogLine, startProxy } from './proxy.ts'
import { openScreen, type Screen } from './screen.ts'
import { plainQuestion, show, showIds } from './show.ts'
import { type DemoUpstream, startUpstream } from './upstream.ts'

// In a clone the sources run as they are; a package has only what was compiled from them.
const program = import.meta.url.endsWith('.ts') ? 'npm start' : 'npx openai-proxy'

export interface DemoOptions {
  /** End after the show, instead of going on to serve until SIGINT or SIGTERM. */
  readonly once: boolean
  /** Of which PORT, ADMIN_PORT and what Node reads count. */
  readonly env: Environment
}

/**
 * Runs the demo: an upstream that only streams, the proxy in front of it, and what the one makes of the other.
 * Rejects when the proxy cannot start or ends by itself.
 */
export async function runDemo({ once, env }: DemoOptions): Promise<void> {
  const screen = openScreen(process.stdout)
  const stop = stopSignal()
  const upstream = await startUpstream(systemClock)
  try {
    await perform({ screen, upstream, stop, once, env })
  } catch (error) {
    // Whoever ends the show early knows that.
    if (!stop.aborted) throw error
  } finally {
    await upstream.close()
  }
}

interface Play extends DemoOptions {
  readonly screen: Screen
  readonly upstream: DemoUpstream
  readonly stop: AbortSignal
}

async function perform({ screen, upstream, stop, once, env }: Play): Promise<void> {
  let serving = false
  const proxy = await startProxy(upstream.url, env, (line) => {
    if (serving) report(screen, line)
  })
  async function play() {
    introduce(screen, upstream, proxy)
    await show({ screen, clock: systemClock, upstream, chat: `${proxy.base}/chat/completions`, signal: stop })
    suggest(screen, proxy, once)
    serving = true
    if (!once) await aborted(stop)
  }
  try {
    await Promise.race([play(), failWhenEnded(proxy)])
  } finally {
    serving = false
    await proxy.stop()
  }
}

/** Aborted by the first SIGINT or SIGTERM. Npm hands on what the terminal has sent already, so further ones are ignored. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
  // Whoever reads has read enough, as `head` does.
  process.stdout.on('error', () => stop.abort())
  return stop.signal
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

async function failWhenEnded({ ended }: DemoProxy): Promise<never> {
  await ended
  throw new Error('The proxy has ended.')
}

function introduce(screen: Screen, upstream: DemoUpstream, { base }: DemoProxy): void {
  screen.print()
  screen.print(['openai-proxy', 'bold'], [' · one JSON answer from an upstream that only streams'])
  screen.print()
  screen.print(['   upstream  ', 'dim'], [upstream.url], ['  built in', 'dim'])
  screen.print(['   proxy     ', 'dim'], [base])
}

function suggest(screen: Screen, { base, admin }: DemoProxy, once: boolean): void {
  screen.print()
  if (once) return
  screen.print([' Your turn ', ['bold', 'inverse']])
  screen.print()
  screen.print([`   curl ${base}/chat/completions -H 'content-type: application/json' \\`, 'cyan'])
  screen.print([`     -d '${JSON.stringify(plainQuestion)}'`, 'cyan'])
  screen.print()
  screen.print(['   Any OpenAI SDK   ', 'dim'], [`base URL ${base}, any key`])
  screen.print(['   Metrics          ', 'dim'], [`${admin}/metrics`])
  screen.print(['   Your provider    ', 'dim'], [`UPSTREAM_API_URL=https://…/v1/chat/completions ${program}`])
  screen.print()
  screen.print(['   Serving until Ctrl-C.', 'dim'])
  screen.print()
}

/** A short line for each request, and warnings as they are; the show's own requests have been seen. */
function report(screen: Screen, line: LogLine): void {
  const { level, msg, request_id: id, method, route, mode, status, code, duration_ms: ms } = line
  if (msg === 'request' && !String(id).startsWith(showIds)) {
    screen.print([`   ${method} ${route} → ${status} ${code ?? mode}, ${Math.round(Number(ms))} ms`, 'dim'])
  } else if (level !== 'info') {
    screen.print([`   ${msg}`, 'yellow'])
  }
}
