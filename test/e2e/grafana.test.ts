import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { generated } from '../../scripts/dashboards.ts'
import { outdated } from '../../scripts/generated.ts'
import { boards, shown, substituted } from '../support/panels.ts'
import { seriesIn, seriesNames } from '../support/promql.ts'
import { allRules } from '../support/rules.ts'

interface DataSource {
  readonly uid: string
  readonly url: string
  readonly jsonData: {
    readonly exemplarTraceIdDestinations?: readonly {
      readonly name: string
      readonly datasourceUid?: string
      readonly url?: string
    }[]
    readonly tracesToMetrics?: {
      readonly datasourceUid: string
      readonly queries: readonly { readonly query: string }[]
    }
  }
}

const folder = new URL('../../deploy/grafana/', import.meta.url)
const all = boards()

async function knownNames(): Promise<ReadonlySet<string>> {
  return new Set([...(await seriesNames()), ...allRules().flatMap(({ record }) => record ?? [])])
}

describe('the dashboards', () => {
  it('are what their source makes of them', () => {
    assert.deepEqual(outdated(generated), [], 'npm run dashboards writes them anew')
    assert.equal(all.length, generated.length, 'and there are no others')
  })

  for (const board of all) {
    it(`${board.file}: each panel has a sentence, a unit, a data source, a number and a place of its own`, () => {
      const panels = shown(board)
      for (const { title, description, fieldConfig, datasource, targets } of panels) {
        assert.match(description ?? '', /^.{20,}\.$/, title)
        assert.ok(fieldConfig?.defaults.unit, `${title} has no unit`)
        assert.equal(datasource?.uid, 'prometheus', title)
        assert.ok((targets?.length ?? 0) > 0, `${title} asks nothing`)
      }
      assert.equal(new Set(board.panels.map(({ id }) => id)).size, board.panels.length)
      assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length)
      const rightEdges = panels.map(({ gridPos }) => gridPos.x + gridPos.w)
      assert.ok(Math.max(...rightEdges) <= 24)
    })

    it(`${board.file}: nothing is asked for that neither the proxy nor a rule provides`, async () => {
      const known = await knownNames()
      const expressions = shown(board).flatMap(({ targets = [] }) => targets.map(({ expr }) => substituted(expr, '1m')))
      assert.deepEqual(
        expressions.flatMap(seriesIn).filter((name) => !known.has(name)),
        [],
      )
      assert.ok(!expressions.some((expr) => expr.includes('$')), 'a variable that Grafana would not know')
    })
  }

  it('begin with figures and go on with graphs', () => {
    for (const board of all) assert.equal(shown(board)[0]?.type, 'stat', board.file)
  })
})

describe('the runbook', () => {
  const runbook = readFileSync(new URL('../../docs/runbook.md', folder), 'utf8')

  it('sends nobody to a panel that is not there', () => {
    const named = Array.from(runbook.matchAll(/\*(\w+)\*,\s"([^"]+)"/g), ([, board = '', panel = '']) => ({
      board,
      panel,
    }))
    assert.ok(named.length > 5)
    for (const { board, panel } of named) {
      const there = all.find(({ uid }) => uid === `openai-proxy-${board.toLowerCase()}`)
      assert.ok(there && shown(there).some(({ title }) => title.startsWith(panel)), `${board}, ${panel}`)
    }
  })
})

describe('the data sources of Grafana', () => {
  const text = readFileSync(new URL('provisioning/datasources/datasources.yml', folder), 'utf8')
  const { datasources } = parse(text) as { datasources: readonly DataSource[] }
  const named = (uid: string) => datasources.find((source) => source.uid === uid)

  it('lead from a point to its trace, and from a span to its metrics', async () => {
    const [first, ...others] = named('prometheus')?.jsonData.exemplarTraceIdDestinations ?? []
    assert.deepEqual(first, { name: 'trace_id', datasourceUid: 'jaeger' })
    // A single "$" would be taken for a variable of the environment.
    for (const { url } of others) assert.match(url ?? '', /\/trace\/\$\$\{__value\.raw\}$/)
    const back = named('jaeger')?.jsonData.tracesToMetrics
    assert.equal(back?.datasourceUid, 'prometheus')
    const known = await knownNames()
    for (const { query } of back?.queries ?? []) {
      for (const name of seriesIn(query)) assert.ok(known.has(name), name)
      assert.match(query, /\{\$\$__tags\}/)
    }
  })
})
