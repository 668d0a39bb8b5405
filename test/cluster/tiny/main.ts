import { Primary } from '../../../src/cluster/primary.ts'
import { runProgram } from '../../../src/cluster/program.ts'
import { openLog } from '../../../src/cluster/service.ts'
import { Single } from '../../../src/cluster/single.ts'
import { StartFailure } from '../../../src/cluster/start-failure.ts'
import { loadSettings } from '../../../src/config/load.ts'
import { sourcesHere } from '../../../src/config/machine.ts'
import { createTinyApp } from './app.ts'

// The program as it is, with another app in it.
const load = () => loadSettings(sourcesHere())
const loaded = load()
if ('faults' in loaded) throw new Error(loaded.faults.join('\n'))
const { settings } = loaded
const workerFile = new URL('./worker.ts', import.meta.url)
try {
  await runProgram(
    settings.workers > 0
      ? new Primary({ settings, log: await openLog(settings, 'primary'), load, workerFile, imports: [] })
      : await Single.open(settings, load, createTinyApp),
  )
} catch (error) {
  if (!(error instanceof StartFailure)) throw error
  console.error(error.message)
  process.exitCode = 1
}
