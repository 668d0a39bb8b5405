import assert from 'node:assert/strict'
import { type Driven, drive, type ProgramOptions } from './drive.ts'

const off = { store: 'cluster', workers: 2, requests: 0, tokens: 0, concurrency: 0 } as const

describe('limits over the workers of one machine', () => {
  let cluster: Driven | undefined
  const start = (caps: Partial<ProgramOptions>) => {
    cluster = drive({ ...off, ...caps })
    return cluster
  }
  afterEach(() => cluster?.end())

  it('admits exactly the limit of 10 000 concurrent requests', async () => {
    const { take } = start({ requests: 1234 })
    const admitted = await Promise.all([take('a', 5000, 0), take('a', 5000, 1)])
    assert.equal(admitted[0] + admitted[1], 1234)
  })

  it('gives out exactly as many slots as there are to 10 000 concurrent requests', async () => {
    const { take } = start({ concurrency: 567 })
    const admitted = await Promise.all([take('a', 5000, 0), take('a', 5000, 1)])
    assert.equal(admitted[0] + admitted[1], 567)
  })

  it('keeps every limit exactly when several are set', async () => {
    const { take } = start({ requests: 300, tokens: 1000, concurrency: 400 })
    const admitted = await Promise.all([take('a', 5000, 0), take('a', 5000, 1)])
    assert.equal(admitted[0] + admitted[1], 300)
  })

  it('gives back the slot of a request that another limit refused', async () => {
    const { take, release } = start({ requests: 5, concurrency: 3 })
    assert.equal(await take('a', 3), 3)
    await release('a', 3)
    assert.equal(await take('a', 3), 2)
    await release('a', 2)
    assert.equal(await take('a', 3, 1), 0, 'the minute is spent')
    assert.equal(await take('b', 3, 1), 3)
  })

  it('counts each client on its own', async () => {
    const { take } = start({ requests: 2 })
    assert.equal(await take('a', 3), 2)
    assert.equal(await take('b', 3), 2)
  })

  it('lets one worker use a slot that another gave back', async () => {
    const { take, release } = start({ concurrency: 2 })
    assert.equal(await take('a', 2, 0), 2)
    assert.equal(await take('a', 1, 1), 0)
    await release('a', 1, 0)
    assert.equal(await take('a', 2, 1), 1)
  })

  it('refuses in one worker what another worker has charged', async () => {
    const { take, charge } = start({ tokens: 100 })
    assert.equal(await take('a', 1, 0), 1)
    await charge('a', 99, 0)
    assert.equal(await take('a', 1, 1), 1, 'one token is left')
    await charge('a', 50, 0)
    assert.equal(await take('a', 1, 1), 0)
  })

  it('takes back the slots of a worker that was killed, and only these', async () => {
    const { take, kill } = start({ concurrency: 10 })
    assert.equal(await take('a', 4, 0), 4)
    assert.equal(await take('a', 6, 1), 6)
    await kill(0)
    assert.equal(await take('a', 10, 1), 4)
  })

  it('loses no slot to a worker that is killed while it asks for some', async () => {
    const { take, kill } = start({ concurrency: 100 })
    assert.equal(await take('b', 1, 0), 1, 'both workers run')
    assert.equal(await take('b', 1, 1), 1)
    const unanswered = take('a', 5000, 0)
    await kill(0)
    assert.equal(await take('a', 101, 1), 100)
    assert.equal(await Promise.race([unanswered, 'nothing']), 'nothing')
  })

  it('remembers what was used when a worker is replaced', async () => {
    const { take, kill, fork } = start({ requests: 10 })
    assert.equal(await take('a', 7, 0), 7)
    await kill(0)
    fork(0)
    assert.equal(await take('a', 7, 0), 3)
  })

  it('counts alone when the primary does not answer in time, and hands that back when it does', async () => {
    const { take, takeLate, release } = start({ concurrency: 4 })
    assert.equal(await takeLate('a', 4, 0), 2, 'half of the slots for each of two workers')
    assert.equal(await take('b', 1, 0), 1, 'the primary answers again, and learns of the two')
    assert.equal(await take('a', 4, 1), 2, 'slots that were granted too late have been given back')
    await release('a', 2, 0)
    assert.equal(await take('a', 4, 1), 2)
  })

  it('outlives the end of its channel to the primary', async () => {
    const { take, leave } = start({ requests: 10, tokens: 10, concurrency: 10 })
    assert.equal(await take('a', 1, 0), 1)
    assert.equal(await leave('b', 10, 0), 105)
    assert.equal(await take('a', 10, 1), 9, 'its requests count on')
  })
})
