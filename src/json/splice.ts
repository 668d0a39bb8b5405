import { isSpace, QUOTE, skipSpace, skipString, skipValue } from './scan.ts'

/** A member of the outermost object: its decoded name, and where its value lies. */
interface Member {
  readonly name: string
  readonly start: number
  readonly end: number
}

/**
 * Sets top-level members of a JSON object in its text. Every other byte stays: order, white space, escapes,
 * `1.0`, integers of 20 digits; parsing and writing again would lose these.
 *
 * A member that exists has its value replaced, at every occurrence, since parsers differ on which duplicate counts.
 * One that does not is put before the closing brace.
 *
 * @param text a valid JSON object
 * @param changes name → value, the values as JSON text
 * @param parsed the same object parsed, where it is at hand: then nothing is searched for members that it lacks,
 *   and adding `stream` to a request of 20 MB costs nothing
 */
export function splice(text: string, changes: Readonly<Record<string, string>>, parsed?: object): string {
  const missing = new Set(Object.keys(changes))
  let changed = ''
  let copied = 0
  if (parsed === undefined || Object.keys(changes).some((name) => Object.hasOwn(parsed, name))) {
    for (const { name, start, end } of membersOf(text)) {
      if (!Object.hasOwn(changes, name)) continue
      changed += text.slice(copied, start) + changes[name]
      copied = end
      missing.delete(name)
    }
  }
  if (missing.size === 0) return changed + text.slice(copied)
  const brace = text.lastIndexOf('}')
  const added = [...missing].map((name) => `${JSON.stringify(name)}:${changes[name]}`).join(',')
  return `${changed}${text.slice(copied, brace)}${isEmpty(text, brace) ? '' : ','}${added}${text.slice(brace)}`
}

/**
 * The text of a top-level member's value, exactly as written; of the last one where there are several, as JSON.parse
 * would choose. Undefined where there is none.
 *
 * @param text a valid JSON object
 */
export function memberText(text: string, name: string): string | undefined {
  let found: Member | undefined
  for (const member of membersOf(text)) if (member.name === name) found = member
  return found && text.slice(found.start, found.end)
}

function* membersOf(text: string): Generator<Member> {
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charCodeAt(at) === QUOTE) {
    const nameEnd = skipString(text, at)
    const colon = skipSpace(text, nameEnd)
    const start = skipSpace(text, colon + 1)
    const end = skipValue(text, start)
    yield { name: decode(text.slice(at, nameEnd)), start, end }
    // Past the comma or, behind the last member, past the closing brace.
    at = skipSpace(text, skipSpace(text, end) + 1)
  }
}

/** A name may be written with escapes, "str\u0065am"; missed, it would be set twice with different values. */
function decode(literal: string): string {
  return literal.includes('\\') ? JSON.parse(literal) : literal.slice(1, -1)
}

/** Whether the object that closes at `brace` has no members: only then does its other brace come right before. */
function isEmpty(text: string, brace: number): boolean {
  let at = brace - 1
  while (isSpace(text.charCodeAt(at))) at--
  return text[at] === '{'
}
