import assert from 'node:assert/strict'
import { healthyAfterMs, respawnDelay } from '../../src/cluster/backoff.ts'
import { running, scene, settingsOf, settled } from './children.ts'

describe('the fleet', () => {
  it('starts as many workers as there should be, and is ready when all listen', async () => {
    const { fleet, children } = scene(settingsOf({ WORKERS: '3' }))
    let ready = false
    const started = fleet.start().then(() => {
      ready = true
    })
    assert.equal(children.length, 3)
    children[0]?.listen()
    children[1]?.listen()
    await settled()
    assert.equal(ready, false)
    children[2]?.listen()
    await started
  })

  it('fails with the reason when no worker can start', async () => {
    const { fleet, children, clock } = scene(settingsOf({ WORKERS: '2' }))
    const started = fleet.start()
    for (const child of children) {
      child.say({ kind: 'failed', reason: 'PORT: port 3000 is taken' })
      child.exit('exit code 1')
    }
    await assert.rejects(started, { name: 'StartFailure', message: 'PORT: port 3000 is taken' })
    clock.move(600_000)
    assert.equal(children.length, 2, 'a program that cannot start must not go on forking')
  })

  it('does not say of a worker that it died when it could not start, which is told with the reason', async () => {
    const { fleet, children, lines } = scene(settingsOf({ WORKERS: '2' }))
    const started = fleet.start()
    children[0]?.say({ kind: 'failed', reason: 'PORT: port 3000 is taken' })
    children[0]?.exit('SIGKILL')
    children[1]?.exit('SIGSEGV')
    await assert.rejects(started)
    assert.deepEqual(lines, ['info: worker 1 has ended', 'error: worker 2 died: SIGSEGV'])
  })

  it('goes on with those that listen when one of them dies at its start, and tries that one again', async () => {
    const { fleet, children, clock, latest } = scene(settingsOf({ WORKERS: '2' }))
    const started = fleet.start()
    children[0]?.listen()
    children[1]?.exit()
    await started
    clock.move(respawnDelay(1))
    assert.equal(children.length, 3)
    latest().listen()
  })

  it('replaces a healthy worker that dies at once', async () => {
    const { clock, children, exits } = await running(2)
    clock.move(healthyAfterMs)
    children[0]?.exit()
    clock.move(0)
    assert.equal(children.length, 3)
    assert.deepEqual(exits, [{ slot: '1', wanted: false }])
  })

  it('waits longer and longer before a worker that dies again and again, and half a minute at most', async () => {
    const { clock, children, latest } = await running(1)
    const waits: number[] = []
    for (let death = 0; death < 10; death++) {
      const before = children.length
      latest().exit()
      await settled()
      let waited = 0
      while (children.length === before && waited <= 60_000) {
        clock.move(250)
        waited += 250
      }
      waits.push(waited)
      latest().listen()
      await settled()
    }
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  it('waits just so for a worker that dies before it listens', async () => {
    const { clock, children, latest } = await running(1)
    latest().exit()
    for (const wait of [250, 500, 1000]) {
      const before = children.length
      clock.move(wait - 1)
      assert.equal(children.length, before)
      clock.move(1)
      assert.equal(children.length, before + 1)
      latest().exit()
      await settled()
    }
  })

  it('forgets earlier deaths once a worker has lived for a while', async () => {
    const { clock, children, latest } = await running(1)
    latest().exit()
    clock.move(250)
    latest().listen()
    await settled()
    clock.move(healthyAfterMs)
    const before = children.length
    latest().exit()
    clock.move(0)
    assert.equal(children.length, before + 1)
  })

  it('kills a worker that lives but does not listen within a minute', async () => {
    const { clock, latest, fleet } = scene(settingsOf({ WORKERS: '1' }))
    const started = fleet.start()
    clock.move(60_000)
    await assert.rejects(started, /did not begin to listen in time/)
    assert.deepEqual(latest().killed, ['SIGKILL'])
  })

  it('replaces a worker that was told to end by a signal before it has ended', async () => {
    const { fleet, clock, children, exits } = await running(1)
    fleet.leaves(fleet.members[0]!)
    clock.move(0)
    assert.equal(children.length, 2)
    children[1]?.listen()
    await settled()
    children[0]?.exit('exit code 0')
    clock.move(60_000)
    assert.equal(children.length, 2, 'its end must not start a third')
    assert.deepEqual(exits, [{ slot: '1', wanted: true }])
  })

  it('renews a worker with another that listens before it drains, and only once', async () => {
    const { fleet, children } = await running(2)
    const [heavy] = fleet.members
    const renewed = fleet.renew(heavy!)
    await fleet.renew(heavy!)
    await settled()
    assert.equal(children.length, 3)
    assert.equal(children[0]?.drains, false)
    children[2]?.listen()
    await renewed
    assert.deepEqual([children[0]?.drains, children[1]?.drains], [true, false])
    await fleet.renew(heavy!)
    assert.equal(children.length, 3)
  })

  it('stops by letting every worker drain, those that are only starting too', async () => {
    const { fleet, children, clock } = await running(1)
    const reloading = fleet.reload(settingsOf({ WORKERS: '1' }))
    await settled()
    const stopped = fleet.stop()
    assert.deepEqual(
      children.map(({ drains }) => drains),
      [true, true],
    )
    for (const child of children) child.exit('exit code 0')
    await stopped
    await assert.rejects(reloading)
    clock.move(600_000)
    assert.equal(children.length, 2)
    assert.equal(clock.pending, 0)
  })

  it('tells a worker to drain that could not hear it when it was told', async () => {
    const { fleet, children } = scene(settingsOf({ WORKERS: '1' }))
    const started = fleet.start()
    const stopped = fleet.stop()
    const [child] = children
    child?.say({ kind: 'hello' })
    assert.deepEqual(
      child?.told.map(({ kind }) => kind),
      ['drain', 'drain'],
    )
    child?.exit('exit code 0')
    await stopped
    await assert.rejects(started)
  })

  it('kills a worker that outlives its time to drain', async () => {
    const { fleet, clock, latest } = await running(1)
    const stopped = fleet.stop()
    clock.move(37_999)
    assert.deepEqual(latest().killed, [])
    clock.move(1)
    assert.deepEqual(latest().killed, ['SIGKILL'])
    latest().exit()
    await stopped
  })
})
