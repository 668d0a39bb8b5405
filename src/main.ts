#!/usr/bin/env node
import { nodeTooOld, StartFailure } from './cluster/start-failure.ts'
import { readCommand, usage } from './config/command.ts'
import { loadSettings } from './config/load.ts'
import { sourcesHere } from './config/machine.ts'
import { printable } from './config/print.ts'
import { readVersion } from './telemetry/version.ts'

const sources = sourcesHere()
const load = () => loadSettings(sources)
const { action } = readCommand(sources.argv)

if (action === 'help') console.log(usage)
else if (action === 'version') console.log(readVersion())
else await start()

async function start(): Promise<void> {
  // First, because what comes next does not even load there.
  const tooOld = nodeTooOld(process.versions.node)
  if (tooOld !== undefined) return report('openai-proxy cannot start', [tooOld], 1)
  const loaded = load()
  if ('faults' in loaded) return report('The settings have faults', loaded.faults, 2)
  if (action === 'check') return console.log('The settings are in order.')
  if (action === 'print') return console.log(printable(loaded.settings).trimEnd())
  // Only now: `--help` and `--check-config` need nothing of it.
  const { launch } = await import('./cluster/launch.ts')
  await launch(loaded.settings, load).catch((error: unknown) => {
    // Anything else is a defect, and its stack is of use.
    if (!(error instanceof StartFailure)) throw error
    report('openai-proxy cannot start', error.message.split('\n'), 1)
  })
}

function report(title: string, faults: readonly string[], exitCode: number): void {
  console.error([`${title}:`, ...faults.map((fault) => `  ${fault}`)].join('\n'))
  process.exitCode = exitCode
}
