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
  readonly headers?: Readonly<Record<string, string>>
}

export interface Yield {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers other than 2xx and 3xx, and connections that broke. */
  readonly failed: number
}

/** Loads one address with wrk, which is Debian's package of that name, and reads what it reports. */
export async function load(dir: string, { url, stream, connections, seconds, headers = {} }: Load): Promise<Yield> {
  // Named by its address: targets that differ in headers take turns.
  const script = join(dir, `post-${URL.parse(url)?.port}-${stream}.lua`)
  writeFileSync(script, scriptFor(stream, headers))
  const options = ['--latency', '-t1', `-c${connections}`, `-d${seconds}`, '-s', script, url]
  const { stdout } = await promisify(execFile)('wrk', options)
  return readYield(stdout)
}

/** Reads wrk's report. Throws when it holds no count of requests, which is all of it that cannot be done without. */
export function readYield(report: string): Yield {
  const [, requests] = /(\d+) requests in/.exec(report) ?? []
  if (requests === undefined) throw new Error(`wrk did not say how many requests it made: ${report}`)
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report) ?? []
  const counts = [/Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? 0, ...broken.slice(1)]
  return {
    requests: Number(requests),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]),
    p50Ms: milliseconds(/^\s+50%\s+(\S+)/m.exec(report)?.[1]),
    p99Ms: milliseconds(/^\s+99%\s+(\S+)/m.exec(report)?.[1]),
    failed: counts.reduce<number>((sum, count) => sum + Number(count), 0),
  }
}

const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

/** wrk writes `57.00us`, `2.51ms`, `1.20s`, `1.02m`. */
function milliseconds(text = ''): number {
  const [, value, unit = ''] = /^([\d.]+)(\D+)$/.exec(text) ?? []
  return Number(value) * (units[unit] ?? Number.NaN)
}

function scriptFor(stream: boolean, headers: Readonly<Record<string, string>>): string {
  const all = { 'Content-Type': 'application/json', Authorization: 'Bearer sk-benchmark', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`)
  const body = JSON.stringify({ ...request, stream })
  return ['wrk.method = "POST"', ...lines, `wrk.body = [[${body}]]`, ''].join('\n')
}
