import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { bodyOf } from '../body.ts'

const mainFile = new URL('../../src/main.ts', import.meta.url).pathname

export interface Measured {
  readonly child: ChildProcess
  readonly pid: number
  readonly port: number
}

/** The real program with one worker. `path` is the upstream's, and is kept out of the proxy's own. */
export async function startProxy(dir: string, port: number, upstream: string, most: number): Promise<Measured> {
  const out = openSync(join(dir, `proxy-${port}.log`), 'w')
  const child = spawn(process.execPath, [mainFile], {
    env: {
      PATH: process.env.PATH,
      UPSTREAM_API_URL: upstream,
      WORKERS: '1',
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      ADMIN_PORT: String(port + 1),
      MAX_CONCURRENCY: String(most),
      STATS_INTERVAL_MS: '0',
    },
    stdio: ['ignore', out, out],
  })
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined)
    await answer?.text()
    if (answer?.ok) return { child, pid: child.pid ?? 0, port }
    await wait(100)
  }
  throw new Error(`the proxy did not answer within 30 s; its output is in ${dir}`)
}

/** An upstream that thinks for `ms` and then sends 103 events at once; for ever when `ms` is infinite. */
export function startThinker(port: number, ms: number): Server {
  const body = Buffer.from(bodyOf(100))
  return createServer((req, res) => {
    req.resume()
    if (!Number.isFinite(ms)) return
    setTimeout(() => res.writeHead(200, { 'content-type': 'text/event-stream' }).end(body), ms)
  }).listen(port, '127.0.0.1', 4096)
}
