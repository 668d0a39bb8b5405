/** Which models an upstream takes, and under which names. Neither member: every model, by the client's name. */
export interface ModelRules {
  /** The client's model to the upstream's own name for it. */
  readonly map?: Readonly<Record<string, string>>
  /** Exact names, or prefixes that end in `*`. */
  readonly allow?: readonly string[]
}

/**
 * The name under which an upstream with these rules knows `model`; undefined when it does not offer it.
 * A mapped model need not be allowed as well: who maps it says that it is there.
 */
export function translateModel(rules: ModelRules | undefined, model: string): string | undefined {
  if (!rules?.map && !rules?.allow) return model
  // The client chooses the name: `__proto__` must not find something that is not in the map.
  if (rules.map && Object.hasOwn(rules.map, model)) return rules.map[model]
  return rules.allow?.some((pattern) => matches(pattern, model)) ? model : undefined
}

function matches(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern
}
