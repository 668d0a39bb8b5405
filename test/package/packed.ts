import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Finished, run } from '../support/run.ts'

/** The package as it would be published, and as it is when somebody has installed it. */
export interface Packed {
  /** The paths in the tarball, without its `package/`. */
  readonly files: readonly string[]
  /** The tarball's bytes. */
  readonly size: number
  /** A folder that depends on it. */
  readonly app: string
  /** Where it was unpacked, within `app`. */
  readonly folder: string
  /** Runs its command by the link that npm makes. */
  command(...args: readonly string[]): Promise<Finished>
  remove(): Promise<void>
}

const repository = fileURLToPath(new URL('../../', import.meta.url))
const leftOut = new Set(['node_modules', '.git', 'dist', 'coverage', 'logs', '.env'])

/** This Node and the tools of the repository come first, whatever else is installed on the machine. */
const path = `PATH=${dirname(process.execPath)}:${join(repository, 'node_modules/.bin')}:${process.env.PATH}`

/** Packs a copy of the repository, so that nobody's `dist` is touched, and installs what comes out. */
export async function pack(): Promise<Packed> {
  const home = await mkdtemp(join(tmpdir(), 'openai-proxy-pack-'))
  const source = join(home, 'source')
  await copyTo(source)
  const { code, output, errors } = await run('env', [path, 'npm', 'pack', '--offline', '--pack-destination', home], {
    cwd: source,
  })
  if (code !== 0) throw new Error(`npm pack: ${errors}${output}`)
  const tarball = join(home, output.trim().split('\n').at(-1) ?? '')
  const app = join(home, 'app')
  const folder = join(app, 'node_modules/openai-proxy')
  const files = await unpack(tarball, folder)
  await install(app, folder)
  return {
    files,
    size: (await stat(tarball)).size,
    app,
    folder,
    command: (...args) => run('env', [path, join(app, 'node_modules/.bin/openai-proxy'), ...args], { cwd: app }),
    remove: () => rm(home, { recursive: true }),
  }
}

/** With what may lie around in a working copy, and must not be published. */
async function copyTo(source: string): Promise<void> {
  await mkdir(join(source, 'dist'), { recursive: true })
  for (const name of await readdir(repository)) {
    if (!leftOut.has(name)) await cp(join(repository, name), join(source, name), { recursive: true })
  }
  await symlink(join(repository, 'node_modules'), join(source, 'node_modules'))
  await writeFile(join(source, '.env'), 'UPSTREAM_API_KEY=secret\n')
  await writeFile(join(source, 'dist/left-behind.js'), '// Of a module that is no more\n')
}

async function unpack(tarball: string, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const { code, output, errors } = await run('tar', ['-xzvf', tarball, '--strip-components=1', '-C', folder], {
    cwd: folder,
  })
  if (code !== 0) throw new Error(`tar: ${errors}`)
  return output
    .trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''))
}

/** As npm would do it, with the packages that are here already instead of the registry's. */
async function install(app: string, folder: string): Promise<void> {
  const { dependencies, bin } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  // What is no dependency is not to be found from there. These two are the app's own.
  for (const name of [...Object.keys(dependencies), 'openai', '@types/node']) {
    const link = join(app, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(repository, 'node_modules', name), link)
  }
  await mkdir(join(app, 'node_modules/.bin'))
  await chmod(join(folder, bin['openai-proxy']), 0o755)
  await symlink(join(folder, bin['openai-proxy']), join(app, 'node_modules/.bin/openai-proxy'))
}
