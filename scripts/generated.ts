import { readFileSync, writeFileSync } from 'node:fs'

/** A file that is made from the code, and what it should hold. `path` is relative to the repository. */
export interface Generated {
  readonly path: string
  readonly text: string
}

/** The files whose contents are not what the code would make of them now. */
export function outdated(files: readonly Generated[]): string[] {
  return files.filter(({ path, text }) => current(path) !== text).map(({ path }) => path)
}

/** Writes the files, or with `--check` only says which are out of date and lets the process fail. */
export function writeOrCheck(files: readonly Generated[], argv: readonly string[]): void {
  if (!argv.includes('--check')) {
    for (const { path, text } of files) writeFileSync(place(path), text)
    return
  }
  for (const path of outdated(files)) {
    console.error(`${path} is out of date: npm run docs writes it anew`)
    process.exitCode = 1
  }
}

function current(path: string): string | undefined {
  try {
    return readFileSync(place(path), 'utf8')
  } catch (error) {
    // A file that was never written is out of date; one that cannot be read is a fault of its own.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function place(path: string): URL {
  return new URL(`../${path}`, import.meta.url)
}
