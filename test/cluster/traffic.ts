import { Agent, request } from 'node:http'

export interface Reply {
  status: number
  headers: NodeJS.Dict<string | string[]>
  body: string
}

export interface Ask {
  method?: string
  path: string
  body?: unknown
  headers?: Record<string, string>
  agent?: Agent
  /** Told when the status and headers are there. */
  onHead?: () => void
}

/** One request; resolves with the whole answer, rejects when the connection fails at any point. */
export function ask(port: number, { method, path, body, headers = {}, agent, onHead }: Ask): Promise<Reply> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: method ?? (payload === undefined ? 'GET' : 'POST'),
        headers: { ...headers, ...(payload === undefined ? {} : { 'content-type': 'application/json' }) },
        agent: agent ?? new Agent({ keepAlive: false }),
      },
      (res) => {
        onHead?.()
        let text = ''
        res.setEncoding('utf8')
        res.on('data', (part: string) => {
          text += part
        })
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }))
        res.on('error', reject)
      },
    )
    req.on('error', reject)
    req.end(payload)
  })
}

const running = new Set<Traffic>()

/** Ends what a test that failed has left behind; it would go on for ever. */
export async function endTraffic(): Promise<void> {
  await Promise.all([...running].map((traffic) => traffic.stop()))
}

/**
 * Clients that ask again and again, and keep count of what failed: over kept connections as SDKs do, or each time over
 * a new one when `what.agent` is given.
 */
export class Traffic {
  answered = 0
  readonly failures: string[] = []
  private stopped = false
  private readonly clients: Promise<void>[]

  constructor(port: number, what: Ask, clients: number, everyMs: number) {
    running.add(this)
    this.clients = Array.from({ length: clients }, () => this.client(port, what, everyMs))
  }

  /** Lets the last requests finish. */
  async stop(): Promise<void> {
    this.stopped = true
    running.delete(this)
    await Promise.all(this.clients)
  }

  private async client(port: number, what: Ask, everyMs: number): Promise<void> {
    const agent = what.agent ?? new Agent({ keepAlive: true, maxSockets: 1 })
    while (!this.stopped) {
      await ask(port, { ...what, agent }).then(
        ({ status, body }) => {
          this.answered++
          if (status !== 200) this.failures.push(`${status} ${body}`)
        },
        (error: Error) => this.failures.push(error.message),
      )
      // The rate of the load, and no wait for anything: how long it really takes decides no test.
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
    if (agent !== what.agent) agent.destroy()
  }
}
