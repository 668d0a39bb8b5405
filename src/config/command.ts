import { parseArgs } from 'node:util'
import { unknown } from './suggest.ts'
import type { SettingName } from './table.ts'

/** What the command line asks for. */
export type Action = 'run' | 'check' | 'print' | 'version' | 'help'

export interface Command {
  action: Action
  /** Settings given as flags, in the form that the environment would have. */
  flags: Partial<Record<SettingName, string>>
  faults: string[]
}

const options = {
  config: { type: 'string' },
  port: { type: 'string' },
  upstream: { type: 'string', multiple: true },
  'check-config': { type: 'boolean' },
  'print-config': { type: 'boolean' },
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
  --print-config    print the settings in effect, with secrets masked, and exit
  --version         print the version and exit
  -h, --help        print this and exit

Every other setting is an environment variable or a member of the config file: docs/configuration.md has them all.`

/** Reads the command line. Never throws: what is wrong is in `faults`, all of it. */
export function readCommand(argv: readonly string[]): Command {
  const { values, tokens } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    tokens: true,
    allowPositionals: true,
  })
  const faults = tokens.flatMap((token) => {
    if (token.kind === 'positional') return [`unexpected argument ${token.value}; see --help`]
    if (token.kind !== 'option') return []
    if (!isOption(token.name)) return [unknown('flag', token.rawName, flagNames)]
    const wanted = options[token.name].type === 'string'
    // Without strict mode, `--port` at the end of the line gives true, and `--help=x` the text.
    if (wanted && !token.value) return [`${token.rawName} needs a value; see --help`]
    return !wanted && token.value !== undefined ? [`${token.rawName} takes no value; see --help`] : []
  })
  return { action: actionOf(values), flags: flagsOf(values), faults }
}

const flagNames = Object.keys(options).map((name) => `--${name}`)

function isOption(name: string): name is Option {
  return Object.hasOwn(options, name)
}

type Values = ReturnType<typeof parseArgs>['values']

function actionOf(values: Values): Action {
  if (values.help) return 'help'
  if (values.version) return 'version'
  if (values['check-config']) return 'check'
  return values['print-config'] ? 'print' : 'run'
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
