import { parseArgs } from 'node:util'
import { sourcesHere } from '../config/machine.ts'
import { runDemo } from './demo.ts'

// `npm run demo`, and `npm run demo -- --once`.
try {
  const { argv, env } = sourcesHere()
  const { values } = parseArgs({ args: [...argv], options: { once: { type: 'boolean' } } })
  await runDemo({ once: values.once === true, env })
} catch (error) {
  console.error(error instanceof Error ? error.message : 'The demo failed.')
  process.exitCode = 1
}
