import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { need } from '../support/need.ts'
import { needPrometheus } from '../support/prometheus.ts'
import { seriesIn, seriesNames } from '../support/promql.ts'
import { allRules, expectationsOf, filesIn } from '../support/rules.ts'

const root = new URL('../../', import.meta.url)
const rules = allRules()
const alerts = rules.filter(({ alert }) => alert !== undefined)

function promtool(...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
  assert.equal(status, 0, `${stdout}${stderr}`)
}

describe('the configuration of Prometheus, to promtool', () => {
  before(function () {
    needPrometheus(this)
  })

  it('is in order', () => {
    // Only the syntax: the token's file is there in production only.
    promtool('check', 'config', '--syntax-only', fileURLToPath(new URL('deploy/prometheus/prometheus.yml', root)))
  })

  it('has rules without a fault', () => {
    promtool('check', 'rules', '--lint-fatal', ...filesIn('rules'))
  })

  for (const file of filesIn('tests')) {
    it(`has alerts that fire when they should, and only then: ${file.split('/').at(-1)}`, function () {
      // Days of samples, evaluated minute by minute.
      this.timeout(120_000)
      promtool('test', 'rules', file)
    })
  }
})

describe('the alerts', () => {
  const runbook = readFileSync(new URL('docs/runbook.md', root), 'utf8')
  const headings = Array.from(runbook.matchAll(/^## (.+)$/gm), ([, heading = '']) => heading)

  for (const { alert = '', annotations, labels } of alerts) {
    it(`${alert} has a test that it fires, one that it does not, its texts, and a place in the runbook`, () => {
      const { firing, silent } = expectationsOf(alert)
      assert.ok(firing > 0, 'no test in which it fires')
      assert.ok(silent > 0, 'no test in which it is silent')
      assert.deepEqual(Object.keys(annotations ?? {}), ['summary', 'description', 'runbook_url'])
      assert.equal(annotations?.runbook_url, `docs/runbook.md#${alert.toLowerCase()}`)
      assert.ok(headings.includes(alert), 'no heading in the runbook')
      assert.match(labels?.severity ?? '', /^(critical|warning|info)$/)
    })
  }

  it('are all that the runbook speaks of', () => {
    assert.deepEqual(
      headings.filter((heading) => !alerts.some(({ alert }) => alert === heading)),
      [],
    )
  })

  it('ask for nothing that neither the proxy nor another rule provides', async () => {
    const known = new Set([...(await seriesNames()), ...rules.flatMap(({ record }) => record ?? [])])
    const unknown = rules.flatMap(({ expr }) => seriesIn(expr)).filter((name) => !known.has(name))
    assert.deepEqual(unknown, [])
  })
})

describe('the names in an expression', () => {
  it('are those of series, not of functions, labels or operators', () => {
    const expression =
      'sum by (job, le) (rate(a_bucket{b="c_d(e)"}[5m])) / on (job) group_left(x_y) f:g_h unless max_over_time(i[1m:5s]) > bool 3'
    assert.deepEqual(seriesIn(expression), ['a_bucket', 'f:g_h', 'i'])
  })
})

describe('the configuration of Alertmanager', () => {
  interface Inhibition {
    readonly source_matchers: readonly string[]
    readonly target_matchers: readonly string[]
  }
  const text = readFileSync(new URL('deploy/alertmanager/alertmanager.yml', root), 'utf8')

  it('is in order, to amtool', function () {
    need(this, {
      command: 'amtool',
      brings: 'prometheus-alertmanager',
      without: 'OPENAI_PROXY_TESTS_WITHOUT_ALERTMANAGER',
    })
    const path = fileURLToPath(new URL('deploy/alertmanager/alertmanager.yml', root))
    const { status, stdout, stderr } = spawnSync('amtool', ['check-config', path], { encoding: 'utf8' })
    assert.equal(status, 0, `${stdout}${stderr}`)
  })

  it('silences only alerts that there are, for others that there are', () => {
    const { inhibit_rules } = parse(text) as { inhibit_rules: readonly Inhibition[] }
    for (const matcher of inhibit_rules.flatMap((rule) => [...rule.source_matchers, ...rule.target_matchers])) {
      const pattern = new RegExp(`^(${/"(.*)"/.exec(matcher)?.[1]})$`)
      assert.ok(
        alerts.some(({ alert }) => pattern.test(alert ?? '')),
        `${matcher} fits no alert`,
      )
    }
  })
})
