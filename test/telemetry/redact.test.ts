import assert from 'node:assert/strict'
import { keyName } from '../../src/limit/keys.ts'
import { redactor } from '../../src/telemetry/redact.ts'

describe('redaction', () => {
  const redact = redactor()

  it('blots out what looks like a key, wherever it stands', () => {
    const keys = [
      'sk-proj-abcdefghijklmnop',
      'gsk_abcdefghijkl',
      'hf_abcdefghijkl',
      'xai-abcdefghijkl',
      'AIzaSyA-abcdefghijklmnopqrstuv',
      'key-0123456789abcdef',
    ]
    for (const key of keys) {
      const line = redact(JSON.stringify({ model: `my ${key} there`, msg: 'x' }))
      assert.equal(JSON.parse(line).model, 'my [redacted] there', key)
    }
  })

  it('blots out credentials after their scheme', () => {
    for (const text of ['Bearer abc.def-ghi=', 'sent basic dXNlcjpwYXNz', 'BEARER 0123456789']) {
      assert.doesNotMatch(redact(JSON.stringify({ text })), /abc\.def|dXNlcjpwYXNz|012345/)
    }
  })

  it('blots out the whole value of headers that carry credentials, and leaves the line JSON', () => {
    const headers = {
      authorization: 'Token "quoted" abc',
      'x-api-key': 'short',
      'api-key': 'azure',
      cookie: 'session=1',
      'set-cookie': ['a=1', 'b=2'],
      'content-type': 'application/json',
    }
    const line = JSON.parse(redact(JSON.stringify({ headers })))
    assert.deepEqual(line.headers, {
      authorization: '[redacted]',
      'x-api-key': '[redacted]',
      'api-key': '[redacted]',
      cookie: '[redacted]',
      'set-cookie': '[redacted]',
      'content-type': 'application/json',
    })
  })

  it("blots out the proxy's own keys, which may look like anything", () => {
    const own = redactor(['correct (horse) "battery"', 'pass'])
    assert.equal(
      own(JSON.stringify({ msg: 'it was correct (horse) "battery" and no pass' })),
      JSON.stringify({ msg: 'it was [redacted] and no pass' }),
    )
  })

  it('leaves the digest by which a client without a name is shown', () => {
    const line = JSON.stringify({ client: keyName('sk-0123456789'), msg: 'request' })
    assert.equal(redact(line), line)
  })

  it('leaves an ordinary line as it is', () => {
    const line = '{"level":"info","request_id":"04f2f84f-d9f9","model":"task-model-4","msg":"request"}\n'
    assert.equal(redact(line), line)
  })
})
