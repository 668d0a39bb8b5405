import { parseArgs } from 'node:util'
import { unknown } from './suggest.ts'
import type { SettingName } from './table.ts'

/** What the command line asks for. */
export type Action = 'run' | 'check' | 'print' | 'demo' | 'version' | 'help'

export interface Command {
  action: Action
  /** Settings given as flags, in the form that the environment would have. */
  flags: Partial<Record<SettingName, string>>
  /** `--probe`: ask each upstream, and `--probe=MODEL`: for an answer of this model. */
  probe: { model: string | undefined } | undefined
  /** `--once`: the demo ends after its show. */
  once: boolean
  faults: string[]
}

const options = {
  config: { type: 'string' },
  port: { type: 'string' },
  upstream: { type: 'string', multiple: true },
  'check-config': { type: 'boolean' },
  probe: { type: 'boolean' },
  'print-config': { type: 'boolean' },
  demo: { type: 'boolean' },
  once: { type: 'boolean' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

type Option = keyof typeof options

export const usage = `Usage: openai-proxy [options]

Answers plain OpenAI requests from upstreams that only stream.

  --config FILE     read settings from a YAML or JSON file (CONFIG_FILE)
  --port N          listen on this port (PORT)
  --upstream URL    ask this upstream; may be given more than once (UPSTREAM_API_URL)
  --check-config    check the settings, say what is wrong, and exit
  --probe[=MODEL]   with --check-config: also ask each upstream one question, and say how it answers.
                    Without a model it is asked for its list of models, which costs nothing. With one, or with
                    PROBE_BODY set, it is asked for a streamed answer, which is billed like any other (a few tokens).
  --print-config    print the settings in effect, with secrets masked, and exit
  --demo            show the proxy at work with a built-in upstream, and serve until Ctrl-C
  --once            with --demo: exit after the show
  --version         print the version and exit
  -h, --help        print this and exit

Every other setting is an environment variable or a member of the config file: docs/configuration.md has them all.

Exit codes: 0 all is well; 1 it cannot start, or ended by an error; 2 faults in the settings or in these options;
3 an upstream that --probe asked cannot be used as it is configured.`

/** Reads the command line. Never throws: what is wrong is in `faults`, all of it. */
export function readCommand(argv: readonly string[]): Command {
  const { values, tokens } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    tokens: true,
    allowPositionals: true,
  })
  return {
    action: actionOf(values),
    flags: flagsOf(values),
    probe: values.probe ? { model: typeof values.probe === 'string' ? values.probe : undefined } : undefined,
    once: values.once === true,
    faults: [...tokens.flatMap(faultOf), ...misplaced(values)],
  }
}

type Values = ReturnType<typeof parseArgs>['values']
type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number]

function faultOf(token: Token): string[] {
  if (token.kind === 'positional') return [`unexpected argument ${token.value}; see --help`]
  if (token.kind !== 'option') return []
  if (!isOption(token.name)) return [unknown('flag', token.rawName, flagNames)]
  const wanted = options[token.name].type === 'string' || (token.name === 'probe' && token.value === '')
  // Without strict mode, `--port` at the end of the line gives true, and `--help=x` the text.
  if (wanted && !token.value) return [`${token.rawName} needs a value; see --help`]
  const refused = !wanted && token.name !== 'probe' && token.value !== undefined
  return refused ? [`${token.rawName} takes no value; see --help`] : []
}

const flagNames = Object.keys(options).map((name) => `--${name}`)

function isOption(name: string): name is Option {
  return Object.hasOwn(options, name)
}

/** Options that would be ignored without a word. */
function misplaced({ probe, once, demo, config, upstream, ...values }: Values): string[] {
  return [
    ...(probe && !values['check-config'] ? ['--probe belongs to --check-config; see --help'] : []),
    ...(once && !demo ? ['--once belongs to --demo; see --help'] : []),
    ...(demo && (config || upstream) ? ['--demo has an upstream and settings of its own; give it --port at most'] : []),
  ]
}

function actionOf(values: Values): Action {
  if (values.help) return 'help'
  if (values.version) return 'version'
  if (values['check-config']) return 'check'
  if (values['print-config']) return 'print'
  return values.demo ? 'demo' : 'run'
}

function flagsOf(values: Values): Command['flags'] {
  const { config, port } = values
  // A flag without its value is `true` here, and has its fault already.
  const urls = [values.upstream ?? []].flat().filter((url) => typeof url === 'string')
  return {
    ...(typeof config === 'string' && { CONFIG_FILE: config }),
    ...(typeof port === 'string' && { PORT: port }),
    ...(urls.length > 0 && { UPSTREAM_API_URL: urls.join(',') }),
  }
}
