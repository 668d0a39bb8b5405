/** A process that only logs, as its arguments say, for tests of where the lines go. */
import { createLog } from '../../src/telemetry/log.ts'

const { options, lines, wait, times = 1 } = JSON.parse(process.argv[2] ?? '{}')
const { logger, setLevel } = await createLog(options)
for (let time = 0; time < times; time++) {
  for (const { level, msg, setTo } of lines) {
    if (setTo) setLevel(setTo)
    logger[level as 'info']({ headers: { authorization: 'Bearer secret-of-a-client' } }, msg)
  }
}
// Without `flush`: what was logged must be out whatever way the process ends.
if (wait) process.on('message', () => process.exit(0))
else process.exit(0)
