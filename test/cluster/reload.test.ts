import assert from 'node:assert/strict'
import pino from 'pino'
import { healthyAfterMs } from '../../src/cluster/backoff.ts'
import { Reloader } from '../../src/cluster/reload.ts'
import { StartFailure } from '../../src/cluster/start-failure.ts'
import type { Loaded } from '../../src/config/load.ts'
import { scene, settingsOf, settled } from './children.ts'

describe('a rolling reload', () => {
  it('replaces one worker after the other, and lets the old one drain only when the new one listens', async () => {
    const { fleet, children } = scene(settingsOf({ WORKERS: '2' }))
    const started = fleet.start()
    for (const child of children) child.listen()
    await started
    const reloaded = fleet.reload(settingsOf({ WORKERS: '2', MAX_ATTEMPTS: '7' }))
    await settled()
    assert.equal(children.length, 3)
    assert.equal(children[0]?.drains, false)
    children[2]?.listen()
    await settled()
    assert.deepEqual([children[0]?.drains, children[1]?.drains], [true, false])
    assert.equal(children.length, 4)
    children[3]?.listen()
    await reloaded
    assert.deepEqual([children[1]?.drains, children[2]?.drains, children[3]?.drains], [true, false, false])
    assert.equal(children[3]?.settings.maxAttempts, 7)
  })

  it('replaces the process, too, that was just being started for a worker that had died', async () => {
    const { fleet, children, clock } = scene(settingsOf({ WORKERS: '1' }))
    const started = fleet.start()
    children[0]?.listen()
    await started
    clock.move(healthyAfterMs)
    children[0]?.exit()
    clock.move(0)
    const reloaded = fleet.reload(settingsOf({ WORKERS: '1', MAX_ATTEMPTS: '7' }))
    await settled()
    assert.equal(children.length, 2, 'one at a time')
    children[1]?.listen()
    await settled()
    children[2]?.listen()
    await reloaded
    assert.deepEqual([children[1]?.drains, children[2]?.drains], [true, false])
    assert.equal(children[2]?.settings.maxAttempts, 7)
  })

  it('is in effect in every worker though it was asked for before these were started', async () => {
    const { fleet, children, clock } = scene(settingsOf({ WORKERS: '2' }))
    const reloaded = fleet.reload(settingsOf({ WORKERS: '2', MAX_ATTEMPTS: '7' }))
    const started = fleet.start()
    for (let turn = 0; turn < 6; turn++) {
      for (const child of children) child.listen()
      await settled()
      clock.move(0)
    }
    await Promise.all([reloaded, started])
    const serving = children.filter(({ drains }) => !drains)
    assert.deepEqual(
      serving.map(({ settings }) => settings.maxAttempts),
      [7, 7],
    )
  })

  it('follows a changed number of workers, up and down', async () => {
    const { fleet, children, clock } = scene(settingsOf({ WORKERS: '1' }))
    const started = fleet.start()
    children[0]?.listen()
    await started
    const grown = fleet.reload(settingsOf({ WORKERS: '2' }))
    for (const index of [1, 2]) {
      await settled()
      children[index]?.listen()
    }
    await grown
    assert.equal(fleet.members.filter(({ state }) => state === 'listening').length, 2)
    const shrunk = fleet.reload(settingsOf({ WORKERS: '1' }))
    await settled()
    children[3]?.listen()
    await shrunk
    assert.deepEqual([children[1]?.drains, children[2]?.drains, children[3]?.drains], [true, true, false])
    for (const index of [0, 1, 2]) children[index]?.exit('exit code 0')
    clock.move(60_000)
    assert.equal(children.length, 4, 'the place that is not wanted any more must stay empty')
  })

  it('gives the old worker the time that its requests have, and less once the program ends', async () => {
    const { fleet, children, clock } = scene(settingsOf({ WORKERS: '1', REQUEST_TIMEOUT_MS: '60000' }))
    const started = fleet.start()
    children[0]?.listen()
    await started
    const reloaded = fleet.reload(settingsOf({ WORKERS: '1', SHUTDOWN_TIMEOUT_MS: '1000' }))
    await settled()
    children[1]?.listen()
    await reloaded
    assert.deepEqual(children[0]?.told.at(-1), { kind: 'drain', timeoutMs: 60_000 })
    clock.move(50_000)
    const stopped = fleet.stop()
    assert.deepEqual(children[0]?.told.at(-1), { kind: 'drain', timeoutMs: 1000 })
    clock.move(8999)
    assert.deepEqual(children[0]?.killed, [])
    clock.move(1)
    assert.deepEqual(children[0]?.killed, ['SIGKILL'])
    for (const child of children) child.exit()
    await stopped
  })

  it('leaves nobody behind who was being started for a place that it takes away', async () => {
    const { fleet, children, clock } = scene(settingsOf({ WORKERS: '2' }))
    const started = fleet.start()
    for (const child of children) child.listen()
    await started
    clock.move(healthyAfterMs)
    children[1]?.exit()
    clock.move(0)
    const shrunk = fleet.reload(settingsOf({ WORKERS: '1' }))
    await settled()
    children[3]?.listen()
    await shrunk
    assert.equal(children[2]?.drains, false, 'it cannot hear yet')
    children[2]?.listen()
    await settled()
    assert.deepEqual([children[2]?.drains, children[3]?.drains], [true, false])
  })
})

