import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import Koa from 'koa'
import { toProxyError } from '../../src/errors.ts'
import { newFacts, type Stage, type State } from '../../src/facts.ts'

/** What a client got. */
export interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: { error?: { code: string; message: string } }
}

/** A server of the stages under test; what they throw is answered as the proxy answers it. */
export interface Served {
  readonly port: number
  /** The state of each request, in the order of their arrival. */
  readonly states: State[]
  get(headers?: Record<string, string>): Promise<Got>
  close(): Promise<void>
}

export async function serve(stages: readonly Stage[], host = '127.0.0.1'): Promise<Served> {
  const app = new Koa<State>()
  const states: State[] = []
  app.use(async (ctx, next) => {
    ctx.state = { facts: newFacts('test', 0, 'GET', 'other'), signal: new AbortController().signal }
    states.push(ctx.state)
    try {
      await next()
    } catch (thrown) {
      const error = toProxyError(thrown)
      ctx.status = error.status
      ctx.set(error.headers())
      ctx.body = error.toJSON()
    }
  })
  for (const stage of stages) app.use(stage)
  const server = app.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return {
    port: address.port,
    states,
    get: (headers = {}) => get(address.port, headers),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function get(port: number, headers: Record<string, string>): Promise<Got> {
  const asked = request({ host: '127.0.0.1', port, headers }).end()
  const [answer] = await once(asked, 'response')
  let text = ''
  for await (const chunk of answer) text += chunk
  return { status: answer.statusCode, headers: answer.headers, body: text.startsWith('{') ? JSON.parse(text) : {} }
}
