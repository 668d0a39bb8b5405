import assert from 'node:assert/strict'
import fc from 'fast-check'
import { hashBounded, LOAD_BOUND } from '../../src/upstream/hash.ts'
import { candidate, tally } from './candidates.ts'

const keys = Array.from({ length: 10_000 }, (_, i) => `user-${i}`)

const weights = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 8 })

describe('hash with bounded load', () => {
  it('gives each upstream its weight in keys', () => {
    const candidates = [candidate('a', { weight: 2 }), candidate('b'), candidate('c')]
    const counts = tally(keys.map((key) => hashBounded(candidates, key).config.name))
    const shares = ['a', 'b', 'c'].map((name) => Math.round((counts[name]! / keys.length) * 20) / 20)
    assert.deepEqual(shares, [0.5, 0.25, 0.25])
  })

  it('ranks alike in every process: by names and key, not by their order in the list', () => {
    const names = ['a', 'b', 'c', 'd']
    const forwards = names.map((name) => candidate(name))
    const backwards = names.toReversed().map((name) => candidate(name))
    for (const key of keys.slice(0, 200)) {
      assert.equal(hashBounded(forwards, key).config.name, hashBounded(backwards, key).config.name)
    }
  })

  it('an upstream that is lost moves only its own keys, whatever the weights', () => {
    fc.assert(
      fc.property(weights, fc.nat(), fc.uniqueArray(fc.string(), { maxLength: 50 }), (some, lost, someKeys) => {
        const all = some.map((weight, i) => candidate(`upstream-${i}`, { weight }))
        const gone = all[lost % all.length]
        const left = all.filter((one) => one !== gone)
        for (const key of someKeys) {
          const before = hashBounded(all, key)
          if (before !== gone) assert.equal(hashBounded(left, key), before)
        }
      }),
    )
  })

  it('the keys of a lost upstream are shared by all that are left', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => candidate(name))
    const orphans = keys.filter((key) => hashBounded(all, key) === all[0])
    const homes = tally(orphans.map((key) => hashBounded(all.slice(1), key).config.name))
    for (const name of ['b', 'c', 'd', 'e']) {
      assert.equal(Math.round((homes[name]! / orphans.length) * 20) / 20, 0.25, name)
    }
  })

  it('no upstream ever has more than its bound under way, even if all ask with one key', () => {
    const request = fc.record({ key: fc.constantFrom('one', 'two', 'three'), ends: fc.boolean(), which: fc.nat() })
    fc.assert(
      fc.property(weights, fc.array(request, { maxLength: 200 }), (some, requests) => {
        const all = some.map((weight, i) => candidate(`upstream-${i}`, { weight }))
        const total = some.reduce((sum, weight) => sum + weight, 0)
        const running: (typeof all)[number][] = []
        for (const { key, ends, which } of requests) {
          if (ends && running.length > 0) running.splice(which % running.length, 1)[0]!.inFlight--
          const chosen = hashBounded(all, key)
          chosen.inFlight++
          running.push(chosen)
          const fair = (running.length * chosen.config.weight) / total
          assert.ok(chosen.inFlight <= Math.ceil(LOAD_BOUND * fair), `${chosen.inFlight} where ${fair} is fair`)
        }
      }),
    )
  })

  it('a key whose upstream is full goes to the next in its ranking, and returns when there is room', () => {
    const all = ['a', 'b', 'c'].map((name) => candidate(name))
    const home = hashBounded(all, 'key')
    home.inFlight = 2
    const second = hashBounded(all, 'key')
    assert.notEqual(second, home)
    assert.equal(
      hashBounded(
        all.filter((one) => one !== home),
        'key',
      ),
      second,
    )
    home.inFlight = 0
    assert.equal(hashBounded(all, 'key'), home)
  })
})
