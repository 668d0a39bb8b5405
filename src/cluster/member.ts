import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import type { BreakerMessage } from '../wiring/surroundings.ts'
import type { Child, Fork } from './fork.ts'
import type { FromWorker, Question, Start, ToWorker } from './messages.ts'
import { StartFailure } from './start-failure.ts'

export type MemberState = 'starting' | 'listening' | 'draining' | 'gone'

export interface MemberParts {
  /** Never used again for another process: metrics are kept by it. */
  readonly id: string
  readonly fork: Fork
  readonly clock: Clock
  readonly start: Start
  /** Everything that this file does not deal with itself. */
  onMessage(member: Member, message: FromWorker): void
  /** After it has ended; `state` is still the one before. */
  onExit(member: Member, how: string): void
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** A worker that is alive but has not begun to listen by then is stuck. Milliseconds. */
const startTimeoutMs = 60_000
/**
 * On top of its own deadline, before a worker that should have ended is killed. Until then it may wait two seconds each for
 * what was cut to be on record, for a Redis that hangs, and for a collector that does. Milliseconds.
 */
const killAfterMs = 8000

/** One worker process, from its fork to its exit. */
export class Member {
  readonly id: string
  readonly slot: string
  readonly startedAt: number
  state: MemberState = 'starting'
  /** It could not begin to listen, which whoever has started it is told, and was ended. */
  failed = false
  port: number | undefined
  /** Resolves when it listens; rejects with a StartFailure when it cannot. */
  readonly ready: Promise<void>
  /** Resolves when its process has ended. */
  readonly gone: Promise<void>

  private readonly parts: MemberParts
  private readonly child: Child
  private readonly waiting = new Map<number, Waiting>()
  private lastQuestion = 0
  /** What it is told as soon as it can hear. */
  private firstWord: ToWorker
  private cancelStartTimer = () => {}
  private cancelKill = () => {}
  private settle: Waiting = { resolve() {}, reject() {} }
  private end = () => {}

  constructor(parts: MemberParts) {
    this.parts = parts
    this.firstWord = parts.start
    this.id = parts.id
    this.slot = parts.start.slot
    this.startedAt = parts.clock.now()
    this.ready = new Promise<unknown>((resolve, reject) => {
      this.settle = { resolve, reject }
    }).then(() => undefined)
    this.gone = new Promise((resolve) => {
      this.end = resolve
    })
    this.cancelStartTimer = parts.clock.after(startTimeoutMs, () => this.fail('did not begin to listen in time'))
    const events = { message: (message: FromWorker) => this.hear(message), exit: (how: string) => this.exited(how) }
    this.child = parts.fork(events, this.slot)
  }

  /** What it was started with. */
  get settings(): Settings {
    return this.parts.start.settings
  }

  /** The breakers of which it was told when it was started. */
  get breakers(): readonly BreakerMessage[] {
    return this.parts.start.breakers
  }

  get replaced(): boolean {
    return this.state === 'draining'
  }

  get pid(): number {
    return this.child.pid
  }

  tell(message: ToWorker): void {
    this.child.tell(message)
  }

  /** Rejects when the worker cannot answer, ends, or says nothing for `timeoutMs` milliseconds. */
  ask(question: Question, timeoutMs: number): Promise<unknown> {
    if (this.state === 'gone') return Promise.reject(new Error('This worker has ended.'))
    const id = ++this.lastQuestion
    const late = new Error(`Worker ${this.slot} did not answer in time.`)
    const cancel = this.parts.clock.after(timeoutMs, () => this.waiting.get(id)?.reject(late))
    const answered = new Promise<unknown>((resolve, reject) => this.waiting.set(id, { resolve, reject }))
    this.tell({ kind: 'ask', id, question })
    return answered.finally(() => {
      cancel()
      this.waiting.delete(id)
    })
  }

  /** Lets it finish what runs and end; it is killed when it outlives `timeoutMs` (milliseconds) and some. */
  drain(timeoutMs: number): Promise<void> {
    if (this.state !== 'gone') {
      this.state = 'draining'
      this.firstWord = { kind: 'drain', timeoutMs }
      this.tell(this.firstWord)
      this.cancelKill()
      this.cancelKill = this.parts.clock.after(timeoutMs + killAfterMs, () => this.kill())
    }
    return this.gone
  }

  /** Ends it at once, and its requests with it. */
  kill(): void {
    this.child.kill('SIGKILL')
  }

  private hear(message: FromWorker): void {
    // A drain that was told before could not be heard yet.
    if (message.kind === 'hello') this.tell(this.firstWord)
    else if (message.kind === 'failed') this.fail(message.reason)
    else if (message.kind === 'answer') this.waiting.get(message.id)?.resolve(message.value)
    else if (message.kind === 'no-answer') this.waiting.get(message.id)?.reject(new Error(message.reason))
    else {
      if (message.kind === 'listening') this.listening(message.port)
      if (message.kind === 'last') this.tell({ kind: 'end' })
      this.parts.onMessage(this, message)
    }
  }

  private listening(port: number): void {
    this.cancelStartTimer()
    this.port = port
    if (this.state === 'starting') this.state = 'listening'
    this.settle.resolve(undefined)
  }

  private fail(reason: string): void {
    this.cancelStartTimer()
    this.failed = true
    this.settle.reject(new StartFailure(reason))
    this.kill()
  }

  private exited(how: string): void {
    this.cancelStartTimer()
    this.cancelKill()
    this.settle.reject(new StartFailure(`a worker ended before it listened (${how})`))
    for (const { reject } of this.waiting.values()) reject(new Error('This worker has ended.'))
    this.parts.onExit(this, how)
    this.state = 'gone'
    this.end()
  }
}
