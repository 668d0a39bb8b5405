import { stringify } from 'yaml'
import { isMember, memberOf, type ProxyKey, type Settings, type UpstreamConfig } from './settings.ts'
import { rowOf, settingNames } from './table.ts'

const masked = '***'

/** The settings in effect as a config file would hold them, with every secret masked. */
export function printable(settings: Settings): string {
  const values = new Map<string, unknown>(Object.entries(settings))
  const rows = settingNames
    .filter(isMember)
    .map((name) => [name, values.get(memberOf(name))] as const)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, rowOf(name).secret ? masked : value])
  return stringify({
    ...Object.fromEntries(rows),
    upstreams: settings.upstreams.map(maskUpstream),
    keys: settings.proxyApiKeys.map(maskKey),
  })
}

/** Some providers take their key in a header or in the query string. */
function maskUpstream(upstream: UpstreamConfig): UpstreamConfig {
  const { key, headers, url } = upstream
  return {
    ...upstream,
    url: url.replace(/\?.*$/s, `?${masked}`),
    ...(key !== undefined && { key: masked }),
    ...(headers && { headers: Object.fromEntries(Object.keys(headers).map((name) => [name, masked])) }),
  }
}

function maskKey(key: ProxyKey): ProxyKey {
  return { ...key, key: masked }
}
