import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** What `inside.ts` answers in a process that was started with `insideFlags`. */
export type Question = 'memory' | 'cpu-start' | 'cpu-stop' | 'allocations-start' | 'allocations-stop'

const inside = new URL('inside.ts', import.meta.url).href

/** For Node, which hands them on to the workers. */
export const insideFlags = ['--expose-gc', '--import', inside]

export function insideEnv(folder: string): Record<string, string> {
  return { BENCH_FOLDER: folder }
}

/** Asks a process from within. Rejects when it has not answered within a minute. */
export async function ask<Answer>(folder: string, pid: number, question: Question): Promise<Answer> {
  const path = join(folder, String(pid))
  writeFileSync(`${path}.question`, question)
  process.kill(pid, 'SIGUSR2')
  for (let tries = 0; tries < 6000; tries++) {
    if (existsSync(`${path}.answer`)) {
      const answer = JSON.parse(readFileSync(`${path}.answer`, 'utf8')) as Answer
      rmSync(`${path}.answer`)
      return answer
    }
    await wait(10)
  }
  throw new Error(`process ${pid} did not answer ${question}`)
}
