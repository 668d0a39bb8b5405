import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Counters } from '../../src/limit/counters.ts'
import { StoreHealth } from '../../src/limit/health.ts'
import { insure } from '../../src/limit/insure.ts'
import { memoryCounters } from '../../src/limit/memory.ts'

const off = { requests: 0, tokens: 0, concurrency: 0 }

/** A store that the test lets work, fail or hang. What it was told while it failed is not lost when it works again. */
class FickleStore {
  state: 'works' | 'fails' | 'hangs' = 'works'
  asked = 0
  readonly memory = memoryCounters()

  readonly counters: Counters = {
    add: (window, client, points) => this.answer(() => this.memory.add(window, client, points)),
    read: (window, client) => this.answer(() => this.memory.read(window, client)),
    acquire: (client, cap) => this.answer(() => this.memory.acquire(client, cap)),
    release: async (client) => {
      // As a lease that is no longer renewed: free again, though nobody could be told.
      await this.memory.release(client)
      if (this.state !== 'works') throw new Error('The store is away.')
    },
    close: () => this.memory.close(),
  }

  /** Answers in a later turn, as anything over a channel does. */
  private async answer<T>(give: () => Promise<T>): Promise<T> {
    this.asked++
    const { state } = this
    if (state === 'hangs') return new Promise(() => {})
    await new Promise((resolve) => setImmediate(resolve))
    if (state === 'fails') throw new TypeError('The store is away.')
    return give()
  }
}

function insured(store: FickleStore, processes = 2) {
  const said: string[] = []
  const health = new StoreHealth((down, reason) => said.push(`${down ? 'away' : 'back'}: ${reason}`))
  return { ...insure(store.counters, health, processes), said }
}

/** Lets everything that can settle do so: no answer takes more than a few turns. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('insured counters', () => {
  it('one request at a time tries a store that is away, all others are answered at once', async () => {
    const store = new FickleStore()
    const limits = insured(store)
    store.state = 'fails'
    assert.equal((await limits.take('a', { ...off, requests: 100 })).requests?.limit, 50)
    store.state = 'hangs'
    store.asked = 0
    const trying = limits.take('a', { ...off, requests: 100 })
    const others = await Promise.all(Array.from({ length: 20 }, () => limits.take('a', { ...off, requests: 100 })))
    assert.equal(
      others.every((grant) => grant.ok),
      true,
    )
    assert.equal(store.asked, 1)
    assert.equal(await Promise.race([trying, settled().then(() => 'waits')]), 'waits')
  })

  it('each change is said once, with the kind of error and not its message', async () => {
    const store = new FickleStore()
    const limits = insured(store)
    const caps = { requests: 100, tokens: 100, concurrency: 100 }
    for (const state of ['works', 'fails', 'fails', 'works', 'works', 'fails'] as const) {
      store.state = state
      await limits.take('a', caps)
      limits.release('a')
      limits.charge('a', 1)
      await settled()
    }
    assert.deepEqual(limits.said, ['away: TypeError', 'back: back', 'away: TypeError'])
  })

  it('a share of less than one lets one in, and a limit that is off stays off', async () => {
    const store = new FickleStore()
    const limits = insured(store, 8)
    store.state = 'fails'
    const caps = { ...off, requests: 3 }
    assert.deepEqual([(await limits.take('a', caps)).ok, (await limits.take('a', caps)).ok], [true, false])
    assert.deepEqual(await limits.take('b', off), { ok: true, retryAfterMs: 0 })
  })

  it('a request that fails half-way keeps no slot', async () => {
    const store = new FickleStore()
    const limits = insured(store, 1)
    store.counters.add = () => Promise.reject(new Error('Written never.'))
    const grant = await limits.take('a', { ...off, requests: 5, concurrency: 1 })
    assert.equal(grant.ok, true, 'this process has a slot of its own to give')
    limits.release('a')
    await settled()
    assert.equal(await store.memory.acquire('a', 1), true)
  })

  it('whatever happens to the store, it knows in the end exactly the slots that are held', async () => {
    const act = fc.constantFrom('take', 'take', 'take', 'release', 'release', 'works', 'fails', 'settle', 'turn')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(act, fc.nat(1)), { maxLength: 60 }), async (acts) => {
        const store = new FickleStore()
        const pair = [new Holder(store), new Holder(store)] as const
        for (const [does, which] of acts) {
          if (does === 'works' || does === 'fails') store.state = does
          else if (does === 'settle') await settled()
          else if (does === 'turn') await new Promise((resolve) => setImmediate(resolve))
          else pair[which === 0 ? 0 : 1][does]()
        }
        await settled()
        store.state = 'works'
        for (const { limits } of pair) await limits.take('b', { ...off, concurrency: 100 })
        await settled()
        let free = 0
        while (await store.memory.acquire('a', 100)) free++
        assert.equal(free, 100 - pair[0].held - pair[1].held, 'the store knows what is held')

        store.state = 'fails'
        for (const holder of pair) {
          while (holder.held > 0) holder.release()
          await settled()
          for (let slot = 0; slot < cap; slot++) holder.take()
          await settled()
          assert.equal(holder.held, cap / 2, 'and each process what it holds itself')
        }
      }),
    )
  })
})

const cap = 6

/** One process of two, and how many slots its requests hold. */
class Holder {
  held = 0
  readonly limits: ReturnType<typeof insured>

  constructor(store: FickleStore) {
    this.limits = insured(store)
  }

  take(): void {
    this.limits.take('a', { ...off, concurrency: cap }).then(({ ok }) => {
      if (ok) this.held++
    }, assert.fail)
  }

  release(): void {
    if (this.held === 0) return
    this.held--
    this.limits.release('a')
  }
}
