/** One line of a metric: a counter's or gauge's value, or one of a histogram's bucket, sum and count values. */
export interface Sample {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  /** Where the line's name is not the metric's own: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string | undefined
  readonly exemplar?: SampleExemplar | null | undefined
}

export interface SampleExemplar {
  readonly labelSet: Readonly<Record<string, string>>
  readonly value: number
  /** Seconds since the epoch. */
  readonly timestamp: number
}

/** One metric with all its lines, as prom-client's `getMetricsAsJSON()` gives it and IPC carries it. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly aggregator: string
  readonly values: readonly Sample[]
}

/** All metrics of one process at one moment. */
export type Snapshot = readonly Family[]

const types: readonly unknown[] = ['counter', 'gauge', 'histogram']

function isFamily(value: unknown): value is Family {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'help' in value &&
    typeof value.help === 'string' &&
    'aggregator' in value &&
    typeof value.aggregator === 'string' &&
    'type' in value &&
    types.includes(value.type) &&
    'values' in value &&
    Array.isArray(value.values)
  )
}

/** Whether what came over IPC is a snapshot: a worker of another version must not bring the scrape down half-way. */
export function isSnapshot(value: unknown): value is Snapshot {
  return Array.isArray(value) && value.every(isFamily)
}

/**
 * What came from prom-client, whose declared types leave out what it really gives, as a snapshot.
 * @throws TypeError when it is something else
 */
export function readSnapshot(value: unknown): Snapshot {
  if (!isSnapshot(value)) throw new TypeError('These are not metrics as prom-client writes them to JSON')
  return value.map((family) => ({ ...family, values: family.values.filter(hasValue) }))
}

/** The least of nothing in Node's histogram of delays, in seconds. */
const LEAST_OF_NOTHING = 2 ** 63 / 1e9

/**
 * Where an event loop is read that has not turned since it was read last, by two scrapers at once, its delays are none:
 * their mean is no number, which IPC makes null, and a scrape with one null in it is refused as a whole.
 */
function hasValue({ value }: Sample): boolean {
  return Number.isFinite(value) && value !== LEAST_OF_NOTHING
}
