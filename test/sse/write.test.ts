import assert from 'node:assert/strict'
import { comment, done, errorEvent, event } from '../../src/sse/write.ts'
import { read } from './collect.ts'

describe('write', () => {
  it('an event is one data line and a blank line', () => {
    assert.equal(event('{"a":1}'), 'data: {"a":1}\n\n')
    assert.equal(done, 'data: [DONE]\n\n')
  })

  it('data with line ends is parted into several data lines', () => {
    assert.equal(event('a\nb'), 'data: a\ndata: b\n\n')
    assert.equal(event('a\r\nb\rc\n'), 'data: a\ndata: b\ndata: c\ndata: \n\n')
  })

  it('data cannot smuggle in an event of its own', () => {
    const body = event('a\n\ndata: [DONE]\r\revent: x')
    assert.deepEqual(read([Buffer.from(body)]).events, [['a\n\ndata: [DONE]\n\nevent: x', '']])
  })

  it('a comment is read over, line ends and all', () => {
    assert.equal(comment('keep-alive'), ': keep-alive\n\n')
    const body = `${comment('one\n\ndata: two\rdata: three')}${event('a')}`
    assert.deepEqual(read([Buffer.from(body)]).events, [['a', '']])
  })

  it('an error is an event with the error object that a client knows', () => {
    const error = { message: 'It broke.', type: 'server_error', param: null, code: 'upstream_truncated' }
    const [only, ...others] = read([Buffer.from(errorEvent(error))]).events
    assert.deepEqual(JSON.parse(only?.[0] ?? ''), { error })
    assert.deepEqual(others, [])
  })
})
