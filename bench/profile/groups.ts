import type { CallFrame } from './stacks.ts'

/** Whose code it is, by what the file's address has in it; the first that fits. */
const byPlace: readonly (readonly [pattern: RegExp, group: string])[] = [
  [/node_modules\/(@opentelemetry|import-in-the-middle|require-in-the-middle)\//, 'OpenTelemetry'],
  [/node_modules\/undici\/|node:internal\/deps\/undici/, 'undici'],
  [/node_modules\/(koa|koa-compose|koa-body|@koa|accepts|cookies|co-body|raw-body|on-finished|http-errors)\//, 'Koa'],
  [/node_modules\/(prom-client|tdigest)\//, 'prom-client'],
  [/node_modules\/(pino|sonic-boom|thread-stream|quick-format-unescaped|safe-stable-stringify)\b/, 'pino'],
  [/node_modules\/ajv\//, 'ajv'],
  [/node_modules\//, 'other packages'],
  [/^node:/, 'Node'],
  [/\/(src|dist)\/[^:]+$/, 'openai-proxy'],
]

/** Colours that GitHub shows well on white and on black. */
export const colours: Readonly<Record<string, string>> = {
  'openai-proxy': '#f4a261',
  Node: '#a8c686',
  Koa: '#9ad1d4',
  undici: '#8ab6f9',
  OpenTelemetry: '#d4a5f5',
  'prom-client': '#f7b2c4',
  pino: '#e9d985',
  ajv: '#c9b79c',
  'other packages': '#cccccc',
  'garbage collection': '#e76f51',
  'native code and compilation': '#9a9a9a',
}

/**
 * Native functions have no address and count for who called them. So does what is made from text with no address, such
 * as ajv's checks and a fold's templates. `(program)` is V8 itself outside of any function: system calls, and the
 * compilation that is not done by other threads.
 */
export function groupOf({ functionName, url }: CallFrame, caller: string): string {
  if (functionName === '(garbage collector)' || functionName === 'GC') return 'garbage collection'
  if (functionName === '(program)' || functionName === 'V8 API' || functionName === 'EXTERNAL') {
    return 'native code and compilation'
  }
  if (/^validate\d+$/.test(functionName)) return 'ajv'
  return byPlace.find(([pattern]) => pattern.test(url))?.[1] ?? caller
}
