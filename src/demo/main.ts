import { runDemo } from './demo.ts'

await runDemo(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : 'The demo failed.')
  process.exitCode = 1
})
