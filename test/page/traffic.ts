import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endPrograms, type Started, startProgram } from '../cluster/program.ts'
import { ask } from '../cluster/traffic.ts'
import { chunk, saying, sseBody } from '../support/chunks.ts'
import type { Received, Step } from '../support/exchange.ts'
import { answer, head, send, stream } from '../support/steps.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

/** The whole program, in front of an upstream that is well and one that is asked first and fails when it is told to. */
export interface Scene {
  readonly program: Started
  readonly url: string
  /** One chat request to the end; gives its status. */
  chat(fields?: Record<string, unknown>, headers?: Record<string, string>): Promise<number>
  /** A stream that goes on only as far as the test lets it. */
  hold(fields?: Record<string, unknown>): { grow(events: number): void; end(): Promise<number> }
  /** From now on the first upstream answers with 500. */
  fail(): void
  close(): Promise<void>
}

/** As the `user` of a request: the upstream refuses it. */
export const refused = 'the-upstream-refuses-this'

const fine = (): readonly Step[] => [stream(saying('Hel', 'lo'), { done: true })]

export async function startScene(env: Record<string, string> = {}): Promise<Scene> {
  const refusal = answer(400, { error: { message: 'no such model', type: 'invalid_request_error' } })
  const steps = new Map<string, readonly Step[]>([[refused, [refusal]]])
  const healthy = ({ body }: Received) => [...steps].find(([text]) => body.includes(text))?.[1] ?? fine()
  const [near, far, folder] = await Promise.all([
    startUpstream(healthy),
    startUpstream(healthy),
    mkdtemp(join(tmpdir(), 'openai-proxy-page-')),
  ])
  const program = await startProgram({ env: { ...(await environment(near, far, folder)), ...env } })
  const chat: Scene['chat'] = async (fields = {}, headers = {}) => {
    const body = { model: 'gpt-test', messages: [{ role: 'user', content: 'Hello' }], ...fields }
    return (await ask(program.port, { path: '/v1/chat/completions', body, headers })).status
  }
  let held = 0
  return {
    program,
    url: `http://127.0.0.1:${program.adminPort}/`,
    chat,
    hold(fields = {}) {
      const user = `held-${++held}-`
      const flow = new Flow()
      steps.set(user, [head(), flow.step])
      const answered = chat({ stream: true, user, ...fields })
      return {
        grow: (events) => flow.push(events),
        end() {
          flow.end()
          return answered
        },
      }
    },
    fail: () => near.play([answer(500, { error: { message: 'it is broken', type: 'server_error' } })]),
    async close() {
      await endPrograms()
      await Promise.all([near.close(), far.close(), rm(folder, { recursive: true })])
    },
  }
}

async function environment(near: Upstream, far: Upstream, folder: string): Promise<Record<string, string>> {
  const config = join(folder, 'config.json')
  const upstreams = [
    { name: 'near', url: near.base, priority: 0 },
    { name: 'far', url: far.base, priority: 1 },
  ]
  await writeFile(config, JSON.stringify({ upstreams }))
  return { CONFIG_FILE: config, WORKERS: '0', BREAKER_MIN_REQUESTS: '2', BREAKER_OPEN_MS: '600000', RETRY_BUDGET: '1' }
}

/** Events that are sent when the test says so. */
class Flow {
  private wake = () => {}
  private readonly due: Record<string, unknown>[] = []
  private over = false

  readonly step: Step = async (exchange) => {
    for (;;) {
      const events = this.due.splice(0)
      if (events.length > 0) await send(sseBody(events))(exchange)
      else if (this.over) break
      else await new Promise<void>((resolve) => (this.wake = resolve))
    }
    await send(sseBody([chunk({}, { finish: 'stop' })], { done: true }))(exchange)
  }

  push(count: number): void {
    for (let n = 0; n < count; n++) this.due.push(chunk({ content: 'word ' }))
    this.wake()
  }

  end(): void {
    this.over = true
    this.wake()
  }
}
