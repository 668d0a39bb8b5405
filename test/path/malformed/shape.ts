import type { ErrorCode } from '../../../src/errors.ts'
import { question } from '../../support/proxy.ts'

/** What comes back for one request: this proxy's error, an upstream's answer, or a word to go on sending. */
export type Reply = ErrorCode | 'ok' | 'continue'

/** Bytes that a client might send, and what they may lead to. */
export interface Malformed {
  readonly name: string
  readonly bytes: string | Buffer
  /** In order. The connection is expected to close after them, and after nothing when there are none. */
  readonly replies: readonly Reply[]
  /** What the error must name as its `param`, or begin with. */
  readonly param?: string
  /** The client closes its side as soon as it has sent everything. */
  readonly ends?: boolean
}

export const key = 'key-of-the-malformed-0123456789'
export const host = 'host: proxy.example'
export const bearer = `authorization: Bearer ${key}`
export const json = 'content-type: application/json'
export const basics = [host, bearer, json]
export const path = '/v1/chat/completions'

/** The cap on bodies under which all of this is sent. Bytes. */
export const cap = 100_000

export const goodBody = JSON.stringify(question)

/** A request of these lines and this body, to the byte: no line is added. */
export function raw(startLine: string, lines: readonly string[], body: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from(`${[startLine, ...lines].join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])
}

/** A chat request with this body, its length and further lines. */
export function post(body: string | Buffer, ...lines: readonly string[]): Buffer {
  return raw(`POST ${path} HTTP/1.1`, [...basics, `content-length: ${Buffer.byteLength(body)}`, ...lines], body)
}

/** A chat request whose framing is all in `lines`. */
export function framed(lines: readonly string[], body: string | Buffer): Buffer {
  return raw(`POST ${path} HTTP/1.1`, [...basics, ...lines], body)
}

export const good = post(goodBody)

/** A request of its own, for places where none may be seen: it would reach the upstream. */
export const smuggled = raw('GET /v1/models HTTP/1.1', [host, bearer]).toString()

/** One chunk and the end. */
export function chunks(body: string): string {
  return `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`
}

/** Rows that are all answered alike. */
export function all(replies: readonly Reply[], rows: Readonly<Record<string, string | Buffer>>): Malformed[] {
  return Object.entries(rows).map(([name, bytes]) => ({ name, bytes, replies }))
}
