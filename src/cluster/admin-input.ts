import type { IncomingMessage } from 'node:http'
import { settingsTable } from '../config/table.ts'
import { ProxyError } from '../errors.ts'
import type { LogLevel } from '../telemetry/log.ts'

const levels = settingsTable.LOG_LEVEL.schema.enum ?? []

/** The body of `PUT /log-level`: the bare word, or `{"level": …}`. Throws invalid_request. */
export async function readLevel(req: IncomingMessage): Promise<LogLevel> {
  const text = (await readShort(req)).trim()
  const level = /^\{\s*"level"\s*:\s*"(\w+)"\s*\}$/.exec(text)?.[1] ?? text
  if (isLevel(level)) return level
  throw new ProxyError('invalid_request', { param: 'level', message: `The level must be one of ${levels.join(', ')}.` })
}

/** `?seconds=`, 10 without it. Throws invalid_request. */
export function readSeconds(query: URLSearchParams): number {
  const seconds = Number(query.get('seconds') ?? 10)
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 60) return seconds
  throw new ProxyError('invalid_request', { param: 'seconds', message: 'seconds must be a whole number from 1 to 60.' })
}

/** `?worker=`, which may be left out where there is only one. Throws invalid_request. */
export function readWorker(query: URLSearchParams, workers: readonly string[]): string {
  const worker = query.get('worker') ?? (workers.length === 1 ? workers[0] : undefined)
  if (worker !== undefined && workers.includes(worker)) return worker
  throw new ProxyError('invalid_request', {
    param: 'worker',
    message: `Name a worker by ?worker=; there are ${workers.join(', ') || 'none just now'}.`,
  })
}

async function readShort(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of req) {
    text += String(chunk)
    if (text.length > 1000) throw new ProxyError('request_too_large', { message: 'The body is one word.' })
  }
  return text
}

function isLevel(text: string): text is LogLevel {
  return levels.includes(text)
}
