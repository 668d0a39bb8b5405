/**
 * What it costs to choose an upstream, by the number of them and by the strategy: `node bench/micro/pick.ts`. The upstreams
 * are those of the tests; a tenth rests.
 */
import { type PickRequest, pick } from '../../src/upstream/pick.ts'
import { createStrategy, type StrategyName } from '../../src/upstream/strategy.ts'
import { candidate, draws, type TestCandidate } from '../../test/upstream/candidates.ts'
import { compare, madeInAll } from './timing.ts'

const names: readonly StrategyName[] = ['random', 'round-robin', 'least-busy', 'latency', 'hash']
const draw = draws()

interface Choice {
  readonly all: readonly TestCandidate[]
  readonly request: PickRequest<TestCandidate>
}

const table: Record<string, object> = {}
for (const count of [1, 2, 10, 100]) {
  const all = Array.from({ length: count }, (_, at) =>
    candidate(`upstream-${at}`, { weight: 1 + (at % 3), inFlight: at % 7, usable: count < 10 || at % 10 !== 0 }),
  )
  for (const one of all) one.latency.observe(20, 0)
  const choice: Choice = { all, request: { model: 'gpt-5', tried: new Set(), hashKey: 'conversation-1' } }
  const works = names.map((name) => {
    const strategy = createStrategy(name)
    return [name, [({ all, request }: Choice) => pick(all, request, strategy, draw).inFlight, choice]] as const
  })
  table[`${count} upstreams`] = await compare<Choice>(Object.fromEntries(works))
}
console.log('One choice of an upstream')
console.table(table)
console.log(`(${madeInAll()} requests in flight seen)`)
