#!/usr/bin/env node
import { systemClock } from './clock.ts'
import { holdSignals } from './cluster/signals.ts'
import { nodeTooOld, StartFailure } from './cluster/start-failure.ts'
import { readCommand, usage } from './config/command.ts'
import { loadSettings } from './config/load.ts'
import { sourcesHere } from './config/machine.ts'
import { printable } from './config/print.ts'
import type { Settings } from './config/settings.ts'
import { tracingWanted } from './telemetry/otel-env.ts'
import { readVersion } from './telemetry/version.ts'

const sources = sourcesHere()
const load = () => loadSettings(sources)
const command = readCommand(sources.argv)

if (command.action === 'help') console.log(usage)
else if (command.action === 'version') console.log(readVersion())
else await start()

async function start(): Promise<void> {
  // First, because what comes next does not even load there.
  const tooOld = nodeTooOld(process.versions.node)
  if (tooOld !== undefined) return report('openai-proxy cannot start', [tooOld], 1)
  if (command.action === 'demo') return demo()
  const loaded = load()
  if ('faults' in loaded) return report('The settings have faults', loaded.faults, 2)
  if (command.action === 'check') return check(loaded.settings)
  if (command.action === 'print') return console.log(printable(loaded.settings).trimEnd())
  await serve(loaded.settings)
}

async function serve(settings: Settings): Promise<void> {
  holdSignals()
  // Only now: `--help` and `--check-config` need nothing of it.
  const { launch } = await import('./cluster/launch.ts')
  await launch(settings, load, { traces: tracingWanted(process.env) }).catch((error: unknown) => {
    // Anything else is a defect, and its stack is of use.
    if (!(error instanceof StartFailure)) throw error
    report('openai-proxy cannot start', error.message.split('\n'), 1)
  })
}

async function check(settings: Settings): Promise<void> {
  console.log('The settings are in order.')
  if (!command.probe) return
  const { checkUpstreams } = await import('./checkup/ask.ts')
  const findings = await checkUpstreams(settings, { clock: systemClock, model: command.probe.model })
  for (const { usable, sentence } of findings) console.log(`${usable ? '✔' : '✘'} ${sentence}`)
  if (findings.some(({ usable }) => !usable)) process.exitCode = 3
}

async function demo(): Promise<void> {
  const { faults, flags, once } = command
  if (faults.length > 0) return report('The command line has faults', faults, 2)
  const { runDemo } = await import('./demo/demo.ts')
  await runDemo({ once, env: { ...sources.env, ...flags } }).catch((error: unknown) => {
    report('The demo has failed', [error instanceof Error ? error.message : 'for an unknown reason'], 1)
  })
}

function report(title: string, faults: readonly string[], exitCode: number): void {
  console.error([`${title}:`, ...faults.map((fault) => `  ${fault}`)].join('\n'))
  process.exitCode = exitCode
}
