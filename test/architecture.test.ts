import assert from 'node:assert/strict'
import { type Import, parseSource, readSources, type Source, target } from './support/sources.ts'

/** A folder of `src/`, or a file directly in it without its ending. */
type Unit = string

const base = ['errors', 'facts', 'clock']

/**
 * Who may import what. Requests go downwards: main → cluster → app → wiring → middleware → exchange → openai and the
 * leaves below it. Telemetry is put on from above and imported by nothing that it observes; settings are handed down
 * as values, and only who hands them on may know their type.
 */
const mayImport: Readonly<Record<Unit, readonly Unit[]>> = {
  main: ['cluster', 'checkup', 'demo', 'config', 'telemetry', 'clock'],
  // The app for other programs: what a worker is made of, without the processes around it.
  library: ['cluster', 'app', 'wiring', 'telemetry', 'config', 'roll', 'cut', 'clock'],
  // Asks the configured upstreams by hand, with the parts that also ask for clients.
  checkup: ['wiring', 'exchange', 'upstream', 'config', ...base],
  demo: ['config', 'clock'],
  cluster: ['app', 'wiring', 'telemetry', 'config', 'limit', 'overload', 'page', 'roll', 'cut', ...base],
  app: ['activity', 'wiring', 'middleware', 'openai', 'telemetry', 'config', ...base],
  wiring: ['middleware', 'overload', 'exchange', 'limit', 'upstream', 'openai', 'telemetry', 'config', 'page', ...base],
  activity: ['middleware', 'overload', 'roll', ...base],
  middleware: ['exchange', 'openai', 'limit', 'json', 'cut', ...base],
  exchange: ['openai', 'fold', 'sse', 'upstream', 'json', ...base],
  openai: ['fold', 'sse', 'json', ...base],
  upstream: ['sse', 'waiting', ...base],
  fold: ['json', ...base],
  limit: base,
  overload: ['roll', ...base],
  sse: base,
  json: ['errors'],
  telemetry: ['waiting', ...base],
  config: [],
  // What runs in the browser, and the shape of what it is told.
  page: [],
  facts: ['errors'],
  waiting: ['facts'],
  cut: ['errors'],
  errors: [],
  clock: [],
  roll: [],
}

/** Packages that only some units may know, by the beginning of their names. */
const packageHomes: readonly (readonly [name: string, units: readonly Unit[]])[] = [
  ['@opentelemetry/', ['telemetry', 'cluster']],
  ['import-in-the-middle', ['telemetry', 'cluster']],
  ['prom-client', ['telemetry', 'cluster']],
  ['pino', ['telemetry']],
  ['undici', ['upstream']],
  ['koa', ['app', 'middleware']],
  ['@koa/', ['app', 'middleware']],
  ['rate-limiter-flexible', ['limit']],
  ['ioredis', ['limit']],
]

const readsEnvironment = /^src\/(config\/|telemetry\/register\.ts$|main\.ts$)/
const longestFile = 250

function unitOf(path: string): Unit {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? path
}

/** Everything in `src/` that the rules above do not allow, a sentence each. */
function violationsIn(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => [
    ...source.imports.flatMap((entry) => importFaults(source, entry)),
    ...(/\bprocess\.env\b/.test(source.code) && !readsEnvironment.test(source.path)
      ? [`${source.path} reads process.env; take the value as an argument`]
      : []),
  ])
}

function importFaults(source: Source, entry: Import): string[] {
  const from = unitOf(source.path)
  const file = target(source, entry)
  if (file === undefined) return packageFaults(source, from, entry)
  const to = unitOf(file)
  if (entry.exported && !entry.typeOnly)
    return [`${source.path} hands on ${file}; let others import it from where it is`]
  if (from === to || mayImport[from]?.includes(to)) return []
  return [`${source.path} imports ${file}: ${from} may not know ${to}`]
}

function packageFaults(source: Source, from: Unit, { from: name, typeOnly }: Import): string[] {
  const home = packageHomes.find(([prefix]) => name.startsWith(prefix))
  if (!home || home[1].includes(from)) return []
  // Stages are Koa's middleware; what one is has to be said once.
  if (from === 'facts' && name === 'koa' && typeOnly) return []
  return [`${source.path} imports ${name}, which belongs to ${home[1].join(' and ')}`]
}

