import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { parseAllDocuments } from 'yaml'
import { settingsTable } from '../../src/config/table.ts'
import { metricTable } from '../../src/telemetry/metric-table.ts'
import { readVersion } from '../../src/telemetry/version.ts'
import { settingsOf } from '../cluster/children.ts'
import { type Manifest, manifestSchemas, type PodSpec } from '../support/manifests.ts'

const folder = new URL('../../deploy/kubernetes/', import.meta.url)
const manifests = readdirSync(folder).flatMap((file) =>
  parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map((document) => {
    assert.deepEqual(document.errors, [], file)
    return document.toJS() as Manifest
  }),
)

/** The specification of the only manifest of a kind, or of that with a name. */
function specOf<Spec>(kind: string, name?: string): Spec {
  const found = manifests.find((each) => each.kind === kind && (name === undefined || each.metadata.name === name))
  assert.ok(found, `${kind} ${name ?? ''}`)
  return found.spec as Spec
}

const deployment = specOf<{ template: { metadata: { labels: Record<string, string> }; spec: PodSpec } }>('Deployment')
const pod = deployment.template
const container = pod.spec.containers[0]!
const names = ['Deployment', 'ConfigMap', 'Service', 'PodDisruptionBudget', 'HorizontalPodAutoscaler', 'ServiceMonitor']

describe('the manifests for Kubernetes', () => {
  it('are one of each kind that there should be, and two services', () => {
    assert.deepEqual(new Set(manifests.map(({ kind }) => kind)), new Set(names))
    assert.equal(manifests.length, names.length + 1)
  })

  // The schemas of Kubernetes itself cannot be had without its servers; these hold what is used here, and nothing else.
  for (const manifest of manifests) {
    it(`${manifest.kind} ${manifest.metadata.name} has the members that its kind has, and no others`, () => {
      const ajv = new Ajv({ allErrors: true, strict: true })
      const check = ajv.compile(manifestSchemas[manifest.kind] ?? false)
      assert.ok(check(manifest), ajv.errorsText(check.errors))
    })
  }

  it('select the pods that there are', () => {
    type Selecting = { selector: { matchLabels?: Record<string, string> } & Record<string, unknown> }
    for (const kind of ['Deployment', 'PodDisruptionBudget']) {
      assert.deepEqual(specOf<Selecting>(kind).selector.matchLabels, pod.metadata.labels, kind)
    }
    for (const service of ['openai-proxy', 'openai-proxy-admin']) {
      assert.deepEqual(specOf<Selecting>('Service', service).selector, pod.metadata.labels)
    }
    const monitored = specOf<Selecting>('ServiceMonitor').selector.matchLabels
    const admin = manifests.find(({ metadata }) => metadata.name === 'openai-proxy-admin')
    assert.deepEqual(admin?.metadata.labels, monitored)
  })

  it('run the image that the README has pushed, of the version that this is', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const pushed = /^docker push \S+\/(\S+)$/m.exec(readme)?.[1]
    assert.equal(container.image, pushed)
    assert.equal(pushed, `openai-proxy:${readVersion()}`)
  })

  it('name ports that the container has', () => {
    const ports = container.ports.map(({ name }) => name)
    const targets = ['openai-proxy', 'openai-proxy-admin'].flatMap((service) =>
      specOf<{ ports: { targetPort: string }[] }>('Service', service).ports.map(({ targetPort }) => targetPort),
    )
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe]
    for (const name of [...targets, ...probes.map(({ httpGet }) => httpGet.port)]) assert.ok(ports.includes(name), name)
  })

  it('ask whether it lives without asking whether the upstreams do', () => {
    assert.equal(container.livenessProbe.httpGet.path, '/health/live')
    assert.equal(container.readinessProbe.httpGet.path, '/health/ready')
  })

  it('leave more time than the pause before the end and the drain take together', () => {
    const pause = /setTimeout\(\(\) => \{\}, ([\d_]+)\)/.exec(container.lifecycle.preStop.exec.command[2] ?? '')?.[1]
    const drain = settingsOf().shutdownTimeoutMs
    assert.ok(pod.spec.terminationGracePeriodSeconds * 1000 > Number(pause?.replace('_', '')) + drain)
  })

  it('set only what the proxy knows, and mount the files that the settings name', () => {
    const data = manifests.find(({ kind }) => kind === 'ConfigMap')?.data ?? {}
    const set = [...Object.keys(data), ...container.env.map(({ name }) => name)]
    assert.deepEqual(
      set.filter((name) => !name.startsWith('OTEL_') && !Object.hasOwn(settingsTable, name)),
      [],
    )
    const mounted = pod.spec.volumes.flatMap(({ name, secret }) => {
      const at = container.volumeMounts.find((mount) => mount.name === name)?.mountPath
      return (secret?.items ?? []).map(({ path }) => `${at}/${path}`)
    })
    for (const file of [data.UPSTREAM_API_KEY_FILE, data.PROXY_API_KEYS_FILE]) assert.ok(mounted.includes(file ?? ''))
  })

  it('replace a worker before V8 ends it, which it does at half of the memory', () => {
    const data = manifests.find(({ kind }) => kind === 'ConfigMap')?.data ?? {}
    const [, amount, unit] = /^(\d+)([MG])i$/.exec(container.resources.limits.memory) ?? []
    const memoryMb = Number(amount) * (unit === 'G' ? 1024 : 1)
    assert.ok(Number(data.MAX_HEAP_MB) < (memoryMb / 2) * 0.8, `${data.MAX_HEAP_MB} of ${memoryMb}`)
  })

  it('scale by a metric that there is', () => {
    type Scaling = { metrics: { pods?: { metric: { name: string } } }[] }
    const own = specOf<Scaling>('HorizontalPodAutoscaler').metrics.flatMap(({ pods }) => pods?.metric.name ?? [])
    assert.deepEqual(own, [metricTable.requestsInFlight.name])
  })
})
