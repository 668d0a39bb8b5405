import assert from 'node:assert/strict'
import { isHeartbeatData } from '../../src/openai/heartbeat.ts'

describe('an event that is a heartbeat', () => {
  it('is known by its type, however it is named', () => {
    for (const name of ['', 'ping']) assert.equal(isHeartbeatData('{"type": "ping"}', name), true)
  })

  for (const [what, data, name] of [
    ['an error in it', '{"type":"ping","error":{"message":"No."}}', 'ping'],
    ['an error by its name', '{"type":"ping"}', 'error'],
    ['a choice', '{"type":"ping","choices":[]}', ''],
    ['more than anybody needs to say', `{"type":"ping","pad":"${'x'.repeat(200)}"}`, ''],
    ['no JSON', '"ping"}', ''],
  ] as const) {
    it(`is none with ${what}`, () => assert.equal(isHeartbeatData(data, name), false))
  }
})
