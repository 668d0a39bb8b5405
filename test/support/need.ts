import { spawnSync } from 'node:child_process'

export interface Needed {
  /** The command. */
  readonly command: string
  /** Debian's package that brings it. */
  readonly brings: string
  /** What sets the tests free of it when it is 1. */
  readonly without: string
}

const told = new Set<string>()

/**
 * To be called in a suite's `before` hook. Without the program the suite fails with a sentence that says what to do;
 * only when the environment says so is it skipped, and then with a line that can be seen, once a run.
 */
export function need(suite: Mocha.Context, { command, brings, without }: Needed): void {
  // Some know --version only, nginx knows -v only; that it was started is what matters.
  if (spawnSync(command, ['--version']).error === undefined) return
  if (process.env[without] !== '1') {
    throw new Error(
      `${command} is not installed, and these tests need the real one: apt-get install ${brings} (Debian). ` +
        `Set ${without}=1 to run the other tests only.`,
    )
  }
  if (!told.has(command)) console.log(`  NOT RUN: every test that needs ${command}, because it is not installed.`)
  told.add(command)
  suite.skip() // Asked for by the variable, and told above; `.ci/run` unsets it and counts whatever is left out as failed.
}
