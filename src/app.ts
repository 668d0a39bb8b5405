import type { IncomingMessage, ServerResponse } from 'node:http'
import Router from '@koa/router'
import Koa from 'koa'
import compose from 'koa-compose'
import { Activity } from './activity.ts'
import type { Settings } from './config/settings.ts'
import { ProxyError } from './errors.ts'
import type { Facts, Route, Stage, State } from './facts.ts'
import { access } from './middleware/access.ts'
import { answer } from './middleware/answer.ts'
import { forward } from './middleware/forward.ts'
import { health, ready } from './middleware/health.ts'
import { limit } from './middleware/limit.ts'
import { recover } from './middleware/recover.ts'
import { type LoadCaps, shed } from './middleware/shed.ts'
import { trace } from './middleware/trace.ts'
import { validate } from './middleware/validate.ts'
import type { Api } from './openai/api.ts'
import { chat } from './openai/chat.ts'
import { completions } from './openai/completions.ts'
import { embeddings, model, models } from './openai/plain.ts'
import { responses } from './openai/responses.ts'
import type { Snapshot } from './telemetry/snapshot.ts'
import type { StageName } from './telemetry/span-table.ts'
import { type AppLive, liveOf } from './wiring/live.ts'
import { type Parts, wire } from './wiring/parts.ts'
import { factsOfRefused, type Refused } from './wiring/refused.ts'
import type { BreakerMessage, Surroundings } from './wiring/surroundings.ts'
import { upstreamsCheckKeys } from './wiring/upstreams.ts'

/** One worker's whole application, without the server that it runs in. */
export interface App {
  readonly listener: (req: IncomingMessage, res: ServerResponse) => void
  /** Counts and logs a request that the server around it has refused, and that the listener is never given. */
  refused(request: Refused): void
  inFlight(): number
  /** Whether requests should be sent here: it does not drain, and some upstream can be used. */
  ready(): boolean
  /** Listens to all connections again that were not listened to because of an overload. */
  wake(): void
  /** From now on new requests are refused; those that run go on. */
  drain(): void
  /** The time for those that run is over: each is answered with `draining` as far as it can be still. */
  endAll(): void
  /** What it does and how its upstreams are, for `GET /status`. */
  status(): unknown
  /** What the live page shows of it; computed when it is called. */
  live(): AppLive
  /** Takes what another worker has found out. */
  hear(message: BreakerMessage): void
  /** All metrics as they are now. */
  snapshot(): Promise<Snapshot>
  /** Of the same what requests have added up to. */
  totals(): Snapshot
  close(): Promise<void>
}

/** What one worker's application does just now. */
export interface AppStatus {
  readonly inFlight: number
  readonly draining: boolean
  readonly upstreams: ReturnType<Parts['balancer']['status']>
}

export interface WholeApp extends App {
  status(): AppStatus
}

/** The live page's list must stay small however many requests there are. */
const REQUESTS_SHOWN = 50

type Layer = readonly [name: StageName, stage: Stage]

/** THE stack. Every layer is made visible here and nowhere else; what it wraps does not know of it. */
export function createApp(settings: Settings, surroundings: Surroundings): WholeApp {
  const activity = new Activity(surroundings.clock, surroundings.useOfLoop)
  const parts = wire(settings, surroundings, activity)
  const staged = (layers: readonly Layer[]) => layers.map(([name, stage]) => parts.instruments.stage(name, stage))

  const koa = new Koa<State>()
  // Koa would print to stderr what it hears of sockets that broke; the stack has logged it where it mattered.
  koa.on('error', (error: unknown) => surroundings.log.debug({ err: error }, 'a connection broke'))
  for (const stage of staged(outerLayers(surroundings, parts, activity))) koa.use(stage)
  koa.use(routes(activity, parts, (api) => staged(innerLayers(api, settings, parts, activity))).routes())
  koa.use(unmatched)
  return {
    listener: koa.callback(),
    refused: (request) => parts.begin()(factsOfRefused(request, surroundings.clock)),
    inFlight: () => activity.inFlight(),
    ready: () => !activity.draining() && parts.balancer.usable(),
    wake: () => activity.rest.wakeAll(),
    drain: () => activity.drain(),
    endAll: () => activity.endAll(),
    status: () => ({
      inFlight: activity.inFlight(),
      draining: activity.draining(),
      upstreams: parts.balancer.status(),
    }),
    live: () => liveOf(parts, activity.oldest(REQUESTS_SHOWN), surroundings.clock.now()),
    hear: (message) => parts.hear(message),
    snapshot: () => parts.metrics.snapshot(),
    totals: () => parts.metrics.totals(),
    async close() {
      activity.stop()
      await parts.close()
    },
  }
}

