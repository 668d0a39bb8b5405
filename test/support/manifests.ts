/** What the manifests of `deploy/kubernetes` may hold: the part of Kubernetes's own schemas that they use. */

export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec?: unknown
  readonly data?: Readonly<Record<string, string>>
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

export interface PodSpec {
  readonly terminationGracePeriodSeconds: number
  readonly containers: readonly {
    readonly image: string
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
    readonly env: readonly { readonly name: string }[]
    readonly resources: { readonly limits: { readonly memory: string } }
    readonly startupProbe: Probe
    readonly livenessProbe: Probe
    readonly readinessProbe: Probe
    readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  }[]
  readonly volumes: readonly {
    readonly name: string
    readonly secret?: { readonly items: readonly { readonly path: string }[] }
  }[]
}

type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const whole: Schema = { type: 'integer', minimum: 0 }
const flag: Schema = { type: 'boolean' }
const labels: Schema = { type: 'object', additionalProperties: text }
const list = (items: Schema): Schema => ({ type: 'array', items, minItems: 1 })
const one = (...values: readonly string[]): Schema => ({ enum: values })

/** An object with these members, of which those that end in "?" may be absent. */
function object(members: Readonly<Record<string, Schema>>): Schema {
  const properties = Object.fromEntries(
    Object.entries(members).map(([name, schema]) => [name.replace('?', ''), schema]),
  )
  const required = Object.keys(members).filter((name) => !name.endsWith('?'))
  return { type: 'object', properties, required, additionalProperties: false }
}

const selector = object({ matchLabels: labels })
const metadata = object({ name: { type: 'string', pattern: '^[a-z0-9-]{1,63}$' }, 'labels?': labels })

function manifest(apiVersion: string, spec: Readonly<Record<string, Schema>>): Schema {
  return object({ apiVersion: one(apiVersion), kind: text, metadata, spec: object(spec) })
}

const probe = object({
  httpGet: object({ path: text, port: text }),
  periodSeconds: whole,
  'timeoutSeconds?': whole,
  failureThreshold: whole,
})

const secretKey = object({ secretKeyRef: object({ name: text, key: text }) })

const container = object({
  name: text,
  image: { type: 'string', pattern: ':[0-9]' },
  ports: list(object({ name: text, containerPort: whole })),
  envFrom: list(object({ configMapRef: object({ name: text }) })),
  env: list(object({ name: text, valueFrom: secretKey })),
  resources: object({ requests: labels, limits: labels }),
  securityContext: object({
    allowPrivilegeEscalation: { const: false },
    readOnlyRootFilesystem: { const: true },
    capabilities: object({ drop: list({ const: 'ALL' }) }),
  }),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  lifecycle: object({ preStop: object({ exec: object({ command: list(text) }) }) }),
  volumeMounts: list(object({ name: text, mountPath: text, 'readOnly?': flag })),
})

const pod = object({
  automountServiceAccountToken: { const: false },
  terminationGracePeriodSeconds: whole,
  securityContext: object({
    runAsNonRoot: { const: true },
    runAsUser: { type: 'integer', minimum: 1 },
    seccompProfile: object({ type: one('RuntimeDefault') }),
  }),
  topologySpreadConstraints: list(
    object({ maxSkew: whole, topologyKey: text, whenUnsatisfiable: one('ScheduleAnyway'), labelSelector: selector }),
  ),
  containers: list(container),
  volumes: list(
    object({
      name: text,
      'secret?': object({ secretName: text, items: list(object({ key: text, path: text })) }),
      'emptyDir?': object({ sizeLimit: text }),
    }),
  ),
})

const port = object({ name: text, port: whole, targetPort: text })

const metric = object({
  type: one('Pods', 'Resource'),
  'pods?': object({
    metric: object({ name: text }),
    target: object({ type: one('AverageValue'), averageValue: text }),
  }),
  'resource?': object({ name: text, target: object({ type: one('Utilization'), averageUtilization: whole }) }),
})

const scaleDown = object({
  stabilizationWindowSeconds: whole,
  policies: list(object({ type: one('Pods', 'Percent'), value: whole, periodSeconds: whole })),
})

/** By kind. */
export const manifestSchemas: Readonly<Record<string, Schema>> = {
  Deployment: manifest('apps/v1', {
    selector,
    strategy: object({ rollingUpdate: object({ maxSurge: whole, maxUnavailable: whole }) }),
    template: object({ metadata: object({ labels }), spec: pod }),
  }),
  ConfigMap: object({ apiVersion: one('v1'), kind: text, metadata, data: labels }),
  Service: manifest('v1', {
    'clusterIP?': one('None'),
    selector: labels,
    'publishNotReadyAddresses?': flag,
    ports: list(port),
  }),
  PodDisruptionBudget: manifest('policy/v1', { maxUnavailable: whole, selector }),
  HorizontalPodAutoscaler: manifest('autoscaling/v2', {
    scaleTargetRef: object({ apiVersion: text, kind: text, name: text }),
    minReplicas: whole,
    maxReplicas: whole,
    metrics: list(metric),
    behavior: object({ scaleDown }),
  }),
  ServiceMonitor: manifest('monitoring.coreos.com/v1', {
    selector,
    endpoints: list(
      object({
        port: text,
        interval: text,
        authorization: object({ credentials: object({ name: text, key: text }) }),
        relabelings: list(object({ targetLabel: text, replacement: text })),
      }),
    ),
  }),
}
