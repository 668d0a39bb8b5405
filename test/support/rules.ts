import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'

const folder = new URL('../../deploy/prometheus/', import.meta.url)

export interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}

interface ExpressionTest {
  readonly expr: string
  readonly exp_samples: readonly unknown[]
}

interface TestFile {
  readonly tests: readonly { readonly promql_expr_test?: readonly ExpressionTest[] }[]
}

/** The files of one of its folders, as paths that `promtool` can read. */
export function filesIn(name: 'rules' | 'tests'): string[] {
  const within = new URL(`${name}/`, folder)
  return readdirSync(within).map((file) => new URL(file, within).pathname)
}

/** Every rule of every file. */
export function allRules(): Rule[] {
  return read<RuleFile>('rules').flatMap(({ groups }) => groups.flatMap(({ rules }) => rules))
}

/** The expectations of all promtool tests that are about one alert: those that it fires, and those that it does not. */
export function expectationsOf(alert: string): { firing: number; silent: number } {
  const about = read<TestFile>('tests')
    .flatMap(({ tests }) => tests.flatMap((test) => test.promql_expr_test ?? []))
    .filter(({ expr }) => expr.includes(`alertname="${alert}"`))
  const firing = about.filter(({ exp_samples }) => exp_samples.length > 0).length
  return { firing, silent: about.length - firing }
}

function read<File>(name: 'rules' | 'tests'): File[] {
  return filesIn(name).map((path) => parse(readFileSync(path, 'utf8')) as File)
}
