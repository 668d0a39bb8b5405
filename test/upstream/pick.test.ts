import assert from 'node:assert/strict'
import { ProxyError } from '../../src/errors.ts'
import { pick } from '../../src/upstream/pick.ts'
import { createStrategy } from '../../src/upstream/strategy.ts'
import { candidate, draws, type TestCandidate } from './candidates.ts'

interface Asked {
  model?: string
  tried?: readonly TestCandidate[]
}

/** All upstreams that can come out of a choice, in the order of the list. */
function possible(all: readonly TestCandidate[], { model, tried = [] }: Asked = {}): string {
  const draw = draws()
  const strategy = createStrategy('random')
  const once = () => pick(all, { model, tried: new Set(tried) }, strategy, draw)
  const chosen = new Set(Array.from({ length: 200 }, once))
  return all
    .filter((one) => chosen.has(one))
    .map((one) => one.config.name)
    .join('')
}

function failure(all: readonly TestCandidate[], asked: Asked = {}): ProxyError {
  try {
    possible(all, asked)
  } catch (error) {
    if (error instanceof ProxyError) return error
    throw error
  }
  throw new assert.AssertionError({ message: 'an upstream was chosen' })
}

describe('choosing an upstream', () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => candidate(name)) as [
    TestCandidate,
    TestCandidate,
    TestCandidate,
    TestCandidate,
  ]
  const backup = candidate('e', { priority: 1 })
  const last = candidate('f', { priority: 2 })
  const broken = candidate('x', { waitMs: 1000 })
  const spare = candidate('z', { weight: 0 })
  const table: [name: string, all: TestCandidate[], tried: TestCandidate[], expected: string][] = [
    ['any that is usable', [a, b, c, d], [], 'abcd'],
    ['never one that is broken out', [a, broken, c], [], 'ac'],
    ['only the best priority, wherever it stands in the list', [last, backup, a, b], [], 'ab'],
    ['the next priority when nothing of the best is usable', [broken, backup, last], [], 'e'],
    ['a retry avoids what was tried', [a, b, c], [a, c], 'b'],
    ['a retry goes to the next priority rather than to one tried', [a, b, backup], [a, b], 'e'],
    ['when all usable ones were tried, the best priority again', [a, b, broken, backup], [a, b, backup], 'ab'],
    ['one that cannot be used and was not tried does not count', [a, broken], [a], 'a'],
    ['weight 0 is left out while there is another', [a, spare], [], 'a'],
    ['weight 0 is asked when nothing else of its priority can be', [broken, spare], [], 'z'],
    ['weight 0 is asked before a worse priority', [spare, backup], [], 'z'],
    ['a retry goes to weight 0 rather than to one tried', [a, spare], [a], 'z'],
  ]
  for (const [name, all, tried, expected] of table) {
    it(name, () => assert.equal(possible(all, { tried }), expected))
  }

  it('one whose places are all taken is passed over until one is free', () => {
    const full = candidate('m', { concurrency: 2, inFlight: 2 })
    assert.equal(possible([a, full]), 'a')
    full.inFlight = 1
    assert.equal(possible([a, full]), 'am')
  })

  it('passes over those that are to be spared, also for a worse priority, unless there is no other', () => {
    const spared = candidate('s', { spared: true })
    const later = candidate('l', { priority: 1 })
    assert.equal(possible([spared, a]), 'a')
    assert.equal(possible([spared, later]), 'l')
    assert.equal(possible([spared, candidate('x', { usable: false })]), 's')
    assert.equal(possible([spared, a], { tried: [a] }), 's')
  })
})

describe('choosing by model', () => {
  const openai = candidate('o', { models: { allow: ['gpt-*'] } })
  const azure = candidate('z', { models: { map: { 'gpt-4o': 'deployment' } } })
  const vllm = candidate('v', { models: { allow: ['llama-3'] }, waitMs: 4000 })
  const every = candidate('e', { priority: 1 })

  it('a request goes only where its model is', () => {
    assert.equal(possible([openai, azure, vllm], { model: 'gpt-4o' }), 'oz')
    assert.equal(possible([openai, azure, vllm], { model: 'gpt-5' }), 'o')
  })

  it('a worse priority that has the model is better than a good one that has not', () => {
    assert.equal(possible([openai, azure, every], { model: 'mistral' }), 'e')
  })

  it('a request without a model goes anywhere', () => {
    assert.equal(possible([openai, azure, vllm]), 'oz')
  })

  it('a model that nobody offers is not found, even while all are down', () => {
    const error = failure([openai, azure, vllm], { model: 'gemini' })
    assert.deepEqual([error.code, error.status, error.details.param], ['model_not_found', 404, 'model'])
  })

  it('a model whose only upstream is down is not missing but waits for it', () => {
    const error = failure([openai, azure, vllm], { model: 'llama-3' })
    assert.deepEqual([error.code, error.details.retryAfter], ['no_upstream', 4])
  })
})

describe('when no upstream can be used', () => {
  it('says to the millisecond when the first will be', () => {
    const error = failure([candidate('a', { waitMs: 9000 }), candidate('b', { waitMs: 2300 })])
    assert.deepEqual([error.code, error.status, error.details.retryAfter], ['no_upstream', 503, 2.3])
    assert.equal(error.headers()['retry-after'], '3')
  })

  it('says one second when that hangs on a probe or on a free place', () => {
    const probed = candidate('a', { usable: false })
    const full = candidate('b', { concurrency: 1, inFlight: 1 })
    for (const one of [probed, full]) {
      assert.equal(failure([one, candidate('c', { waitMs: 9000 })]).headers()['retry-after'], '1')
    }
  })
})
