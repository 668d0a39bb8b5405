import assert from 'node:assert/strict'
import { running, settingsOf, settled } from './children.ts'

describe('a rolling reload that fails', () => {
  it('changes nothing when the first new worker cannot start', async () => {
    const { fleet, children, clock, latest } = await running(2)
    const reloaded = fleet.reload(settingsOf({ WORKERS: '2', PORT: '81' }))
    await settled()
    latest().say({ kind: 'failed', reason: 'PORT: port 81 is taken' })
    await assert.rejects(reloaded, { name: 'StartFailure', message: 'PORT: port 81 is taken' })
    latest().exit('exit code 1')
    assert.deepEqual([children[0]?.drains, children[1]?.drains], [false, false])
    children[0]?.exit()
    clock.move(60_000)
    latest().say({ kind: 'hello' })
    assert.equal(latest().settings.port, 3000, 'one that dies later is replaced with the settings that stayed')
  })

  it('fills the place of a worker that dies while its replacement is being started in vain', async () => {
    const { fleet, children, clock } = await running(1)
    const reloaded = fleet.reload(settingsOf({ WORKERS: '1' }))
    await settled()
    children[0]?.exit()
    children[1]?.say({ kind: 'failed', reason: 'no' })
    children[1]?.exit()
    await assert.rejects(reloaded)
    clock.move(60_000)
    assert.equal(children.length, 3)
  })

  it('keeps the old worker when the new one is told to end as soon as it listens', async () => {
    const { fleet, children } = await running(1)
    const reloaded = fleet.reload(settingsOf({ WORKERS: '1' }))
    await settled()
    const fresh = fleet.members.find(({ state }) => state === 'starting')
    fleet.leaves(fresh!)
    children[1]?.listen()
    await assert.rejects(reloaded, { name: 'StartFailure' })
    assert.equal(children[0]?.drains, false)
  })

  it('gives the workers that were replaced the old configuration back when a later one cannot start', async () => {
    const { fleet, children, clock } = await running(2)
    const reloaded = fleet.reload(settingsOf({ WORKERS: '2', MAX_ATTEMPTS: '7' }))
    await settled()
    children[2]?.listen()
    await settled()
    children[3]?.say({ kind: 'failed', reason: 'no memory' })
    await settled()
    assert.equal(children[2]?.drains, false, 'not before another listens')
    children[4]?.listen()
    await assert.rejects(reloaded, /^StartFailure: 1 of 2 workers were replaced, one failed: no memory$/)
    assert.deepEqual([children[1]?.drains, children[2]?.drains, children[4]?.drains], [false, true, false])
    assert.equal(children[4]?.settings.maxAttempts, 3)
    children[3]?.exit()
    clock.move(60_000)
    assert.equal(children.length, 5)
  })

  it('says who keeps the new configuration when the old one cannot be given back, and tries that again', async () => {
    const { fleet, children, clock, latest } = await running(2)
    const reloaded = fleet.reload(settingsOf({ WORKERS: '2', MAX_ATTEMPTS: '7' }))
    await settled()
    children[2]?.listen()
    for (const index of [3, 4]) {
      await settled()
      children[index]?.say({ kind: 'failed', reason: 'no memory' })
    }
    await assert.rejects(reloaded, /: no memory; worker 1 has the new one until it can be replaced$/)
    assert.equal(children[2]?.drains, false)
    clock.move(60_000)
    latest().listen()
    await settled()
    assert.deepEqual([children.length, latest().settings.maxAttempts, children[2]?.drains], [6, 3, true])
  })

  it('takes the places away again that a reload has added before it failed', async () => {
    const { fleet, children, clock } = await running(1)
    const reloaded = fleet.reload(settingsOf({ WORKERS: '3' }))
    for (const index of [1, 2]) {
      await settled()
      children[index]?.listen()
    }
    await settled()
    children[3]?.say({ kind: 'failed', reason: 'no memory' })
    await settled()
    children[4]?.listen()
    await assert.rejects(reloaded, /^StartFailure: 2 of 3 workers were replaced/)
    assert.deepEqual([children[1]?.drains, children[2]?.drains, children[4]?.drains], [true, true, false])
    clock.move(60_000)
    assert.equal(children.length, 5)
  })

  it('gives it back to a worker as well that has died meanwhile and was started anew', async () => {
    const { fleet, children, clock } = await running(3)
    const reloaded = fleet.reload(settingsOf({ WORKERS: '3', MAX_ATTEMPTS: '7' }))
    await settled()
    children[3]?.listen()
    await settled()
    children[2]?.exit()
    clock.move(1000)
    assert.equal(children.length, 6)
    children[4]?.say({ kind: 'failed', reason: 'no memory' })
    children[5]?.listen()
    for (const index of [6, 7]) {
      await settled()
      children[index]?.listen()
    }
    await assert.rejects(reloaded, /^StartFailure: 1 of 3 workers were replaced, one failed: no memory$/)
    children[4]?.exit()
    clock.move(60_000)
    assert.deepEqual(
      fleet.members.filter(({ replaced }) => !replaced).map(({ slot, settings }) => [slot, settings.maxAttempts]),
      [
        ['2', 3],
        ['1', 3],
        ['3', 3],
      ],
    )
  })
})