/** What is wrong with files as such, wherever they are. */
function shapeFaults(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, lines }) => [
    ...(lines > longestFile ? [`${path} has ${lines} lines; ${longestFile} are the most`] : []),
    ...(/\/(utils?|helpers?|misc|common)(\.|\/)/.test(path) ? [`${path} has a name that says nothing`] : []),
    ...(/\/index\.ts$/.test(path) ? [`${path} is a barrel by name`] : []),
  ])
}

describe('the architecture', () => {
  it('has imports in one direction, packages in their homes, and the environment read in one place', () => {
    assert.deepEqual(violationsIn(readSources('src')), [])
  })

  it('has short files with names that say something, and no barrels', () => {
    assert.deepEqual(shapeFaults(readSources('src', 'test', 'scripts', 'bench')), [])
  })

  it('has a rule for every folder and file directly in src, and none for what is not there', () => {
    const units = new Set(readSources('src').map(({ path }) => unitOf(path)))
    assert.deepEqual([...units].sort(), Object.keys(mayImport).sort())
  })
})

describe('the rules of the architecture', () => {
  const faults = (path: string, text: string) => violationsIn([parseSource(path, text)])

  const broken: readonly (readonly [what: string, path: string, text: string])[] = [
    ['an import upwards', 'src/fold/merge.ts', "import { chat } from '../openai/chat.ts'\n"],
    ['telemetry below app', 'src/middleware/limit.ts', "import { log } from '../telemetry/log.ts'\n"],
    ['a type of the settings below wiring', 'src/limit/keys.ts', "import type { S } from '../config/settings.ts'\n"],
    ['an import over several lines', 'src/sse/parse.ts', "import {\n  a,\n  type B,\n} from '../app.ts'\n"],
    ['an import for its effect', 'src/json/scan.ts', "import '../telemetry/register.ts'\n"],
    ['an import at run time', 'src/upstream/pick.ts', "const x = await import('../cluster/launch.ts')\n"],
    ['undici outside of upstream', 'src/exchange/plain.ts', "import type { Pool } from 'undici'\n"],
    ['OpenTelemetry in a stage', 'src/middleware/trace.ts', "import { trace } from '@opentelemetry/api'\n"],
    ['prom-client in app', 'src/app.ts', "import { Counter } from 'prom-client'\n"],
    ['koa as a value in facts', 'src/facts.ts', "import Koa from 'koa'\n"],
    ['a module that is handed on', 'src/fold/merge.ts', "export { grow } from './grow.ts'\n"],
    ['all of a module handed on', 'src/fold/merge.ts', "export * from './grow.ts'\n"],
    ['the environment', 'src/limit/keys.ts', 'const key = process.env.KEY\n'],
  ]

  for (const [what, path, text] of broken) {
    it(`find ${what}`, () => assert.equal(faults(path, text).length, 1))
  }

  it('find nothing in comments, in strings, and in what is allowed', () => {
    assert.deepEqual(faults('src/fold/merge.ts', "// process.env\n/* import x from '../app.ts' */\n"), [])
    assert.deepEqual(faults('src/facts.ts', "import type { Next } from 'koa'\n"), [])
    assert.deepEqual(faults('src/openai/chat.ts', "import { finish } from '../fold/finish.ts'\n"), [])
    assert.deepEqual(faults('src/telemetry/log.ts', "export type { Logger } from 'pino'\n"), [])
  })

  it('find long files, names that say nothing, and barrels', () => {
    const long = parseSource('src/fold/merge.ts', 'x\n'.repeat(251))
    const names = ['src/fold/utils.ts', 'src/util/text.ts', 'src/fold/index.ts'].map((path) => parseSource(path, ''))
    assert.equal(shapeFaults([long, ...names]).length, 4)
    assert.deepEqual(shapeFaults([parseSource('src/fold/merge.ts', 'x\n'.repeat(250))]), [])
  })
})
