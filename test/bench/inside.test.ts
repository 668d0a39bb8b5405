import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, insideEnv, insideFlags } from '../../bench/ask.ts'
import { mainThread, threadsOf } from '../../bench/processes.ts'
import {
  type AllocationProfile,
  type CpuProfile,
  fromAllocations,
  fromCpu,
  selfBy,
} from '../../bench/profile/stacks.ts'

/** Keeps some megabytes for as long as it lives, and drops others all the time. */
const program = `
  globalThis.kept = Array.from({ length: 1e5 }, (_, at) => ({ at }))
  function busy() {
    for (let at = 0; at < 1e4; at++) globalThis.dropped = { at }
    setImmediate(busy)
  }
  busy()
  console.log('ready')
`

describe('a process that is asked from within', () => {
  let folder: string
  let child: ChildProcess
  let pid: number

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openai-proxy-inside-'))
    const env = { ...process.env, ...insideEnv(folder) }
    child = spawn(process.execPath, [...insideFlags, '--eval', program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    pid = child.pid ?? 0
    // The signal would end it before it listens to it.
    await once(child.stdout!, 'data')
  })
  after(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true })
  })

  it('says what is left in its memory after a collection', async () => {
    const [first, second] = [
      await ask<NodeJS.MemoryUsage>(folder, pid, 'memory'),
      await ask<NodeJS.MemoryUsage>(folder, pid, 'memory'),
    ]
    assert.ok(first.heapUsed > 1e6 && first.rss > first.heapUsed)
    assert.ok(Math.abs(first.heapUsed - second.heapUsed) < 1e6, `${first.heapUsed} and ${second.heapUsed}`)
  })

  it('profiles its CPU time, over and over', async () => {
    for (let times = 0; times < 2; times++) {
      await ask(folder, pid, 'cpu-start')
      await ask(folder, pid, 'memory')
      const root = fromCpu(await ask<CpuProfile>(folder, pid, 'cpu-stop'))
      assert.ok(root.total > 0)
    }
  })

  it('counts allocations that were collected as well', async () => {
    await ask(folder, pid, 'allocations-start')
    await ask(folder, pid, 'memory')
    const root = fromAllocations(await ask<AllocationProfile>(folder, pid, 'allocations-stop'))
    const names = selfBy(root, ({ name }) => name).map(([name]) => name)
    assert.ok(names.includes('busy'), names.join(', '))
  })

  it('has its main thread told from the others', () => assert.ok((threadsOf(pid).get(mainThread) ?? 0) > 0))
})
