import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { need } from './need.ts'
import { freePort } from './port.ts'

/** To be called in a suite's `before` hook. */
export function needNginx(suite: Mocha.Context): void {
  need(suite, { command: 'nginx', brings: 'nginx', without: 'OPENAI_PROXY_TESTS_WITHOUT_NGINX' })
}

export interface NginxOptions {
  /** Ports of the proxies behind it, on this machine. */
  readonly servers: readonly number[]
  /** What to listen with instead of plain HTTP; `PORT` stands for the port. */
  readonly listen?: string
  /** Changes the main file for the test. */
  readonly edit?: (text: string) => string
}

export interface TestNginx {
  readonly port: number
  /** The first line of its access log that has this in it; waits for it, since it is written behind the answer. */
  logged(part: string): Promise<Record<string, unknown>>
  stop(): Promise<void>
}

/** Runs nginx with the files of `deploy/nginx`, of which only the servers, the port and the folder are the test's. */
export async function startNginx({ servers, listen = 'listen PORT;', edit }: NginxOptions): Promise<TestNginx> {
  const folder = await mkdtemp(join(tmpdir(), 'openai-proxy-nginx-'))
  // Its workers give up root when the tests have it.
  await chmod(folder, 0o755)
  const port = await freePort()
  await cp(fileURLToPath(new URL('../../deploy/nginx/', import.meta.url)), folder, { recursive: true })
  const main = join(folder, 'nginx.conf')
  const text = (await readFile(main, 'utf8')).replaceAll(/\/tmp\/|\/dev\/(?=stdout)/g, `${folder}/`)
  await writeFile(main, edit ? edit(text) : text)
  const lines = servers.map((server) => `server 127.0.0.1:${server} max_fails=1 fail_timeout=5s;\n`)
  await writeFile(join(folder, 'servers.conf'), lines.join(''))
  await writeFile(join(folder, 'listen.conf'), listen.replace('PORT', `127.0.0.1:${port}`))
  check(main)
  return run(main, folder, port)
}

/** `nginx -t`. Throws with what it says. */
function check(main: string): void {
  const { status, stderr } = spawnSync('nginx', ['-t', '-q', '-c', main], { encoding: 'utf8' })
  if (status !== 0 || stderr !== '') throw new Error(`nginx -t: ${stderr}`)
}

async function run(main: string, folder: string, port: number): Promise<TestNginx> {
  const options = 'daemon off; error_log stderr notice;'
  const server = spawn('nginx', ['-c', main, '-g', options], { stdio: ['ignore', 'ignore', 'pipe'] })
  // A test run that crashes must not leave a server behind.
  const abandon = () => server.kill('SIGTERM')
  process.once('exit', abandon)
  const ended = once(server, 'exit')
  let said = ''
  await new Promise<void>((resolve, reject) => {
    server.once('exit', () => reject(new Error(`nginx ended: ${said}`)))
    server.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      // It listens before it starts its workers.
      if (said.includes('start worker process ')) resolve()
    })
  })
  return {
    port,
    async logged(part) {
      for (;;) {
        const log = await readFile(join(folder, 'stdout'), 'utf8')
        const line = log.split('\n').find((each) => each.includes(part))
        if (line !== undefined) return JSON.parse(line)
      }
    },
    async stop() {
      process.off('exit', abandon)
      // SIGTERM is nginx's fast end, for its workers too.
      server.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true })
    },
  }
}
