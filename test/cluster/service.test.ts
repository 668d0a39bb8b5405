import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.ts'
import { Service } from '../../src/cluster/service.ts'
import { settingsFor } from '../support/proxy.ts'
import { createTinyApp } from './tiny/app.ts'

describe('a worker’s service', () => {
  it('listens to connections that rest before it drains, so that nothing is lost that was sent on them', async () => {
    const calls: string[] = []
    const service = await Service.open({
      createApp: (settings, surroundings) => ({
        ...createTinyApp(settings, surroundings),
        wake: () => calls.push('wake'),
        drain: () => calls.push('drain'),
      }),
      settings: settingsFor('http://127.0.0.1:9', { PORT: '0', HOST: '127.0.0.1' }),
      slot: '1',
      logLevel: 'fatal',
      clock: systemClock,
      send() {},
      onOverweight() {},
    })
    await service.listen()
    const drained = service.drain(1000)
    assert.deepEqual(calls, ['wake'])
    await drained
    await service.close()
  })
})
