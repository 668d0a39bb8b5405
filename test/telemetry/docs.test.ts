import assert from 'node:assert/strict'
import { generated } from '../../scripts/docs-telemetry.ts'
import { outdated } from '../../scripts/generated.ts'
import { metricTable } from '../../src/telemetry/metric-table.ts'
import { attemptAttributes, stageTable } from '../../src/telemetry/span-table.ts'

describe('the pages on telemetry', () => {
  it('are what the tables say; npm run docs writes them anew', () => {
    assert.deepEqual(outdated(generated), [])
  })

  it('have every metric, stage and attribute', () => {
    const [metrics, tracing] = generated.map(({ text }) => text)
    for (const { name } of Object.values(metricTable)) assert.ok(metrics?.includes(`\`${name}\``), name)
    const names = [...Object.keys(stageTable), ...Object.values(attemptAttributes).map(({ name }) => name)]
    for (const name of names) assert.ok(tracing?.includes(`\`${name}\``), name)
  })
})
