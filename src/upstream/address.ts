import type { Route } from '../facts.ts'

/** The routes that exist upstream as well. */
export type ApiRoute = Extract<Route, `/v1/${string}`>

const SUFFIXES: Readonly<Record<ApiRoute, string>> = {
  // Before `/completions`, which it ends in.
  '/v1/chat/completions': '/chat/completions',
  '/v1/completions': '/completions',
  '/v1/responses': '/responses',
  '/v1/embeddings': '/embeddings',
  '/v1/models/:id': '/models',
  '/v1/models': '/models',
}

/** Azure binds a deployment into the path, but keeps these above it: https://learn.microsoft.com/azure/ai-services/openai/reference. */
const ABOVE_DEPLOYMENT: ReadonlySet<ApiRoute> = new Set<ApiRoute>(['/v1/responses', '/v1/models', '/v1/models/:id'])

/** Where one upstream's routes are. */
export interface Addresses {
  /** Scheme, host and port, as a dispatch wants it. */
  readonly origin: string
  /**
   * The path and query of a route. `query` is the client's own, without its `?`; where both name a parameter, the
   * upstream's address wins, since it was the operator who wrote it. `modelId` is the `:id`, decoded.
   */
  path(route: ApiRoute, query?: string, modelId?: string): string
}

/**
 * Derives every route's address from one URL: a full `…/v1/chat/completions` (or another route), a base `…/v1`, or a bare
 * origin, for which `/v1` is assumed. Throws a TypeError when it is not a URL.
 */
export function deriveAddresses(url: string): Addresses {
  const { origin, pathname, search } = new URL(url)
  const base = basePath(pathname)
  const own = search.slice(1)
  const ownNames = new Set(new URLSearchParams(own).keys())
  return {
    origin,
    path(route, query = '', modelId) {
      const id = modelId === undefined ? '' : `/${encodeURIComponent(modelId)}`
      const merged = query === '' ? own : mergeQueries(own, ownNames, query)
      return `${baseFor(base, route)}${SUFFIXES[route]}${id}${merged === '' ? '' : `?${merged}`}`
    },
  }
}

function basePath(pathname: string): string {
  const path = pathname.replace(/\/+$/, '')
  if (path === '') return '/v1'
  const suffix = Object.values(SUFFIXES).find((ending) => path.endsWith(ending))
  return suffix === undefined ? path : path.slice(0, -suffix.length)
}

function baseFor(base: string, route: ApiRoute): string {
  return ABOVE_DEPLOYMENT.has(route) ? base.replace(/(\/openai)\/deployments\/[^/]+$/, '$1') : base
}

/** Joins the raw texts, so that nothing is encoded a second time. */
function mergeQueries(own: string, ownNames: ReadonlySet<string>, query: string): string {
  const added = query.split('&').filter((pair) => {
    const name = new URLSearchParams(pair).keys().next().value
    return name !== undefined && !ownNames.has(name)
  })
  return [own, ...added].filter((part) => part !== '').join('&')
}
