import assert from 'node:assert/strict'
import { Breaker } from '../../src/upstream/breaker.ts'
import { scene, send, settings, told } from './breaking.ts'

describe('breaker: when it opens', () => {
  const table: [name: string, verdicts: string, state: string][] = [
    ['only successes leave it closed', '++++++++', 'closed'],
    ['fewer requests than the minimum prove nothing', '---', 'closed'],
    ['the minimum number of failures opens it', '----', 'open'],
    ['the rate is reached exactly', '++--', 'open'],
    ['one failure below the rate leaves it closed', '+++--', 'closed'],
    ['the failure that reaches the rate opens it', '+++---', 'open'],
    ['requests without a verdict are not counted at all', '---......', 'closed'],
    ['requests without a verdict do not water down the rate', '......----', 'open'],
    ['a success never opens it, whatever came before', '---+', 'closed'],
  ]
  for (const [name, verdicts, state] of table) {
    it(name, () => {
      const { breaker } = scene()
      send(breaker, verdicts)
      assert.equal(breaker.state, state)
      assert.equal(breaker.usable(), state === 'closed')
    })
  }

  it('failures older than the window are forgotten', () => {
    const { breaker, clock } = scene()
    send(breaker, '---')
    clock.move(30_000)
    send(breaker, '-')
    assert.equal(breaker.state, 'closed')
  })

  it('failures within the window add up, however thinly they are spread', () => {
    const { breaker, clock } = scene()
    for (let i = 0; i < 4; i++) {
      send(breaker, '-')
      clock.move(8000)
    }
    assert.equal(breaker.state, 'open')
  })

  it('only the first verdict of a request counts', () => {
    const { breaker } = scene()
    const end = breaker.enter()
    for (let i = 0; i < 4; i++) end('failure')
    assert.equal(breaker.state, 'closed')
  })

  it('a key that is refused opens it at once, and once only', () => {
    const { breaker, transitions } = scene()
    breaker.trip('unauthorized')
    breaker.trip('unauthorized')
    assert.deepEqual(told(transitions), ['closed>open unauthorized'])
    assert.equal(breaker.waitMs(), 10_000)
  })
})

describe('breaker: resting', () => {
  it('a rest makes it unusable for exactly that long, without opening or counting', () => {
    const { breaker, clock, transitions } = scene()
    breaker.rest(2500)
    assert.deepEqual([breaker.usable(), breaker.resting, breaker.waitMs()], [false, true, 2500])
    clock.move(2499)
    assert.equal(breaker.usable(), false)
    clock.move(1)
    assert.deepEqual([breaker.usable(), breaker.resting, breaker.waitMs()], [true, false, 0])
    send(breaker, '---')
    assert.equal(breaker.state, 'closed')
    assert.deepEqual(transitions, [])
  })

  it('a shorter rest does not cut a longer one', () => {
    const { breaker } = scene()
    breaker.rest(5000)
    breaker.rest(10)
    assert.equal(breaker.waitMs(), 5000)
  })

  it('a probe that is told to wait leaves it half-open, and the next goes when the rest is over', () => {
    const { breaker, clock } = scene()
    send(breaker, '----')
    clock.move(10_000)
    const probe = breaker.enter()
    breaker.rest(700)
    probe('none')
    assert.equal(breaker.usable(), false)
    clock.move(700)
    assert.equal(breaker.usable(), true)
    assert.equal(breaker.state, 'half_open')
  })

  it('open and resting, it waits for the later of the two', () => {
    const { breaker } = scene()
    send(breaker, '----')
    breaker.rest(15_000)
    assert.equal(breaker.waitMs(), 15_000)
  })
})

describe('breaker: what other processes tell', () => {
  it('an opening is adopted until the same moment, and marked as told', () => {
    const { breaker, clock, transitions } = scene()
    breaker.hear({ state: 'open', until: clock.wall() + 4000 })
    assert.equal(breaker.waitMs(), 4000)
    assert.deepEqual(told(transitions), ['closed>open told'])
  })

  it('what one process tells is understood by another, whose own clock started earlier', () => {
    const { clock, breaker, transitions } = scene()
    const early = { now: () => clock.now() + 987_654, wall: () => clock.wall(), after: clock.after.bind(clock) }
    const hearer = new Breaker(settings, early, () => {})
    send(breaker, '----')
    hearer.hear({ state: transitions[0]!.to, until: transitions[0]!.until })
    clock.move(9999)
    assert.equal(hearer.state, 'open')
    clock.move(1)
    assert.equal(hearer.state, 'half_open')
  })

  it('an opening that is over already is not adopted', () => {
    const { breaker, clock, transitions } = scene()
    breaker.hear({ state: 'open', until: clock.wall() })
    assert.deepEqual(transitions, [])
  })

  it('an opening told by a clock far ahead lasts no longer than the longest of its own', () => {
    const { breaker, clock } = scene()
    breaker.hear({ state: 'open', until: clock.wall() + 1e9 })
    assert.equal(breaker.waitMs(), 160_000)
  })

  it('an open breaker is opened for longer but never for less, and changes nothing else', () => {
    const { breaker, clock, transitions } = scene()
    send(breaker, '----')
    breaker.hear({ state: 'open', until: clock.wall() + 1000 })
    assert.equal(breaker.waitMs(), 10_000)
    breaker.hear({ state: 'open', until: clock.wall() + 12_000 })
    assert.equal(breaker.waitMs(), 12_000)
    assert.equal(transitions.length, 1)
  })

  it('a told opening counts as one, so that the next lasts longer', () => {
    const { breaker, clock } = scene()
    breaker.hear({ state: 'open', until: clock.wall() + 10_000 })
    clock.move(10_000)
    send(breaker, '-')
    assert.equal(breaker.waitMs(), 20_000)
  })

  it('a closing elsewhere closes it, whether open or half-open', () => {
    for (const wait of [0, 10_000]) {
      const { breaker, clock, transitions } = scene()
      send(breaker, '----')
      clock.move(wait)
      breaker.hear({ state: 'closed', until: 0 })
      assert.equal(breaker.state, 'closed')
      assert.equal(transitions.at(-1)?.why, 'told')
    }
  })

  it('a closing or half-opening elsewhere says nothing to one that is closed or open', () => {
    const { breaker, transitions } = scene()
    breaker.hear({ state: 'closed', until: 0 })
    breaker.hear({ state: 'half_open', until: 0 })
    assert.deepEqual(transitions, [])
    send(breaker, '----')
    breaker.hear({ state: 'half_open', until: 0 })
    assert.equal(breaker.state, 'open')
  })
})
