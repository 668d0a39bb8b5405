import pino, { type Logger } from 'pino'

/** Members of a request's line that come from outside; all others are this proxy's own words and numbers. */
const FOREIGN = ['request_id', 'client', 'model', 'upstream', 'tried'] as const

type Line = Readonly<Record<string, unknown>>
type Write = (line: Line, message: string, level: number, time: string) => string

const { asJsonSym, chindingsSym, hooksSym, lsCacheSym, mixinSym } = pino.symbols

/**
 * The same log for the lines of requests, of which each request has one. They say themselves to which trace they belong, so
 * no mixin need be asked; their members are plain, so no serializer need be looked for; and only what comes from
 * outside can hold a key, so the rest need not be searched for one. A line with an error goes pino's own way.
 */
export function quickLines(log: Logger): Logger {
  const hooks = Reflect.get(log, hooksSym) as { streamWrite?: (line: string) => string }
  return Object.create(log, {
    [asJsonSym]: { value: writerOf(log, hooks.streamWrite ?? ((line) => line)) },
    [mixinSym]: { value: undefined },
    [hooksSym]: { value: { ...hooks, streamWrite: undefined } },
  })
}

function writerOf(log: Logger, redact: (line: string) => string): Write {
  const byPino = Reflect.get(log, asJsonSym) as Write
  /** How a line begins, by the number of its level. */
  const beginnings = Reflect.get(log, lsCacheSym) as Readonly<Record<number, string>>
  const bindings = Reflect.get(log, chindingsSym) as string
  return (line, message, level, time) => {
    if (line.err !== undefined) return redact(byPino.call(log, line, message, level, time))
    let foreign = ''
    for (const name of FOREIGN) if (line[name] !== undefined) foreign += JSON.stringify(line[name])
    const object = JSON.stringify(line)
    const members = object === '{}' ? '' : `,${object.slice(1, -1)}`
    const text = `${beginnings[level]}${time}${bindings}${members},"msg":${JSON.stringify(message)}}\n`
    return redact(foreign) === foreign ? text : redact(text)
  }
}
