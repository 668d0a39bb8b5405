import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLog, type LogOptions } from '../../src/telemetry/log.ts'

const program = fileURLToPath(new URL('./log-program.ts', import.meta.url))

interface Line {
  readonly level: string
  readonly msg: string
  readonly setTo?: string
}

/** Runs a process that logs these lines, and gives what it wrote. */
async function runLog(options: LogOptions, lines: readonly Line[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program, JSON.stringify({ options, lines })], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const exit = once(child, 'close')
  const [stdout, stderr] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()])
  const [code] = await exit
  return { code, stdout: stdout.join(''), stderr: stderr.join('') }
}

const parsed = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

describe('the log', () => {
  let directory: string

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'openai-proxy-log-'))
  })
  after(() => rm(directory, { recursive: true }))

  it('is JSON where there is no terminal, whole at the end of the process, and without keys', async () => {
    const { stdout } = await runLog({ level: 'info', name: 'w1' }, [
      { level: 'info', msg: 'first' },
      { level: 'debug', msg: 'unseen' },
      { level: 'error', msg: 'last with sk-abcdefghijklmnop' },
    ])
    const [first, last, ...more] = parsed(stdout)
    assert.deepEqual([first.level, first.msg, first.name, typeof first.pid], ['info', 'first', 'w1', 'number'])
    assert.deepEqual([last.level, last.msg], ['error', 'last with [redacted]'])
    assert.deepEqual(more, [])
    assert.equal(first.headers.authorization, '[redacted]')
  })

  it('is for people when that is asked for, and keeps its secrets there as well', async () => {
    const { stdout } = await runLog({ level: 'info', name: 'w1', format: 'pretty' }, [{ level: 'warn', msg: 'look' }])
    assert.match(stdout, /WARN.*look/)
    assert.doesNotMatch(stdout, /secret-of-a-client|^\{/)
  })

  it('changes its level while it runs', async () => {
    const { stdout } = await runLog({ level: 'warn', name: 'w1' }, [
      { level: 'debug', msg: 'before' },
      { level: 'debug', msg: 'between', setTo: 'debug' },
      { level: 'info', msg: 'after', setTo: 'error' },
    ])
    assert.deepEqual(
      parsed(stdout).map(({ msg }) => msg),
      ['between'],
    )
  })

  it('changes the level of loggers made with child() too, but not of one that has a level of its own', async () => {
    const dir = join(directory, 'children')
    const { logger, setLevel } = await createLog({ level: 'info', name: 'w1', dir })
    const child = logger.child({ part: 'one' })
    const stubborn = logger.child({ part: 'two' }, { level: 'error' })
    setLevel('debug')
    child.child({ part: 'deeper' }).debug('seen')
    stubborn.info('unseen')
    setLevel('warn')
    child.info('unseen')
    const [file = ''] = await readdir(dir)
    const lines = parsed(await readFile(join(dir, file), 'utf8'))
    assert.deepEqual(
      lines.map(({ part, msg }) => [part, msg]),
      [['deeper', 'seen']],
    )
  })

  it('goes to files when there is a directory for them, and only warnings to standard output as well', async () => {
    const dir = join(directory, 'made', 'on-the-way')
    const { stdout } = await runLog({ level: 'debug', name: 'w1', dir }, [
      { level: 'debug', msg: 'small' },
      { level: 'warn', msg: 'big' },
    ])
    const [file, ...others] = await readdir(dir)
    assert.deepEqual(others, [])
    assert.match(file ?? '', /^w1\.\d{4}-\d\d-\d\d\.1\.log$/)
    const lines = parsed(await readFile(join(dir, file ?? ''), 'utf8'))
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['small', 'big'],
    )
    assert.equal(lines[0].headers.authorization, '[redacted]')
    assert.deepEqual(
      parsed(stdout).map(({ msg }) => msg),
      ['big'],
    )
  })

  it('a directory that cannot be written to is said at the start', async () => {
    await assert.rejects(createLog({ level: 'info', name: 'w1', dir: '/dev/null/logs' }), /ENOTDIR/)
  })

  /** Starts a process that logs, then waits for a message to end; its standard output goes to `redirect`. */
  function startLog(job: { lines: readonly Line[]; times: number }, redirect: string) {
    const options: LogOptions = { level: 'info', name: 'w1' }
    const command = `exec "${process.execPath}" "${program}" "$0" ${redirect}`
    return spawn('sh', ['-c', command, JSON.stringify({ options, ...job, wait: true })], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
  }

  it('a full disk costs lines and one complaint, and not the process', async () => {
    // Writing to this device fails as writing to a full disk does.
    const child = startLog({ lines: [{ level: 'info', msg: 'lost' }], times: 200 }, '> /dev/full')
    const [complaint] = await once(child.stderr ?? child, 'data')
    assert.match(String(complaint), /Log lines cannot be written to standard output: ENOSPC/)
    child.send('end')
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
  })

  it('a reader that has stopped reading costs lines, and neither blocks the process nor fills its memory', async () => {
    const child = startLog({ lines: [{ level: 'info', msg: 'x'.repeat(10_000) }], times: 2000 }, '')
    const [complaint] = await once(child.stderr ?? child, 'data')
    assert.match(String(complaint), /Log lines are dropped/)
    child.send('end')
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
  })

  for (const [letters, word] of [
    ['of ASCII', 'model'],
    ['of several bytes', '模型'],
  ]) {
    it(`lines of several writers do not mix in one pipe, in letters ${letters}`, async () => {
      const lines = Array.from({ length: 40 }, (_, index) => ({ level: 'info', msg: `${index} ${word} `.repeat(40) }))
      const children = ['a', 'b', 'c'].map((name) =>
        JSON.stringify({ options: { level: 'info', name }, lines, times: 20 }),
      )
      const commands = children.map((_, index) => `"${process.execPath}" "${program}" "$${index + 1}" &`).join(' ')
      // So small a reader keeps the pipe full, which takes in pieces what is more than PIPE_BUF.
      const shell = spawn('sh', ['-c', `(${commands} wait) | dd bs=64 2>/dev/null`, 'sh', ...children], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const text = (await shell.stdout.toArray()).join('')
      assert.equal(parsed(text).length, 3 * 40 * 20)
    })
  }
})
