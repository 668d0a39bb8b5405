import assert from 'node:assert/strict'
import pino from 'pino'
import { type Counting, Ledger } from '../../src/cluster/ledger.ts'
import type { Load } from '../../src/cluster/messages.ts'
import { logStats } from '../../src/cluster/stats.ts'
import { MovedClock } from '../support/clock.ts'
import { settled } from './children.ts'

const MIB = 1024 ** 2

/** A worker whose answers the test sets; none at all while `stuck`. */
class CountingWorker implements Counting {
  readonly id: string
  readonly slot: string
  readonly pid: number
  stuck = false
  readonly asked: string[] = []
  load: Load = { requests: 0, errors: 0, inFlight: 0, rss: 100 * MIB, heapUsed: 40 * MIB }

  constructor(slot: string, generation = 1) {
    this.slot = slot
    this.id = `${slot}.${generation}`
    this.pid = 100 + Number(slot)
  }

  async ask(question: { what: string }): Promise<unknown> {
    if (this.stuck) throw new Error('did not answer in time')
    this.asked.push(question.what)
    if (question.what === 'load') return this.load
    const values = [{ value: this.load.requests, labels: {} }]
    return [{ name: 'asked_total', help: 'Asked.', type: 'counter', aggregator: 'sum', values }]
  }
}

function total(ledger: Ledger): number {
  return Number(/^asked_total (\d+)$/m.exec(ledger.text('prometheus').body)?.[1])
}

describe('the ledger of what workers have counted', () => {
  it('adds up the workers', async () => {
    const [one, two] = [new CountingWorker('1'), new CountingWorker('2')]
    one.load.requests = 3
    two.load.requests = 4
    const ledger = new Ledger()
    await ledger.collect([one, two])
    assert.equal(total(ledger), 7)
  })

  it('keeps what a worker had counted when it has died, so that no total falls', async () => {
    const [one, next] = [new CountingWorker('1'), new CountingWorker('1', 2)]
    one.load.requests = 3
    one.load.errors = 2
    const ledger = new Ledger()
    await ledger.collect([one])
    ledger.close(one.id)
    next.load.requests = 1
    await ledger.collect([next])
    assert.equal(total(ledger), 4)
    assert.deepEqual([ledger.gone.requests, ledger.gone.errors, ledger.gone.rss], [3, 2, 0])
    assert.deepEqual(
      ledger.lastLoads([next]).map(({ requests }) => requests),
      [1],
    )
  })

  it('asks for totals only where nothing must begin anew', async () => {
    const one = new CountingWorker('1')
    one.load.requests = 3
    const ledger = new Ledger()
    await ledger.count([one])
    assert.deepEqual(one.asked.sort(), ['load', 'totals'])
    assert.equal(total(ledger), 3)
  })

  it('does not add what a process has counted to itself when one of its apps has ended', async () => {
    const one = new CountingWorker('1')
    one.load.requests = 3
    const ledger = new Ledger()
    await ledger.collect([one])
    ledger.retire(one.id)
    assert.equal(total(ledger), 3)
    assert.deepEqual([ledger.gone.requests, ledger.lastLoads([one])], [0, []])
  })

  it('leaves it to the others how the upstreams are, where a worker only finishes what runs', async () => {
    const gauge = (name: string, aggregator: string) => ({ name, help: 'G.', type: 'gauge', aggregator })
    const values = [{ value: 2, labels: {} }]
    const old = {
      ...{ id: '1.1', slot: '1', pid: 101, replaced: true },
      ask: async () => [
        { ...gauge('proxy_circuit_state', 'max'), values },
        { ...gauge('proxy_requests_in_flight', 'sum'), values },
      ],
    }
    const ledger = new Ledger()
    await ledger.collect([old])
    assert.deepEqual(
      ledger.merged().map(({ name }) => name),
      ['proxy_requests_in_flight'],
    )
  })

  it('goes on without what it cannot read, as of a worker of another version', async () => {
    const [one, strange] = [new CountingWorker('1'), new CountingWorker('2')]
    one.load.requests = 3
    strange.ask = async () => ({ metrics: 'in a new shape' })
    const ledger = new Ledger()
    await ledger.collect([one, strange])
    assert.equal(total(ledger), 3)
    assert.equal(ledger.lastLoads([one, strange]).length, 1)
  })

  it('shows a worker that does not answer with what it last said', async () => {
    const [one, two] = [new CountingWorker('1'), new CountingWorker('2')]
    one.load.requests = 3
    const ledger = new Ledger()
    await ledger.collect([one, two])
    one.stuck = true
    two.load.requests = 4
    await ledger.collect([one, two])
    assert.equal(total(ledger), 7)
  })
})

describe('the line of statistics', () => {
  it('tells of every worker and of all together, those that ended included', async () => {
    const lines: Record<string, unknown>[] = []
    const log = pino({}, { write: (line) => lines.push(JSON.parse(line)) })
    const clock = new MovedClock()
    const worker = new CountingWorker('1')
    Object.assign(worker.load, { requests: 5, errors: 1, inFlight: 2 })
    const stop = logStats({
      intervalMs: 1000,
      clock,
      log,
      loads: async () => [{ worker: '1', pid: worker.pid, ...worker.load }],
      gone: () => ({ requests: 10, errors: 3 }),
    })
    clock.move(1000)
    await settled()
    clock.move(1000)
    await settled()
    assert.equal(lines.length, 2)
    const { all, workers, msg } = lines[0]!
    assert.equal(msg, 'stats')
    assert.deepEqual(workers, [
      { worker: '1', pid: 101, requests: 5, errors: 1, in_flight: 2, rss_mb: 100, heap_mb: 40 },
    ])
    const { requests, errors, in_flight, rss_mb } = all as Record<string, number>
    assert.deepEqual([requests, errors, in_flight], [15, 4, 2])
    assert.ok(Number(rss_mb) > 100, "the primary's own memory counts")
    stop()
    assert.equal(clock.pending, 0)
  })
})
