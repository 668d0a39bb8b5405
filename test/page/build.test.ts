import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(join(repository, path), 'utf8')

describe("the page's modules", function () {
  this.timeout(60_000)
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openai-proxy-built-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('pass the type check of a browser, and are whole when they have been built', () => {
    const args = ['node_modules/typescript/bin/tsc', '-p', 'src/page', '--noEmit', 'false', '--outDir', folder]
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: repository, encoding: 'utf8' })
    assert.equal(status, 0, stdout)
    const built = globSync('*.js', { cwd: folder })
    const wanted = built.flatMap((name) =>
      Array.from(readFileSync(join(folder, name), 'utf8').matchAll(/from '\.\/([^']+)'/g), ([, from]) => from ?? ''),
    )
    assert.ok(built.includes('main.js'))
    // uPlot's own module is served from its package.
    const missing = wanted.filter((name) => name !== 'uplot.js' && !built.includes(name))
    assert.deepEqual(missing, [])
  })

  it('are built with every file beside them that the page asks for', () => {
    const { build } = JSON.parse(read('package.json')).scripts
    const endings = readdirSync(join(repository, 'src/page')).map((file) => extname(file))
    for (const ending of new Set(endings).difference(new Set(['.ts', '.json']))) {
      assert.ok(build.includes(`src/page/*${ending} `), `npm run build does not copy src/page/*${ending}`)
    }
  })
})
