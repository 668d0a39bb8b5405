import assert from 'node:assert/strict'
import fc from 'fast-check'
import { colours, groupOf } from '../../bench/profile/groups.ts'
import { type CallFrame, type CpuProfile, fromAllocations, fromCpu, selfBy } from '../../bench/profile/stacks.ts'
import { summary } from '../../bench/profile/summary.ts'
import { escaped, flameGraph } from '../../bench/profile/svg.ts'

const frameOf = (functionName: string, url = '', lineNumber = 0): CallFrame => ({ functionName, url, lineNumber })
const own = 'file:///app/src/fold/merge.ts'

/** Two nodes of one function under one parent, as V8 makes them when it has been compiled anew. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frameOf('(root)'), children: [2, 5, 6, 7] },
    { id: 2, callFrame: frameOf('emit', 'node:events', 9), children: [3, 4] },
    { id: 3, callFrame: frameOf('merge', own, 41), children: [8] },
    { id: 4, callFrame: frameOf('merge', own, 41) },
    { id: 5, callFrame: frameOf('(idle)') },
    { id: 6, callFrame: frameOf('(garbage collector)') },
    { id: 7, callFrame: frameOf('post', 'node:inspector', 114) },
    { id: 8, callFrame: frameOf('now') },
  ],
  samples: [2, 3, 4, 5, 6, 7, 8],
  timeDeltas: [10, 20, 30, 1000, 40, 2000, 5],
}

describe('the tree of a profile', () => {
  it('has a function that was called from one place once, and neither waiting nor the profiler', () => {
    const root = fromCpu(profile)
    assert.equal(root.total, 105)
    assert.deepEqual(
      [...root.children.values()].map(({ name }) => name),
      ['emit', '(garbage collector)'],
    )
    const [emit] = root.children.values()
    assert.deepEqual([emit?.self, emit?.total], [10, 65])
    const [merge, ...others] = emit?.children.values() ?? []
    assert.deepEqual([merge?.name, merge?.place, merge?.self, merge?.total], ['merge', 'src/fold/merge.ts:42', 50, 55])
    assert.deepEqual(others, [])
  })

  it('adds up what each kind of code cost itself', () => {
    const groups = selfBy(fromCpu(profile), ({ group }) => group)
    assert.deepEqual(groups, [
      ['openai-proxy', 55],
      ['garbage collection', 40],
      ['Node', 10],
    ])
  })

  it('is made of allocations in the same way', () => {
    const node = (functionName: string, selfSize: number, ...children: ReturnType<typeof leaf>[]) => ({
      ...leaf(functionName, selfSize),
      children,
    })
    const leaf = (functionName: string, selfSize: number) => ({
      callFrame: frameOf(functionName, own, 3),
      selfSize,
      children: [],
    })
    const root = fromAllocations({ head: node('(root)', 0, leaf('grow', 8), leaf('grow', 4), leaf('', 1)) })
    assert.equal(root.total, 13)
    assert.deepEqual(
      [...root.children.values()].map(({ name, self }) => [name, self]),
      [
        ['grow', 12],
        ['merge.ts:4', 1],
      ],
    )
  })
})

describe('whose code a function is', () => {
  const places: readonly [url: string, group: string][] = [
    ['file:///app/src/app.ts', 'openai-proxy'],
    ['file:///app/dist/app.js', 'openai-proxy'],
    ['file:///app/node_modules/undici/lib/core/util.js', 'undici'],
    ['node:internal/deps/undici/undici', 'undici'],
    ['node:net', 'Node'],
    ['file:///src/app/node_modules/koa-compose/index.js', 'Koa'],
    ['file:///app/node_modules/@opentelemetry/api/build/src/index.js', 'OpenTelemetry'],
    ['file:///app/node_modules/prom-client/lib/counter.js', 'prom-client'],
    ['file:///app/node_modules/yaml/dist/index.js', 'other packages'],
    ['', 'caller'],
  ]
  for (const [url, group] of places) {
    it(`${url || 'a native function'} belongs to ${group}`, () => {
      assert.equal(groupOf(frameOf('f', url), 'caller'), group)
    })
  }

  it('has a colour for every group', () => {
    const found = places.map(([url]) => groupOf(frameOf('f', url), 'Node'))
    for (const group of found) assert.ok(colours[group], group)
  })
})

describe('a flame graph', () => {
  const picture = { title: 'a < b & c', amount: (total: number) => `${total} µs` }

  it('names its boxes with their place and what they cost, and is as deep as the calls', () => {
    const svg = flameGraph(fromCpu(profile), picture)
    assert.match(svg, /<title>merge \(src\/fold\/merge\.ts:42\): 55 µs, 52\.4 %; itself 50 µs<\/title>/)
    assert.match(svg, /<text x="6" y="18" font-size="14">a &lt; b &amp; c<\/text>/)
    assert.equal(svg.match(/<g>/g)?.length, 5)
  })

  it('leaves out boxes too narrow to be seen', () => {
    const svg = flameGraph(fromCpu(profile), picture, 0.4)
    assert.match(svg, /merge/)
    assert.doesNotMatch(svg, /garbage collector/)
  })

  it('stays below 200 kB, however much there is to draw', () => {
    const nodes = Array.from({ length: 5000 }, (_, at) => ({ id: at + 2, callFrame: frameOf(`f${at}`, own, at) }))
    const all = [{ id: 1, callFrame: frameOf('(root)'), children: nodes.map(({ id }) => id) }, ...nodes]
    const samples = nodes.map(({ id }) => id)
    const root = fromCpu({ nodes: all, samples, timeDeltas: samples })
    assert.ok(Buffer.byteLength(flameGraph(root, picture, 0)) < 200_000)
  })

  it('has no character that XML would not take', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (name) => {
        const text = escaped(name)
        assert.doesNotMatch(text, /[<>\p{Cc}]|&(?!amp;|lt;|gt;)/u)
        assert.equal(text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').length, name.length)
      }),
    )
  })
})

describe('the summary of a profile', () => {
  it('says for each request whose code cost what, the most first', () => {
    const account = { title: 'CPU', unit: 'µs a request', perRequest: (sum: number) => sum / 5, notes: ['A note.'] }
    const text = summary(fromCpu(profile), account)
    assert.match(text, /A note\.\n\nIn all: 21\.0 µs a request\./)
    assert.match(text, /\| openai-proxy \| 11 \| 52\.4 \|\n\| garbage collection \| 8 \| 38\.1 \|/)
    assert.match(text, /\| merge src\/fold\/merge\.ts:42 \| 10 \| 47\.6 \|/)
  })
})
