import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Started } from './program.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

/** As npm runs a script: by the system's shell, which is the process that npm passes its signals to. */
function runScript(script: string): Started {
  const child = spawn('sh', ['-c', script], {
    cwd: root,
    env: {
      PATH: `${root}node_modules/.bin${delimiter}${process.env.PATH}`,
      UPSTREAM_API_URL: 'http://127.0.0.1:9/v1',
      HOST: '127.0.0.1',
      PORT: '0',
      ADMIN_PORT: '0',
      WORKERS: '2',
      LOG_FORMAT: 'json',
      LOG_LEVEL: 'info',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return new Started(child)
}

describe('npm start', function () {
  this.timeout(60_000)
  let orphan: number | undefined
  afterEach(() => {
    if (orphan !== undefined) process.kill(orphan, 'SIGKILL')
  })

  it('passes the signal that ends it on to the program, which would go on as an orphan otherwise', async () => {
    const program = runScript(scripts.start)
    const { pid } = await program.line(({ msg }) => msg === 'ready')
    orphan = Number(pid)
    program.signal('SIGTERM')
    // Its output is closed only once the program, too, has ended.
    assert.equal(await program.ended, 0)
    assert.equal(program.lines.at(-1)?.msg, 'stopped')
    orphan = undefined
  })

  for (const name of ['start', 'dev', 'demo']) {
    it(`lets the program take the place of its shell, as everything that runs until it is told to end: ${name}`, () => {
      assert.match(scripts[name], /^([A-Z_]+=\S+ )*exec node /)
    })
  }
})
