import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

export interface Import {
  /** As it is written: `./merge.ts`, `koa`, `node:fs`. */
  readonly from: string
  readonly typeOnly: boolean
  /** It is handed on: `export … from`. */
  readonly exported: boolean
}

export interface Source {
  /** Relative to the repository, with slashes: `src/fold/merge.ts`. */
  readonly path: string
  /** Without comments. */
  readonly code: string
  readonly lines: number
  readonly imports: readonly Import[]
}

const repository = new URL('../../', import.meta.url)

/** Every TypeScript file of some folders of the repository. */
export function readSources(...folders: string[]): Source[] {
  const patterns = folders.map((folder) => `${folder}/**/*.ts`)
  return globSync(patterns, { cwd: repository }).map((path) =>
    parseSource(path.replaceAll('\\', '/'), readFileSync(new URL(path, repository), 'utf8')),
  )
}

/** `import … from '…'`, `export … from '…'`, `import '…'` and `import('…')`, as this repository's formatter writes them. */
const statement = /^(import|export) (type )?(?:[\w*{][^'"`;=()]*? from )?'([^']+)'|\bimport\('([^']+)'\)/gm

export function parseSource(path: string, text: string): Source {
  const code = withoutComments(text)
  const imports = [...code.matchAll(statement)].map(([, keyword, type, from, dynamic]) => ({
    from: from ?? dynamic ?? '',
    typeOnly: type !== undefined,
    exported: keyword === 'export',
  }))
  return { path, code, lines: text.split('\n').length - 1, imports }
}

/** The file that a relative import of `source` means, relative to the repository; undefined for packages. */
export function target(source: Source, { from }: Import): string | undefined {
  return from.startsWith('.') ? posix.join(posix.dirname(source.path), from) : undefined
}

/** Good enough for this repository: a `//` in a string stands behind a colon or a quote, never behind white space. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/(^|\s)\/\/.*$/gm, '')
}
