import type { UpstreamConfig, UpstreamEntry } from './settings.ts'

interface Sources {
  /** UPSTREAM_API_URL. */
  urls: readonly string[]
  /** UPSTREAM_API_KEY: none, one for all, or one for each. */
  keys: readonly string[]
  /** `upstreams` of the config file. */
  entries: readonly UpstreamEntry[]
}

/**
 * Puts the upstreams together. UPSTREAM_API_URL decides which there are when it is set; an entry of the file with the
 * same url, be it but for a slash at its end, lends it name, weight and the rest. A key that the file gives to one
 * upstream wins over one key for all.
 */
export function buildUpstreams({ urls, keys, entries }: Sources): { upstreams: UpstreamConfig[]; faults: string[] } {
  const chosen = urls.length > 0 ? urls.map((url) => entryFor(url, entries)) : entries
  if (chosen.length === 0) return { upstreams: [], faults: [missing] }
  const faults = [...doubledNames(chosen)]
  if (keys.length > 1 && keys.length !== chosen.length) {
    faults.push(
      `UPSTREAM_API_KEY: has ${keys.length} keys for ${chosen.length} upstreams; give one for all, or one for each`,
    )
  }
  const taken = new Set(chosen.flatMap((entry) => entry.name ?? []))
  const upstreams = chosen.map((entry, index) => {
    const key = keys.length > 1 ? keys[index] || entry.key : (entry.key ?? keys[0])
    // A program that embeds the proxy may write a member that it has no value for.
    const { name = freeName(entry.url, taken), weight = 1, priority = 0 } = entry
    return { ...entry, name, weight, priority, ...(key && { key }) }
  })
  return { upstreams, faults }
}

/** Both ways of writing an address lead to the same place, and its key would be left out without a word. */
function entryFor(url: string, entries: readonly UpstreamEntry[]): UpstreamEntry {
  const same = entries.find((entry) => entry.url === url) ?? entries.find((entry) => bare(entry.url) === bare(url))
  return same ? { ...same, url } : { url }
}

function bare(url: string): string {
  return url.replace(/\/+(?=$|\?)/, '')
}

const missing =
  'UPSTREAM_API_URL: is missing; set it to the address of your upstream, such as https://api.example.com/v1/chat/completions, or see the proxy at work without one: openai-proxy --demo, in a clone npm run demo'

/** The host names the upstream; a second one there becomes `host-2`. */
function freeName(url: string, taken: Set<string>): string {
  const { host } = new URL(url)
  let name = host
  for (let number = 2; taken.has(name); number++) name = `${host}-${number}`
  taken.add(name)
  return name
}

/** Needs nothing of the entries but their names, so that it can be said together with whatever else is wrong with them. */
export function doubledNames(entries: readonly Pick<UpstreamEntry, 'name'>[]): string[] {
  const names = entries.flatMap((entry) => entry.name ?? [])
  const doubled = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  return [...doubled].map((name) => `upstreams: the name ${name} is given twice; each needs its own`)
}