/** What every request passes, outermost first. */
function outerLayers({ clock }: Surroundings, parts: Parts, activity: Activity): Layer[] {
  function begin(facts: Facts, left: AbortController) {
    const place = activity.enter(facts, left)
    const end = parts.begin()
    return () => {
      activity.leave(place)
      end(facts)
    }
  }
  return [
    // Opens the record first, so that whatever happens below is seen, and closes it last.
    ['trace', trace({ clock, routeOf, begin })],
    // Turns every throw below into an answer; nothing but the record may be above it.
    ['recover', recover(clock)],
  ]
}

/** What a request to one of the APIs passes, outermost first. */
function innerLayers(api: Api, settings: Settings, parts: Parts, activity: Activity): Layer[] {
  const { keys, limiter, exchange } = parts
  const { ipAllowlist: allowlist, trustProxy } = settings
  // Where an upstream has a key of its own, nobody checks the client's: each request could invent another one.
  const trustProviderKey = upstreamsCheckKeys(settings)
  return [
    // Before any work: under overload, work for requests that fail is what makes the others fail.
    ['shed', shed(activity, capsOf(settings), (req) => activity.rest.begin(req))],
    // Says who asks, which the limits need to know; strangers cost nothing further.
    ['access', access({ keys, allowlist, trustProxy, trustProviderKey })],
    // Before the body is read, so that a client over its limit cannot make us read it.
    ['limit', limit(limiter)],
    // Nothing unread or malformed goes upstream, where it would cost a round trip or money.
    ['validate', validate({ maxBodyBytes: settings.maxBodyBytes })],
    // Finds an upstream that answers; a stream is written to the client from here.
    ['forward', forward(api, exchange)],
    // Innermost: writes what forward has left, and a stage for its own time.
    ['answer', answer(exchange.clock)],
  ]
}

function capsOf({ maxConcurrency, maxEventLoopLagMs }: Settings): LoadCaps {
  return { maxConcurrency, maxLagMs: maxEventLoopLagMs }
}

const apis: readonly Api[] = [chat, completions, responses, embeddings, models, model]

/** The paths that clients use, with and without `/v1`, since base addresses are written both ways. */
function routes(activity: Activity, parts: Parts, layersOf: (api: Api) => Stage[]): Router<State> {
  // A path in other letters is another path: its route would have no name.
  const router = new Router<State>({ sensitive: true })
  const isReady = () => !activity.draining() && parts.balancer.usable()
  router.get('/health', health(process.pid))
  router.get(
    '/health/live',
    ready(() => true),
  )
  router.get('/health/ready', ready(isReady))
  for (const api of apis) {
    // Model names have slashes in them, so the id is all the rest of the path.
    const path = api.route.replace('/v1', '{/v1}').replace(':id', '*id')
    const method = api.newFold || api.route === '/v1/embeddings' ? 'post' : 'get'
    // As one: the router would put its list together anew for each request.
    router[method](path, compose(layersOf(api)))
  }
  return router
}

/** The bounded name of a path, for metrics and spans. A slash at the end changes nothing, as for the router. */
function routeOf(path: string): Route {
  const bare = path.endsWith('/') ? path.slice(0, -1) : path
  const route = bare.startsWith('/health') || bare.startsWith('/v1/') ? bare : `/v1${bare}`
  if (route.startsWith('/v1/models/')) return '/v1/models/:id'
  return knownRoutes.has(route) ? (route as Route) : 'other'
}

const knownRoutes: ReadonlySet<string> = new Set([
  ...apis.map(({ route }) => route),
  '/health',
  '/health/live',
  '/health/ready',
])

/** What no route has taken: a path that does not exist, or one that does under another method. */
const unmatched: Stage = async (ctx) => {
  const methods = new Set<string>(ctx.matched?.flatMap((layer: { methods: string[] }) => layer.methods))
  if (methods.size === 0) throw new ProxyError('not_found')
  throw new ProxyError('method_not_allowed', { headers: { allow: [...methods].join(', ') } })
}
