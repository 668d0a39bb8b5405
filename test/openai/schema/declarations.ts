import { readFileSync } from 'node:fs'

/** A type of a request, as the SDK's declaration files write it. */
export type Type =
  | { is: 'value'; value: unknown }
  | { is: 'union'; arms: Type[] }
  | { is: 'array'; of: Type }
  | { is: 'dictionary'; of: Type }
  | { is: 'object'; members: Member[] }
  | { is: 'name'; name: string }

export interface Member {
  name: string
  optional: boolean
  type: Type
}

/** An interface or a type alias, not yet parsed. */
export interface Declaration {
  parents: string[]
  text: string
}

/** By full name, such as `ChatCompletionContentPart.File`. */
export type Declarations = Map<string, Declaration>

const comment = /\/\*[\s\S]*?\*\//g
const opening = /^( *)(?:export )?(?:declare )?(namespace|interface|type) (\w+)(?: extends ([\w., ]+))?(?: =)? (.*)$/
const token = /\s*('[^']*'|[\w$.]+|.)/gy

/**
 * Finds the types in some of the SDK's `.d.ts` files. TypeScript 7 has no API to ask for them, but the files are
 * generated and indented without exception, which is what this goes by.
 */
export function readDeclarations(files: string[]): Declarations {
  const found: Declarations = new Map()
  for (const file of files) {
    const lines = readFileSync(file, 'utf8').replaceAll(comment, '').split('\n')
    readScope(lines, found)
  }
  return found
}

function readScope(lines: string[], found: Declarations): void {
  const scope: string[] = []
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', kind, name = '', parents = '', rest = ''] = opening.exec(lines[at]!) ?? []
    if (!kind) continue
    scope.length = indent.length / 4
    scope.push(name)
    if (kind === 'namespace') continue
    let text = rest
    if (rest.endsWith('{')) {
      const end = lines.findIndex((line, index) => index > at && line.startsWith(`${indent}}`))
      text = ['{', ...lines.slice(at + 1, end), '}'].join(' ')
      at = end
    }
    found.set(scope.join('.'), { parents: parents.split(', ').filter(Boolean), text: text.replace(/;$/, '') })
  }
}

/** Parses a type. What it does not understand throws, so that no part of a request is passed over in silence. */
export function parseType(text: string): Type {
  const tokens = [...text.matchAll(token)].map((match) => match[1]!).filter((word) => word.trim() !== '')
  const type = readUnion(tokens)
  if (tokens.length > 0) throw new Error(`cannot read ${tokens.slice(0, 9).join(' ')} in ${text.slice(0, 99)}`)
  return type
}

function readUnion(tokens: string[]): Type {
  const arms: Type[] = []
  do arms.push(readArm(tokens))
  while (accept(tokens, '|'))
  return arms.length === 1 ? arms[0]! : { is: 'union', arms }
}

function readArm(tokens: string[]): Type {
  const word = tokens.shift() ?? ''
  if (word === '{') return readMembers(tokens)
  if (word === '(') return readOpenString(tokens)
  if (word.startsWith("'")) return { is: 'value', value: word.slice(1, -1) }
  if (['true', 'false', 'null'].includes(word)) return { is: 'value', value: JSON.parse(word) }
  if (word !== 'Array') return { is: 'name', name: word }
  expect(tokens, '<')
  const of = readUnion(tokens)
  expect(tokens, '>')
  return { is: 'array', of }
}

/** `(string & {})` is `string`, written so that editors still offer the literals beside it. */
function readOpenString(tokens: string[]): Type {
  expect(tokens, 'string', '&', '{', '}', ')')
  return { is: 'name', name: 'string' }
}

function readMembers(tokens: string[]): Type {
  const members: Member[] = []
  while (!accept(tokens, '}')) {
    if (accept(tokens, '[')) return readDictionary(tokens)
    const name = tokens.shift() ?? ''
    const optional = accept(tokens, '?')
    expect(tokens, ':')
    members.push({ name, optional, type: readUnion(tokens) })
    expect(tokens, ';')
  }
  return { is: 'object', members }
}

function readDictionary(tokens: string[]): Type {
  expect(tokens, 'key', ':', 'string', ']', ':')
  const of = readUnion(tokens)
  expect(tokens, ';', '}')
  return { is: 'dictionary', of }
}

function accept(tokens: string[], word: string): boolean {
  if (tokens[0] !== word) return false
  tokens.shift()
  return true
}

function expect(tokens: string[], ...words: string[]): void {
  for (const word of words) {
    if (!accept(tokens, word)) throw new Error(`expected ${word} before ${tokens.slice(0, 9).join(' ')}`)
  }
}
