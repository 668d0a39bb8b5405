import assert from 'node:assert/strict'
import { Breaker, type BreakerSettings, type Transition, type Verdict } from '../../src/upstream/breaker.ts'
import { MovedClock } from '../support/clock.ts'

const settings: BreakerSettings = { windowMs: 30_000, minRequests: 4, failureRate: 0.5, openMs: 10_000 }

interface Scene {
  clock: MovedClock
  breaker: Breaker
  transitions: Transition[]
}

function scene(changes: Partial<BreakerSettings> = {}): Scene {
  const clock = new MovedClock()
  const transitions: Transition[] = []
  const breaker = new Breaker({ ...settings, ...changes }, clock, (transition) => transitions.push(transition))
  return { clock, breaker, transitions }
}

/** Sends requests one after another: `+` succeeds, `-` fails, `.` says nothing. */
function send(breaker: Breaker, verdicts: string): void {
  const words: Record<string, Verdict> = { '+': 'success', '-': 'failure', '.': 'none' }
  for (const sign of verdicts) breaker.enter()(words[sign]!)
}

/** The changes in short: `closed>open failure_rate`. */
function told(transitions: readonly Transition[]): string[] {
  return transitions.map(({ from, to, why }) => `${from}>${to} ${why}`)
}

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

describe('breaker: how it closes again', () => {
  it('after its open time one request alone is let through, and its success closes it', () => {
    const { breaker, clock, transitions } = scene()
    send(breaker, '----')
    clock.move(9999)
    assert.equal(breaker.state, 'open')
    clock.move(1)
    assert.equal(breaker.usable(), true)
    const end = breaker.enter()
    assert.equal(breaker.usable(), false)
    end('success')
    assert.equal(breaker.usable(), true)
    assert.deepEqual(told(transitions), [
      'closed>open failure_rate',
      'open>half_open open_time_over',
      'half_open>closed probe_succeeded',
    ])
  })

  it('failures from before the opening are not held against it when it has closed', () => {
    const { breaker, clock } = scene({ openMs: 100 })
    send(breaker, '----')
    clock.move(100)
    send(breaker, '+---')
    assert.equal(breaker.state, 'closed')
  })

  it('a probe that fails opens it again', () => {
    const { breaker, clock, transitions } = scene()
    send(breaker, '----')
    clock.move(10_000)
    send(breaker, '-')
    assert.equal(breaker.state, 'open')
    assert.equal(transitions.at(-1)?.why, 'probe_failed')
  })

  it('a probe whose client left gives its place to the next request, without a verdict', () => {
    const { breaker, clock, transitions } = scene()
    send(breaker, '----')
    clock.move(10_000)
    send(breaker, '.')
    assert.equal(breaker.state, 'half_open')
    assert.equal(breaker.usable(), true)
    send(breaker, '+')
    assert.equal(breaker.state, 'closed')
    assert.equal(transitions.length, 3)
  })

  it('requests beside the probe, or sent to an open breaker, are not heard', () => {
    const { breaker, clock } = scene()
    send(breaker, '----')
    clock.move(4000)
    send(breaker, '----')
    assert.equal(breaker.waitMs(), 6000)
    clock.move(6000)
    const probe = breaker.enter()
    send(breaker, '+----')
    assert.equal(breaker.state, 'half_open')
    probe('failure')
    assert.equal(breaker.state, 'open')
  })

  it('late answers to requests from before the opening change nothing', () => {
    const { breaker, clock } = scene()
    const [late, later, last] = [breaker.enter(), breaker.enter(), breaker.enter()]
    send(breaker, '----')
    late!('success')
    assert.equal(breaker.state, 'open')
    clock.move(10_000)
    assert.equal(breaker.state, 'half_open')
    later!('success')
    assert.equal(breaker.state, 'half_open')
    assert.equal(breaker.usable(), true)
    send(breaker, '+---')
    last!('failure')
    assert.equal(breaker.state, 'closed')
  })

  it('each opening lasts twice as long as the one before, up to sixteen times the first', () => {
    const { breaker, clock } = scene()
    send(breaker, '----')
    const times: number[] = []
    for (let i = 0; i < 7; i++) {
      times.push(breaker.waitMs())
      clock.move(breaker.waitMs())
      send(breaker, '-')
    }
    assert.deepEqual(times, [10_000, 20_000, 40_000, 80_000, 160_000, 160_000, 160_000])
  })

  it('the open time starts anew once it has stayed closed for a whole window', () => {
    for (const [closedMs, openMs] of [
      [29_999, 20_000],
      [30_000, 10_000],
    ]) {
      const { breaker, clock } = scene()
      send(breaker, '----')
      clock.move(10_000)
      send(breaker, '+')
      clock.move(closedMs!)
      send(breaker, '----')
      assert.equal(breaker.waitMs(), openMs)
    }
  })

  it('half-open serves only the prober where there is one', () => {
    const { breaker, clock } = scene({ probesReserved: true })
    send(breaker, '----')
    clock.move(10_000)
    assert.equal(breaker.state, 'half_open')
    assert.equal(breaker.usable(), false)
    send(breaker, '+')
    assert.equal(breaker.usable(), true)
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
