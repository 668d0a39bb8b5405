import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const missing =
  'prometheus and promtool are not installed, and these tests need the real ones: apt-get install prometheus (Debian). ' +
  'Set OPENAI_PROXY_TESTS_WITHOUT_PROMETHEUS=1 to run the other tests only.'

let told = false

/**
 * To be called in a suite's `before` hook. Without the programs the suite fails with a sentence that says what to do;
 * only when the environment says so is it skipped, and then with a line that can be seen, once a run.
 */
export function needPrometheus(suite: Mocha.Context): void {
  if (
    spawnSync('promtool', ['--version']).error === undefined &&
    spawnSync('prometheus', ['--version']).error === undefined
  ) {
    return
  }
  if (process.env.OPENAI_PROXY_TESTS_WITHOUT_PROMETHEUS !== '1') throw new Error(missing)
  if (!told) console.log('  NOT RUN: every test that needs Prometheus, because it is not installed.')
  told = true
  suite.skip()
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
  return {
    async query(path, parameters) {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`)
      const body = (await answer.json()) as { data: unknown }
      return body.data
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new TypeError('No port was given')
  return address.port
}
