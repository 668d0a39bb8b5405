/**
 * The least that passing a stream through can cost with the packages that the proxy is made of: koa, its router and
 * koa-body before undici's dispatch, and nothing of the proxy's own. Listens on PORT, asks UPSTREAM.
 */
import type { ServerResponse } from 'node:http'
import Router from '@koa/router'
import Koa from 'koa'
import { koaBody } from 'koa-body'
import { type Dispatcher, Pool } from 'undici'

const target = new URL(process.env.UPSTREAM ?? '')
const pool = new Pool(target.origin, { connections: 128, pipelining: 1 })

const router = new Router()
router.post(
  '/v1/chat/completions',
  koaBody({ json: false, urlencoded: false, textTypes: ['json'], encoding: '' }),
  (ctx) => {
    // The stream is written past Koa, as the proxy does it.
    ctx.respond = false
    const headers = { 'content-type': 'application/json', authorization: ctx.get('authorization') }
    const path = `${target.pathname}?${ctx.querystring}`
    const asked: unknown = ctx.request.body
    const body = Buffer.isBuffer(asked) ? asked : null
    return new Promise<void>((resolve) => {
      pool.dispatch({ method: 'POST', path, headers, body }, passOn(ctx.res, resolve))
    })
  },
)

new Koa().use(router.routes()).listen(Number(process.env.PORT), '127.0.0.1')

function passOn(res: ServerResponse, done: () => void): Dispatcher.DispatchHandler {
  return {
    onRequestStart() {},
    onResponseStart(_controller, status) {
      res.writeHead(status, { 'content-type': 'text/event-stream' })
    },
    onResponseData(controller, chunk) {
      // Else a client that leaves would take a connection of the pool with it.
      if (res.destroyed) return void controller.abort(new Error('nobody reads it any more'))
      if (res.write(chunk)) return
      controller.pause()
      res.once('drain', () => controller.resume())
    },
    onResponseEnd() {
      res.end()
      done()
    },
    onResponseError(_controller, error) {
      if (!res.headersSent) res.writeHead(502)
      if (!res.destroyed) res.end(error.message)
      done()
    },
  }
}
