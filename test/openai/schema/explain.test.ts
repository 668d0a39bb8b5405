import assert from 'node:assert/strict'
import fc from 'fast-check'
import { checks } from '../../../src/openai/schema/check.ts'

const chat = checks['/v1/chat/completions']!
const secret = 'the-prompt-that-nobody-may-see'

describe('what a refusal says', () => {
  it('a member named by digits is told from an index', () => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'a' }], logit_bias: { 7: 'x' } }
    assert.equal(chat(body)?.param, 'logit_bias.7')
  })

  it('a member whose name JSON pointers escape is named as it is, and cut when it is long', () => {
    const named = (name: string) => chat({ model: 'm', messages: [{ role: 'tool' }], logit_bias: { [name]: 'x' } })
    const biased = (name: string) =>
      chat({ model: 'm', messages: [{ role: 'user', content: 'a' }], logit_bias: { [name]: 'x' } })
    assert.equal(named('a')?.param, 'messages[0].content', 'the first fault is the one that is told')
    assert.equal(biased('a/b~c')?.param, 'logit_bias.a/b~c')
    assert.equal(biased('x'.repeat(5000))?.param, `logit_bias.${'x'.repeat(64)}`)
  })

  it('never quotes a string, whatever the body is', () => {
    // Every string is the secret; members are named as the API names them, so that checks are reached at all depths.
    const name = fc.constantFrom(
      'model',
      'messages',
      'role',
      'content',
      'type',
      'text',
      'tools',
      'function',
      'stop',
      'n',
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(secret, 'user', 5, 0.5, true, null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(name, tie('value'), { maxKeys: 5 }),
      ),
    }))
    const body = fc.tuple(value, value, value).map(([a, b, c]) => ({ model: 'm', messages: a, stop: b, tools: c }))
    const faults = new Set<string>()
    fc.assert(
      fc.property(fc.oneof(value, body), (request) => {
        for (const check of Object.values(checks)) {
          const text = JSON.stringify(check(request) ?? '')
          faults.add(text)
          assert.ok(!text.includes(secret), text)
        }
      }),
      { numRuns: 1000 },
    )
    assert.ok(faults.size > 20, `the bodies reach only ${faults.size} faults`)
  })
})
