import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { settingsTable } from '../../src/config/table.ts'
import { settingsOf } from '../cluster/children.ts'
import { allRules } from '../support/rules.ts'

interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly networks: readonly string[]
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: unknown
  readonly stop_grace_period?: string
  readonly mem_limit?: string
  readonly cpus?: number
  readonly read_only?: boolean
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose
const services = Object.entries(compose.services)
const proxy = compose.services.proxy!

/** What the proxy's command says of the settings, with these variables where Compose is run. */
function started(given: Readonly<Record<string, string>>): string {
  const filled = (text: string) => text.replaceAll(/\$\{(\w+):-(.*?)\}/g, (_, name, usual) => given[name] || usual)
  const mounted = (text: string) =>
    text.replaceAll(/\/run\/secrets\/(\w+)/g, (_, secret) => filled(compose.secrets[secret]?.file ?? ''))
  const [shell = '', ...args] = (proxy.command ?? []).map((word) =>
    mounted(word.replaceAll('$$', '$')).replace(
      'node dist/main.js',
      `'${process.execPath}' src/main.ts --print-config`,
    ),
  )
  const set = Object.entries(proxy.environment ?? {}).map(([name, value]) => [name, mounted(filled(value))])
  const env = { PATH: process.env.PATH, ...Object.fromEntries(set) }
  const { stdout, stderr } = spawnSync(shell, args, { cwd: fileURLToPath(root), env, encoding: 'utf8' })
  return stdout + stderr
}

describe('docker-compose.yml', () => {
  it('publishes nginx, Grafana and the page of Jaeger only, and these on loopback', () => {
    const published = services.filter(([, { ports }]) => ports !== undefined)
    assert.deepEqual(
      published.map(([name]) => name),
      ['nginx', 'jaeger', 'grafana'],
    )
    for (const [name, { ports = [] }] of published) {
      for (const port of ports) assert.match(port, /^\$\{\w+:-127\.0\.0\.1:\d+\}:\d+$/, name)
    }
  })

  it('lets only those reach outside who have to', () => {
    assert.equal(compose.networks.inner?.internal, true)
    const outside = services.filter(([, { networks }]) => networks.some((name) => name !== 'inner'))
    assert.deepEqual(
      outside.map(([name]) => name),
      ['proxy', 'nginx', 'alertmanager', 'jaeger', 'grafana'],
    )
  })

  for (const [name, service] of services) {
    it(`${name} has a version, bounds, and a file system that it cannot write to`, () => {
      if (service.image !== 'openai-proxy') assert.match(service.image, /:v?\d[\w.-]*$/)
      assert.ok(service.mem_limit, 'memory')
      assert.ok(service.cpus, 'CPU')
      assert.equal(service.read_only, true)
    })

    it(`${name} mounts only what there is, and waits only for what can say that it is well`, () => {
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('.')) assert.ok(existsSync(new URL(source, root)), source)
      }
      for (const secret of service.secrets ?? []) assert.ok(compose.secrets[secret], secret)
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        assert.equal(condition, 'service_healthy')
        const own = other === 'proxy' ? /^HEALTHCHECK /m.test(read('Dockerfile')) : compose.services[other]?.healthcheck
        assert.ok(own, `${other} has no health check`)
      }
    })
  }

  it('has every secret in a file that is there', () => {
    for (const { file } of Object.values(compose.secrets)) {
      const path = /^\$\{\w+:-(.+)\}$/.exec(file)?.[1] ?? ''
      assert.ok(existsSync(new URL(path, root)), path)
    }
  })

  it('sets only what the proxy knows', () => {
    const names = Object.keys(proxy.environment ?? {}).filter((name) => !name.startsWith('OTEL_'))
    assert.deepEqual(
      names.filter((name) => !Object.hasOwn(settingsTable, name)),
      [],
    )
  })

  it('starts as it is, and with the keys of files that are named', () => {
    const folder = mkdtempSync(join(tmpdir(), 'compose-'))
    const keys = join(folder, 'keys')
    writeFileSync(keys, 'alice:key-for-alice\n')
    assert.match(started({}), /upstreams:\n {2}- url: http:\/\/demo:8000.*[^*]*keys: \[\]\n$/)
    const named = started({ UPSTREAM_API_KEY_FILE: keys, PROXY_API_KEYS_FILE: keys })
    assert.match(named, /key: "\*\*\*"\nkeys:\n {2}- name: alice\n/)
    // Half written, it would let everybody in.
    writeFileSync(keys, '')
    assert.match(started({ PROXY_API_KEYS_FILE: keys }), /PROXY_API_KEYS_FILE: .* has no key in it/)
    rmSync(folder, { recursive: true })
  })

  it('gives the proxy and nginx longer than the drain takes', () => {
    for (const { stop_grace_period } of [proxy, compose.services.nginx!]) {
      assert.ok(Number.parseInt(stop_grace_period ?? '', 10) * 1000 > settingsOf().shutdownTimeoutMs)
    }
  })

  it('has an alert at three quarters of the heap at which a worker is replaced', () => {
    const expr = allRules().find(({ alert }) => alert === 'OpenaiProxyHeapHigh')?.expr ?? ''
    const bound = Number(/> (\d+) \* 1024 \* 1024/.exec(expr)?.[1])
    assert.equal(bound, Number(proxy.environment?.MAX_HEAP_MB) * 0.75)
  })

  it('has its admin port where docs/operations.md asks it, with the token that is asked for', () => {
    const command = /exec -T (\w+) wget .*\$\(cat (\S+)\)" http:\/\/(\w+):(\d+)/.exec(read('docs/operations.md')) ?? []
    const [, from = '', token, to, port] = command
    assert.equal(compose.services[to ?? ''], proxy)
    assert.ok(
      compose.services[from]?.networks.some((network) => proxy.networks.includes(network)),
      from,
    )
    assert.equal(Number(port), settingsOf().adminPort)
    assert.ok(compose.secrets.admin_token?.file.endsWith(`:-./${token}}`), token)
  })

  it('names its services as the configurations of the others do', () => {
    const named = ['deploy/nginx/servers.conf', 'deploy/prometheus/prometheus.yml'].map(read).join('\n')
    const sources = read('deploy/grafana/provisioning/datasources/datasources.yml')
    assert.match(named, /^server proxy:3000 resolve/m)
    assert.match(named, /names: \[proxy\]/)
    for (const [, host = '', port] of `${named}${sources}`.matchAll(/(?:http:\/\/|targets: \[")([a-z]+):(\d+)/g)) {
      assert.ok(host === 'localhost' || compose.services[host], `${host}:${port}`)
    }
  })
})
