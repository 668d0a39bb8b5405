import assert from 'node:assert/strict'
import { Events } from '../../src/page/events.ts'

describe("the page's reading of events", () => {
  const sent = 'data: {"a":1}\n\n: a comment\n\ndata: {"b":"x: y"}\n\n'

  it('is the same wherever the stream was cut', () => {
    for (let cut = 0; cut <= sent.length; cut++) {
      const events = new Events()
      const got = [...events.push(sent.slice(0, cut)), ...events.push(sent.slice(cut))]
      assert.deepEqual(got, ['{"a":1}', '{"b":"x: y"}'])
    }
  })

  it('waits for the end of an event', () => {
    const events = new Events()
    assert.deepEqual(events.push('data: half\n'), [])
    assert.deepEqual(events.push('\n'), ['half'])
  })
})
