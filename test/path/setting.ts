import assert from 'node:assert/strict'
import { type Clock, systemClock } from '../../src/clock.ts'
import type { Sample } from '../../src/telemetry/snapshot.ts'
import { MovedClock } from '../support/clock.ts'
import type { Exchange, Step } from '../support/exchange.ts'
import { type ProxyOptions, type RunningProxy, startProxy } from '../support/proxy.ts'
import { type Script, startUpstream, type Upstream } from '../support/upstream.ts'
import { unguarded } from '../upstream/servers.ts'

/** What one test has started. */
export interface Setting {
  upstream(script: Script): Promise<Upstream>
  proxy(upstreams: ProxyOptions['upstreams'], options?: Omit<ProxyOptions, 'upstreams'>): Promise<RunningProxy>
  /** One upstream with this script and a proxy before it. */
  pair(script: Script, options?: Omit<ProxyOptions, 'upstreams'>): Promise<{ upstream: Upstream; proxy: RunningProxy }>
}

interface Counted extends Clock {
  readonly pending: number
}

/**
 * Starts upstreams and proxies for the tests of a suite, and holds each test to what it must leave behind: no request
 * under way, no place taken at an upstream, no socket, no timer, and no warning that listeners pile up.
 */
export function setting(): Setting {
  unguarded()
  const upstreams: Upstream[] = []
  const proxies: { proxy: RunningProxy; clock: Counted }[] = []
  const warnings: string[] = []
  const onWarning = (warning: Error) => warnings.push(warning.message)

  beforeEach(() => void process.on('warning', onWarning))

  afterEach(async () => {
    process.off('warning', onWarning)
    for (const { proxy, clock } of proxies.splice(0)) await assertNothingLeft(proxy, clock)
    for (const upstream of upstreams.splice(0)) assert.equal(await upstream.close(), 0, 'sockets left at an upstream')
    assert.deepEqual(warnings.splice(0), [])
  })

  async function upstream(script: Script) {
    const started = await startUpstream(script)
    upstreams.push(started)
    return started
  }
  async function proxy(ups: ProxyOptions['upstreams'], options: Omit<ProxyOptions, 'upstreams'> = {}) {
    const clock = options.clock instanceof MovedClock ? options.clock : counted(options.clock ?? systemClock)
    const started = await startProxy({ upstreams: ups, ...options, clock })
    proxies.push({ proxy: started, clock })
    return started
  }
  return {
    upstream,
    proxy,
    async pair(script, options) {
      const one = await upstream(script)
      return { upstream: one, proxy: await proxy([one], options) }
    },
  }
}

async function assertNothingLeft(proxy: RunningProxy, clock: Counted): Promise<void> {
  assert.equal(await proxy.close(), 0, 'requests under way')
  for (const { name, inFlight } of statusOf(proxy)) assert.equal(inFlight, 0, `places taken at ${name}`)
  assert.equal(clock.pending, 0, 'timers left')
}

/** The upstreams as `GET /status` shows them. */
export function statusOf(proxy: RunningProxy) {
  const { upstreams } = proxy.app.status() as {
    upstreams: { name: string; inFlight: number; state: string; resting: boolean; waitMs: number }[]
  }
  return upstreams
}

/** A clock that runs as it should, and knows how many alarms are set. */
function counted(clock: Clock): Counted {
  const alarms = new Set<object>()
  return {
    now: () => clock.now(),
    wall: () => clock.wall(),
    after(ms, done) {
      const alarm = {}
      alarms.add(alarm)
      const cancel = clock.after(ms, () => {
        alarms.delete(alarm)
        done()
      })
      return () => {
        alarms.delete(alarm)
        cancel()
      }
    },
    get pending() {
      return alarms.size
    },
  }
}

export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null }
}

/** The response is this proxy's own error; returns its body for further looks. */
export async function assertError(response: Response, status: number, code: string): Promise<ErrorBody> {
  const text = await response.text()
  assert.equal(response.status, status, text)
  assert.equal(response.headers.get('content-type'), 'application/json')
  const body = JSON.parse(text) as ErrorBody
  assert.deepEqual(Object.keys(body), ['error'])
  assert.deepEqual(Object.keys(body.error).sort(), ['code', 'message', 'param', 'type'])
  assert.equal(body.error.code, code, text)
  return body
}

/** The value of a counter or gauge, added up over the series whose labels fit. */
export async function metric(proxy: RunningProxy, name: string, labels: Record<string, string> = {}): Promise<number> {
  const found = (await proxy.app.snapshot()).find((family) => family.name === name)
  const wanted = Object.entries(labels)
  const fits = ({ labels: has }: Sample) => wanted.every(([label, value]) => String(has[label]) === value)
  return (found?.values ?? []).filter(fits).reduce((sum, { value }) => sum + value, 0)
}

/** Waits turn by turn of the event loop, for what sockets bring about and no event tells. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

/** A clock moved by hand that knows how often it was read, and so when a chunk has been dealt with. */
export class ReadClock extends MovedClock {
  reads = 0

  override now(): number {
    this.reads++
    return super.now()
  }
}

/** An upstream whose answer the test speaks itself, and that says nothing unless told to. */
export class Spoken {
  private exchange: Exchange | undefined
  private readonly over = Promise.withResolvers<void>()
  private readonly clock: ReadClock

  constructor(clock: ReadClock) {
    this.clock = clock
  }

  readonly step: Step = (exchange) => {
    this.exchange = exchange
    return this.over.promise
  }

  /** Ends the answer. */
  end(): void {
    this.over.resolve()
  }

  /** Sends bytes and waits until the proxy has read them. */
  async say(bytes: string | Buffer): Promise<void> {
    await until(() => this.exchange !== undefined)
    const before = this.clock.reads
    await this.exchange?.send(bytes)
    await until(() => this.clock.reads > before)
  }
}
