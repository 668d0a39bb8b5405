import { context, ROOT_CONTEXT } from '@opentelemetry/api'

/** Does work that belongs to no request, though one has set it off: nothing of it is in that request's trace. */
export function outsideOfRequests(work: () => void): void {
  context.with(ROOT_CONTEXT, work)
}
