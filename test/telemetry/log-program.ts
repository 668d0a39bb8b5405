/** A process that only logs, as its arguments say, for tests of where the lines go. */
import { createLog } from '../../src/telemetry/log.ts'

const { options, lines, wait, times = 1 } = JSON.parse(process.argv[2] ?? '{}')
const { logger, setLevel, settle } = await createLog(options)
for (let time = 0; time < times; time++) {
  for (const { level, msg, setTo } of lines) {
    if (setTo) setLevel(setTo)
    logger[level as 'info']({ headers: { authorization: 'Bearer secret-of-a-client' } }, msg)
  }
}
// Without `flush`: what waits must be out whatever way the process ends, once nothing is on its way any more.
if (wait) process.on('message', () => process.exit(0))
else settle().then(() => process.exit(0))
