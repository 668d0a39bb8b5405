/** What one worker said of itself at one moment. */
export interface Sample {
  /** Hours since the first. */
  readonly hours: number
  readonly rssMiB: number
  readonly heapMiB: number
  readonly resources: number
  readonly files: number
  /** Mean delay of the event loop since the last sample, milliseconds, and the 99th percentile. */
  readonly delayMs: number
  readonly delayP99Ms: number
  readonly inFlight: number
}

/**
 * The sum of all series of a metric whose labels hold this text, from Prometheus' text format:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. NaN when there is none.
 */
export function sumOf(exposition: string, name: string, labels = ''): number {
  const values = exposition
    .split('\n')
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels))
    .map((line) =>
      Number(
        line
          .slice(line.lastIndexOf('}') + 1)
          .trim()
          .split(' ')
          .at(line.includes('}') ? 0 : 1),
      ),
    )
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0)
}

/** Asks the admin port of a proxy with one worker. */
export async function takeSample(adminPort: number, startMs: number): Promise<Sample> {
  const admin = `http://127.0.0.1:${adminPort}`
  const exposition = await (await fetch(`${admin}/metrics`)).text()
  const { workers } = (await (await fetch(`${admin}/status`)).json()) as {
    workers: { rss: number; heapUsed: number; inFlight: number }[]
  }
  const [worker] = workers
  if (!worker) throw new Error('the proxy has no worker')
  const own = (name: string) => sumOf(exposition, name, 'worker="1"')
  return {
    hours: (performance.now() - startMs) / 3_600_000,
    rssMiB: worker.rss / 2 ** 20,
    heapMiB: worker.heapUsed / 2 ** 20,
    resources: own('nodejs_active_resources'),
    files: own('process_open_fds'),
    delayMs: own('nodejs_eventloop_lag_mean_seconds') * 1000,
    delayP99Ms: own('nodejs_eventloop_lag_p99_seconds') * 1000,
    inFlight: worker.inFlight,
  }
}
