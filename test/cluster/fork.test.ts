import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { clusterFork } from '../../src/cluster/fork.ts'

describe('a worker for which no process can be made', () => {
  const { execPath } = process
  afterEach(() => {
    process.execPath = execPath
  })

  // Of a program that is gone Node tells later, of one that cannot be begun at once.
  for (const [code, program] of [
    ['ENOENT', '/nowhere/node'],
    ['ENOTDIR', `${fileURLToPath(import.meta.url)}/node`],
  ] as const) {
    it(`has ended, and is nobody who could be waited for (${code})`, async () => {
      const fork = clusterFork({
        workerFile: new URL('tiny/worker.ts', import.meta.url),
        imports: [],
        log: pino({ enabled: false }),
      })
      process.execPath = program
      const ends: string[] = []
      const { promise, resolve } = Promise.withResolvers<void>()
      const exit = (how: string) => {
        ends.push(how)
        resolve()
      }
      const child = fork({ message() {}, exit }, '1')
      assert.equal(child.pid, 0)
      child.tell({ kind: 'drain', timeoutMs: 1 })
      child.kill('SIGKILL')
      await promise
      await new Promise((done) => setImmediate(done))
      assert.deepEqual(ends, [`no process could be made, ${code}`])
    })
  }
})
