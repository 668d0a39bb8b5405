import assert from 'node:assert/strict'
import type { App } from '../../src/app.ts'
import { systemClock } from '../../src/clock.ts'
import { Service } from '../../src/cluster/service.ts'
import { MovedClock } from '../support/clock.ts'
import { settingsFor } from '../support/proxy.ts'
import { createTinyApp } from './tiny/app.ts'

const settings = settingsFor('http://127.0.0.1:9', { PORT: '0', HOST: '127.0.0.1' })

/** A service on a free port, of apps, one after the other, with these parts instead of their own. */
function open(...parts: Partial<App>[]): Promise<Service> {
  return Service.open({
    createApp: (settings, surroundings) => ({ ...createTinyApp(settings, surroundings), ...parts.shift() }),
    settings,
    slot: '1',
    logLevel: 'fatal',
    clock: systemClock,
    send() {},
    onOverweight() {},
  })
}

describe('a worker’s service', () => {
  it('listens to connections that rest before it drains, so that nothing is lost that was sent on them', async () => {
    const calls: string[] = []
    const service = await open({ wake: () => calls.push('wake'), drain: () => calls.push('drain') })
    await service.listen()
    const drained = service.drain(1000)
    assert.deepEqual(calls, ['wake'])
    await drained
    await service.close()
  })

  it('watches its heap by the bound that a reload has brought', async () => {
    const settings = settingsFor('http://127.0.0.1:9', {})
    const clock = new MovedClock()
    let warnings = 0
    const service = await Service.open({
      createApp: createTinyApp,
      settings,
      slot: '0',
      logLevel: 'fatal',
      clock,
      send() {},
      onOverweight: () => warnings++,
    })
    // One that every process is over.
    await service.swap({ ...settings, maxHeapMb: 1 }).over
    for (let times = 0; times < 3; times++) clock.move(5000)
    assert.equal(warnings, 1)
    await service.swap(settings).over
    for (let times = 0; times < 20; times++) clock.move(5000)
    assert.equal(warnings, 1)
    assert.equal(clock.pending, 0)
  })

  it('has drained only when what it cut is on record', async () => {
    let left = 3
    const service = await open({ inFlight: () => Math.max(0, --left) })
    await service.listen()
    await service.drain(0)
    assert.ok(left <= 0)
    await service.close()
  })
  it('waits so for what it cut of an app that has been replaced', async () => {
    let left = 4
    const service = await open({ inFlight: () => Math.max(0, --left) })
    await service.listen()
    service.swap({ ...settings })
    await service.drain(0)
    assert.ok(left <= 0)
    await service.close()
  })
})
