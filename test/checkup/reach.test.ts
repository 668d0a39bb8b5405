import assert from 'node:assert/strict'
import { whyUnreachable } from '../../src/checkup/reach.ts'
import { ProxyError } from '../../src/errors.ts'

function coded(code: string, cause?: unknown): Error {
  return Object.assign(new Error('its message names sk-secret', { cause }), { code })
}

const expected: readonly (readonly [code: string, sentence: RegExp])[] = [
  ['ENOTFOUND', /no address in DNS/],
  ['EAI_AGAIN', /DNS does not answer/],
  ['ECONNREFUSED', /nothing listens/],
  ['ENETUNREACH', /no way from this machine/],
  ['CERT_HAS_EXPIRED', /has expired/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /for other names/],
  ['SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /NODE_EXTRA_CA_CERTS/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS/],
  ['ECONNRESET', /broke before it answered/],
]

describe('why an upstream cannot be reached', () => {
  for (const [code, sentence] of expected) {
    it(`is said for ${code}, with the code and nothing else of the error`, () => {
      const said = whyUnreachable(new ProxyError('upstream_unreachable', { cause: coded(code) }))
      assert.match(said, sentence)
      assert.ok(said.endsWith(`(${code})`))
      assert.doesNotMatch(said, /secret/)
    })
  }

  it('is what the innermost error says, or the first of several addresses', () => {
    assert.match(whyUnreachable(coded('SOME_WRAPPER', coded('ENOTFOUND'))), /\(ENOTFOUND\)$/)
    const both = new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')])
    assert.match(whyUnreachable(new ProxyError('upstream_unreachable', { cause: both })), /\(ECONNREFUSED\)$/)
  })

  it('is said even where nothing tells why', () => {
    assert.match(whyUnreachable('text'), /broke before it answered/)
    assert.match(whyUnreachable(new Error('no code')), /broke before it answered/)
  })
})
