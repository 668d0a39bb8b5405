const REDACTED = '[redacted]'

// What looks like a key wherever it stands, and the whole value of a header that carries one.
const SECRETS = [
  String.raw`\b(?:(?:sk|pk|rk|xai|key)-|gsk_|hf_)[\w-]{8,}`,
  String.raw`\bAIza[\w-]{20,}`,
  String.raw`\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}`,
  String.raw`(?<="(?:authorization|proxy-authorization|x-api-key|api-key|cookie|set-cookie)":)(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])`,
]

// One of these stands in whatever is found above. Nearly all lines have none, and this is five times as fast to say so.
const HINTS = ['[spr]k-', 'xai-', 'key-', 'gsk_', 'hf_', 'AIza', 'bearer ', 'basic ', 'ation"', 'cookie"', '-key"']

const SPECIAL = /[\\^$.*+?()[\]{}|]/g

/**
 * Makes the function that every log line passes last. It works on the finished line, because a key can come from
 * anywhere: a header, an upstream's message, even a model's name that a client confused with its key.
 * @param keys this proxy's own keys, which need not look like one; those shorter than 8 characters are left alone,
 * since they would blank out ordinary words.
 */
export function redactor(keys: readonly string[] = []): (line: string) => string {
  const own = keys.filter((key) => key.length >= 8).map(inJson)
  const hint = new RegExp([...own, ...HINTS].join('|'), 'i')
  const secret = new RegExp([...own, ...SECRETS].join('|'), 'gi')
  // A header's value must stay a JSON value, or the line could not be parsed any more.
  const blot = (found: string) => (/^["[]/.test(found) ? `"${REDACTED}"` : REDACTED)
  return (line) => (hint.test(line) ? line.replace(secret, blot) : line)
}

/** A pattern for a text as it stands within a JSON string. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1).replace(SPECIAL, String.raw`\$&`)
}

let ownRedactor = redactor()

/** The keys of this process, which `redact` blots out from now on. */
export function setOwnKeys(keys: readonly string[]): void {
  ownRedactor = redactor(keys)
}

/** Blots out of any text what looks like a key, and this process's own. */
export function redact(text: string): string {
  return ownRedactor(text)
}