describe('the reloader', () => {
  const log = pino({ enabled: false })

  function reloader(load: () => Loaded, apply: () => Promise<void> = async () => {}) {
    return new Reloader({ log, load, current: () => settingsOf(), obstacles: () => [], apply })
  }

  it('refuses settings with faults, and says them', async () => {
    let applied = false
    const faults = await reloader(
      () => ({ faults: ['PORT: is wrong'] }),
      async () => {
        applied = true
      },
    ).run()
    assert.deepEqual(faults, ['PORT: is wrong'])
    assert.equal(applied, false)
  })

  it('refuses a change of what only a start can bring into effect', async () => {
    const faults = await reloader(() => ({ settings: settingsOf({ ADMIN_PORT: '1', WORKERS: '0' }) })).run()
    assert.deepEqual(faults, [
      'ADMIN_PORT: takes effect at a start only; restart the program',
      'WORKERS: changes between 0 and 2 need a restart',
    ])
  })

  it('says why workers could not start with the new settings', async () => {
    const refused = reloader(
      () => ({ settings: settingsOf() }),
      () => Promise.reject(new StartFailure('PORT: is taken')),
    )
    assert.deepEqual(await refused.run(), ['PORT: is taken'])
  })

  it('reads the settings once more when it is asked while it runs, however often', async () => {
    let reads = 0
    let finish = () => {}
    const busy = reloader(
      () => {
        reads++
        return { settings: settingsOf() }
      },
      () =>
        new Promise((resolve) => {
          finish = resolve
        }),
    )
    const first = busy.run()
    const others = [busy.run(), busy.run(), busy.run()]
    assert.equal(reads, 1)
    finish()
    await first
    await settled()
    assert.equal(reads, 2)
    finish()
    await Promise.all(others)
    assert.equal(reads, 2)
  })

  it('reads the settings for whoever asked while another failed for a reason that nobody foresaw', async () => {
    const failures = [new Error('a defect'), new Error('another')]
    const broken = reloader(
      () => ({ settings: settingsOf() }),
      async () => {
        const failure = failures.shift()
        if (failure) throw failure
      },
    )
    const [first, second] = [broken.run(), broken.run()]
    await assert.rejects(first, /a defect/)
    await assert.rejects(second, /another/)
    const [third, fourth] = [broken.run(), broken.run()]
    assert.deepEqual([await third, await fourth], [[], []])
  })
})
