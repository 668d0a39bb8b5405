import { type Line, type Span, widthOf, wrap } from './line.ts'

interface Shape {
  /** Columns within which an array or object stays on one line. */
  readonly width: number
  /** Whether strings that are too long are continued on the next line, which is then no JSON any more. */
  readonly wrapped: boolean
}

/** JSON for people to read: what fits on a line stays on it. */
export function jsonLines(value: unknown, shape: Shape): Line[] {
  return block([], value, '', shape)
}

/** The lines of one value, behind what stands before it on its first line. */
function block(before: Line, value: unknown, after: string, shape: Shape): Line[] {
  const flat = [...before, ...flatSpans(value), [after] as Span]
  if (widthOf(flat) <= shape.width) return [flat]
  if (typeof value === 'string') return shape.wrapped ? wrappedText(before, value, after, shape) : [flat]
  const members = membersOf(value)
  if (members.length === 0) return [flat]
  const margin = leadOf(before)
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  const inner = members.flatMap(([name, member], at) =>
    block([[`${margin}  `], ...name], member, at < members.length - 1 ? ',' : '', shape),
  )
  return [[...before, [open]], ...inner, [[`${margin}${close}${after}`]]]
}

function wrappedText(before: Line, value: string, after: string, { width }: Shape): Line[] {
  const start = widthOf(before)
  // With room for the comma behind the last of them.
  const parts = wrap(JSON.stringify(value), Math.max(8, width - start - 1))
  return parts.map((part, at): Line => {
    const lead = at === 0 ? before : [[' '.repeat(start)] as Span]
    return [...lead, [part, 'green'], [at === parts.length - 1 ? after : '']]
  })
}

function flatSpans(value: unknown): Span[] {
  if (typeof value === 'string') return [[JSON.stringify(value), 'green']]
  if (typeof value !== 'object' || value === null) return [[String(value), 'yellow']]
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{ ', ' }']
  const members = membersOf(value)
  if (members.length === 0) return [[`${open}${close}`.replaceAll(' ', '')]]
  const inner = members.flatMap(([name, member], at): Span[] => [[at === 0 ? '' : ', '], ...name, ...flatSpans(member)])
  return [[open], ...inner, [close]]
}

/** Each member with its name as it is written before it; elements of arrays have none. */
function membersOf(value: unknown): [name: Line, member: unknown][] {
  if (Array.isArray(value)) return value.map((element) => [[], element])
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).map(([name, member]) => [[[JSON.stringify(name), 'cyan'], [': ']], member])
}

/** The white space that a line begins with. */
function leadOf(line: Line): string {
  return /^ */.exec(line.map(([text]) => text).join(''))?.[0] ?? ''
}
