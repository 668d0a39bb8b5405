import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { request } from './body.ts'

export interface Load {
  readonly url: string
  readonly stream: boolean
  readonly connections: number
  readonly seconds: number
}

export interface Yield {
  readonly requests: number
  readonly perSecond: number
  readonly p50: string
  readonly p99: string
  readonly failed: number
}

/** Loads one address with wrk, which is Debian's package of that name, and reads what it reports. */
export async function load(dir: string, { url, stream, connections, seconds }: Load): Promise<Yield> {
  const script = join(dir, `post-${stream}.lua`)
  writeFileSync(script, scriptFor(stream))
  const options = ['--latency', '-t1', `-c${connections}`, `-d${seconds}`, '-s', script, url]
  const { stdout } = await promisify(execFile)('wrk', options)
  const [, requests] = /(\d+) requests in/.exec(stdout) ?? []
  return {
    requests: Number(requests),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p50: /^\s+50%\s+(\S+)/m.exec(stdout)?.[1] ?? '?',
    p99: /^\s+99%\s+(\S+)/m.exec(stdout)?.[1] ?? '?',
    failed: Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0),
  }
}

function scriptFor(stream: boolean): string {
  const body = JSON.stringify({ ...request, stream })
  return `wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-benchmark"
wrk.body = [[${body}]]
`
}
