import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { need } from './need.ts'
import { freePort } from './port.ts'

const without = 'OPENAI_PROXY_TESTS_WITHOUT_PROMETHEUS'

/** To be called in a suite's `before` hook; see `need`. */
export function needPrometheus(suite: Mocha.Context): void {
  for (const command of ['prometheus', 'promtool']) need(suite, { command, brings: 'prometheus', without })
}

/** What `promtool check metrics` has to say about a scrape; empty when it is content. */
export function lint(body: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })
  return status === 0 ? '' : `${stdout}${stderr}`
}

/** A Prometheus of the test's own, with exemplar storage, that scrapes one target. */
export interface TestPrometheus {
  /** The `data` of an answer of its HTTP API. */
  query(path: string, parameters: Record<string, string>): Promise<unknown>
  /**
   * Resolves when the target has been scraped so many times more. Prometheus looks for its targets only seconds after
   * it has started, so what a quick machine does until then is never seen.
   */
  scrapes(times: number): Promise<void>
  stop(): Promise<void>
}

/**
 * @param target host and port; its `/metrics` is scraped five times a second
 * @param options the scrape's job name, and files of rules, which are evaluated as often
 */
export async function startPrometheus(
  target: string,
  { job = 'proxy', rules = [] }: { job?: string; rules?: readonly string[] } = {},
): Promise<TestPrometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'openai-proxy-prometheus-'))
  const config = join(directory, 'prometheus.yml')
  const scrape = {
    job_name: job,
    scrape_interval: '200ms',
    scrape_timeout: '200ms',
    static_configs: [{ targets: [target] }],
  }
  // JSON is YAML.
  const global = { evaluation_interval: '200ms' }
  await writeFile(config, JSON.stringify({ global, rule_files: rules, scrape_configs: [scrape] }))
  const port = await freePort()
  const server = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
    ],
    { stdio: 'ignore' },
  )
  async function query(path: string, parameters: Record<string, string>): Promise<unknown> {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const body = (await answer.json()) as { data: unknown }
    return body.data
  }
  /** How many scrapes have succeeded so far; none while Prometheus does not listen yet. */
  async function scrapes(): Promise<number> {
    const data = await query('query', { query: 'sum_over_time(up[1h])' }).catch(() => undefined)
    const { result = [] } = (data ?? {}) as { result?: readonly { readonly value: readonly [number, string] }[] }
    return Number(result[0]?.value[1] ?? 0)
  }
  return {
    query,
    async scrapes(times) {
      const wanted = (await scrapes()) + times
      while ((await scrapes()) < wanted) await new Promise((resolve) => setImmediate(resolve))
    },
    async stop() {
      await end(server)
      await rm(directory, { recursive: true })
    },
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return
  const ended = once(server, 'exit')
  // SIGKILL: what it has stored is thrown away, so it need not be written.
  server.kill('SIGKILL')
  await ended
}
