import type { Stage } from '../facts.ts'

/** `/health`: the process answers. Exactly these two members, which monitors have come to rely on. */
export function health(pid: number): Stage {
  const body = JSON.stringify({ status: 'ok', pid })
  return async (ctx) => {
    ctx.res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  }
}

/** `/health/ready`: whether a load balancer should send requests here. */
export function ready(isReady: () => boolean): Stage {
  return async (ctx) => {
    const ok = isReady()
    const body = JSON.stringify({ status: ok ? 'ready' : 'unavailable' })
    ctx.res.writeHead(ok ? 200 : 503, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  }
}
