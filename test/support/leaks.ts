/** What most tests ask. */
export const prompt = 'What is the answer?'

const found: string[] = []

/** Shorter ones, such as `a`, stand in words as well. */
const shortest = 12

/**
 * Looks for what was secret to a proxy under test in what it has said. Every proxy that a test starts is looked at when
 * it ends; the run fails at its end for what was found.
 */
export function lookForLeaks(who: string, env: Readonly<Record<string, string>>, said: string): void {
  found.push(...leaksIn(env, said).map((leak) => `${who} said ${leak}`))
}

/** Where the keys, as the environment gave them, and what most tests ask stand in a text. */
export function leaksIn(env: Readonly<Record<string, string>>, said: string): string[] {
  return [...secretsOf(env), prompt]
    .map((secret) => ({ at: said.indexOf(secret), end: said.indexOf(secret) + secret.length + 20 }))
    .filter(({ at }) => at >= 0)
    .map(({ at, end }) => said.slice(Math.max(0, at - 100), end))
}

/** What has been found in this run so far. */
export function leaks(): readonly string[] {
  return found
}

function secretsOf({
  UPSTREAM_API_KEY = '',
  PROXY_API_KEYS = '',
  ADMIN_TOKEN = '',
  REDIS_URL,
}: Record<string, string>) {
  const keys = [UPSTREAM_API_KEY, PROXY_API_KEYS].flatMap((list) => list.split(','))
  const bare = keys.map((key) => key.trim().replace(/^[\w.@-]+:/, ''))
  const password = REDIS_URL === undefined ? '' : (URL.parse(REDIS_URL)?.password ?? '')
  return [...bare, ADMIN_TOKEN, password].filter((secret) => secret.length >= shortest)
}
