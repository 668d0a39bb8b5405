import { type Declarations, type Member, parseType, readDeclarations, type Type } from './declarations.ts'

const resources = new URL('../../../node_modules/openai/resources/', import.meta.url)
const files = ['chat/completions/completions.d.ts', 'completions.d.ts', 'responses/responses.d.ts']

const declarations: Declarations = readDeclarations(
  [...files, 'embeddings.d.ts', 'shared.d.ts'].map((file) => new URL(file, resources).pathname),
)

/** Files import each other under these names; all are read into one table. */
const importAlias = /^(?:Shared|ResponsesAPI|ChatCompletionsAPI|CompletionsAPI)\./

// One sample for each of the types that are not built from others. 1 lies in every range that there is.
const plain: Record<string, unknown[]> = {
  string: ['text'],
  number: [1],
  boolean: [true, false],
  unknown: [{ any: 'thing' }],
}

/**
 * Requests of the named type of the SDK: the smallest, the fullest, and for each member of each object in it, each arm
 * of each union and each literal one more that has it.
 */
export function samplesOf(name: string): unknown[] {
  return samples({ is: 'name', name }, [])
}

/** Every member that an object of the named type may have. */
export function membersOf(name: string): string[] {
  return allMembers(name).map((member) => member.name)
}

function samples(type: Type, scope: string[]): unknown[] {
  switch (type.is) {
    case 'value':
      return [type.value]
    case 'union':
      return type.arms.flatMap((arm) => samples(arm, scope))
    case 'array':
      return samples(type.of, scope).map((value) => [value])
    case 'dictionary':
      return samples(type.of, scope).map((value) => ({ key: value }))
    case 'object':
      return objects(type.members, scope)
    case 'name':
      return plain[type.name] ?? named(type.name, scope)
  }
}

function named(name: string, scope: string[]): unknown[] {
  const full = resolve(name, scope)
  const type = parseType(declarations.get(full)!.text)
  return type.is === 'object' ? objects(allMembers(full), full.split('.')) : samples(type, full.split('.'))
}

function objects(members: Member[], scope: string[]): unknown[] {
  const known = members.map((member) => ({ ...member, values: samples(member.type, scope) }))
  const firsts = (chosen: typeof known) => Object.fromEntries(chosen.map(({ name, values }) => [name, values[0]]))
  const smallest = firsts(known.filter((member) => !member.optional))
  const each = known.flatMap(({ name, values }) => values.map((value) => ({ ...smallest, [name]: value })))
  return [smallest, firsts(known), ...each]
}

function allMembers(full: string): Member[] {
  const { parents, text } = declarations.get(full)!
  const type = parseType(text)
  const own = type.is === 'object' ? type.members : []
  const inherited = parents.flatMap((parent) => allMembers(resolve(parent, full.split('.'))))
  return [...inherited.filter(({ name }) => !own.some((member) => member.name === name)), ...own]
}

/** Looks a name up in the namespaces around it, from the innermost out. */
function resolve(name: string, scope: string[]): string {
  const bare = name.replace(importAlias, '')
  for (let depth = bare === name ? scope.length : 0; depth >= 0; depth--) {
    const full = [...scope.slice(0, depth), bare].join('.')
    if (declarations.has(full)) return full
  }
  throw new Error(`no declaration of ${name} seen from ${scope.join('.')}`)
}
