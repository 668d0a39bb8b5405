import assert from 'node:assert/strict'
import { ProxyError } from '../../src/errors.ts'
import { describeError } from '../../src/telemetry/causes.ts'

describe('errors in the log', () => {
  it('come with their code and the chain of their causes', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const error = new ProxyError('upstream_unreachable', { message: 'No connection.', cause: refused })
    assert.deepEqual(describeError(error, false), {
      type: 'ProxyError',
      code: 'upstream_unreachable',
      message: 'No connection.',
      cause: { type: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' },
    })
  })

  it('never quote what an upstream wrote, nor a text that could not be parsed', () => {
    const prompt = 'the secret plan'
    const upstream = { message: `Bad prompt: ${prompt}`, type: null, param: null, code: null }
    let syntax: unknown
    try {
      JSON.parse(`${prompt} is no JSON`)
    } catch (error) {
      syntax = error
    }
    const logged = JSON.stringify([
      describeError(new ProxyError('upstream_error', { upstream, status: 400 }), true),
      describeError(new ProxyError('invalid_json', { cause: syntax }), true),
    ])
    assert.doesNotMatch(logged, /secret|Bad prompt/)
    assert.match(logged, /SyntaxError/)
  })

  it('have their stack only when it is asked for, and only its frames', () => {
    const error = new Error('first line\nsecond line')
    assert.equal(describeError(error, false).stack, undefined)
    const frames = describeError(error, true).stack?.split('\n') ?? []
    assert.ok(frames.length > 0 && frames.every((line) => line.startsWith('    at ')), frames.join('\n'))
  })

  it('end somewhere, also where an error is its own cause or its message has no end', () => {
    const error = new Error('x'.repeat(10_000))
    error.cause = error
    const logged = JSON.stringify(describeError(error, false))
    assert.ok(logged.length < 3000, `${logged.length}`)
  })

  it('that are none are only said to be none', () => {
    assert.deepEqual(describeError('a text with a prompt in it', true), {
      type: 'string',
      message: 'Something that is not an Error was thrown',
    })
  })
})
