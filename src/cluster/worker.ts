import { systemClock } from '../clock.ts'
import { type Envelope, type FromWorker, isEnvelope, type Question, type Start, type ToWorker } from './messages.ts'
import { type CreateApp, Service } from './service.ts'
import { describeStartFailure } from './start-failure.ts'

/** For a primary that does not answer any more. Milliseconds. */
const endTimeoutMs = 5000

/** Runs one worker of the cluster: waits for the primary's settings, serves, and ends when it is told to. */
export function runWorker(createApp: CreateApp): void {
  process.on('message', (received: unknown) => {
    if (isEnvelope<ToWorker>(received)) worker.hear(received.openaiProxy)
  })
  const worker = new Worker(createApp)
  // A terminal's Ctrl-C and systemd's stop reach every process of the group, the primary too, which then counts on us.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => worker.leave())
  // The primary reloads on it; here it would kill.
  process.on('SIGHUP', () => {})
  process.on('uncaughtException', (error) => worker.crash(error))
  tell({ kind: 'hello' })
}

function tell(message: FromWorker, sent?: () => void): void {
  const envelope: Envelope<FromWorker> = { openaiProxy: message }
  // Without a callback a channel that has just closed raises an error event, which ends the process.
  process.send?.(envelope, undefined, undefined, () => sent?.())
}

class Worker {
  private readonly createApp: CreateApp
  private service: Service | undefined
  private shutdownTimeoutMs = 0
  private draining = false

  constructor(createApp: CreateApp) {
    this.createApp = createApp
  }

  hear(message: ToWorker): void {
    switch (message.kind) {
      case 'start':
        this.start(message).catch((error: unknown) => {
          tell({ kind: 'failed', reason: describeStartFailure(error, message.settings) }, () => process.exit(1))
        })
        return
      case 'drain':
        this.drain(message.timeoutMs)
        return
      case 'end':
        this.end()
        return
      case 'ask':
        this.answer(message.id, message.question)
        return
      case 'log-level':
        this.service?.log.setLevel(message.level)
        return
      case 'breaker':
        this.service?.hear(message)
    }
  }

  /** Ends because somebody else than the primary wants it. */
  leave(): void {
    if (!this.draining) tell({ kind: 'leaving' })
    this.drain(this.shutdownTimeoutMs)
  }

  /** Nothing can be trusted after an exception that nobody caught; the primary starts another worker. */
  crash(error: unknown): void {
    this.service?.log.logger.fatal({ err: error }, 'a worker ends because of an error that nothing caught')
    this.service?.log.flush()
    if (!this.service) console.error(error)
    process.exit(1)
  }

  private async start({ slot, settings, logLevel, breakers }: Start): Promise<void> {
    this.shutdownTimeoutMs = settings.shutdownTimeoutMs
    const service = await Service.open({
      createApp: this.createApp,
      settings,
      slot,
      logLevel,
      clock: systemClock,
      send: (message) => tell(message),
      onOverweight: (heapUsed) => tell({ kind: 'overweight', heapUsed }),
    })
    for (const breaker of breakers) service.hear(breaker)
    const port = await service.listen()
    this.service = service
    tell({ kind: 'listening', port })
  }

  private drain(timeoutMs: number): void {
    if (this.draining) {
      // It was replaced and had time; now the program ends, and there is less.
      this.service?.drain(timeoutMs)
      return
    }
    this.draining = true
    this.finish(timeoutMs).catch((error: unknown) => this.crash(error))
  }

  private async finish(timeoutMs: number): Promise<void> {
    const { service } = this
    // Told to end before it could begin: there is nothing to finish.
    if (!service) process.exit(0)
    await service.drain(timeoutMs)
    const load = service.load()
    await service.close()
    // Only now, since the last spans may have been lost.
    const snapshot = await service.answer({ what: 'snapshot' })
    // A connection that the primary has handed over meanwhile is still in the channel. It comes before the answer to
    // this, and node:cluster gives it back; had the process ended, its client would wait for ever.
    tell({ kind: 'last', snapshot, load })
    systemClock.after(endTimeoutMs, () => this.end())
  }

  /** Only once all that was said is on its way: exit throws away what is still in the channel. */
  private end(): void {
    tell({ kind: 'ended' }, () => process.exit(0))
  }

  private answer(id: number, question: Question): void {
    const answered = this.service?.answer(question) ?? Promise.reject(new Error('This worker is still starting.'))
    answered.then(
      (value) => tell({ kind: 'answer', id, value }),
      (error: unknown) => tell({ kind: 'no-answer', id, reason: error instanceof Error ? error.message : 'unknown' }),
    )
  }
}
