import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = new URL('..', import.meta.url).pathname

export interface Worktree {
  readonly commit: string
  readonly main: string
  remove(): void
}

/**
 * Checks a commit out into a folder of its own. It borrows the packages that are installed here where it locks the same
 * ones, and gets its own where not. Throws with git's words for a commit that is not there.
 */
export function checkOut(revision: string): Worktree {
  const commit = git('rev-parse', '--short', '--verify', `${revision}^{commit}`)
  const dir = mkdtempSync(join(tmpdir(), `openai-proxy-${commit}-`))
  const remove = () => {
    git('worktree', 'remove', '--force', dir)
    rmSync(dir, { recursive: true, force: true })
  }
  git('worktree', 'add', '--detach', dir, commit)
  try {
    addPackages(dir)
  } catch (error) {
    remove()
    throw error
  }
  return { commit, main: join(dir, 'src/main.ts'), remove }
}

function addPackages(dir: string): void {
  const lock = (folder: string) => readFileSync(join(folder, 'package-lock.json'), 'utf8')
  if (lock(dir) === lock(here)) symlinkSync(join(here, 'node_modules'), join(dir, 'node_modules'))
  else execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: dir, stdio: 'inherit' })
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}
