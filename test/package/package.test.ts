import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { systemClock } from '../../src/clock.ts'
import { type DemoUpstream, startUpstream } from '../../src/demo/upstream.ts'
import { endPrograms, startProgram } from '../cluster/program.ts'
import { post, question } from '../support/proxy.ts'
import { run } from '../support/run.ts'
import { parseSource, readSources } from '../support/sources.ts'
import { type Packed, pack } from './packed.ts'

const repository = new URL('../../', import.meta.url)
const { version, dependencies } = JSON.parse(readFileSync(new URL('package.json', repository), 'utf8'))

const texts = ['README.md', 'README.zh-CN.md', 'LICENSE', 'CHANGELOG.md', '.env.example', 'package.json']
/** Enough for all that is in it now and some more; a folder that slips in by mistake is larger than that. */
const mostBytes = 600_000

describe('the package', function () {
  this.timeout(120_000)
  let packed: Packed
  let upstream: DemoUpstream

  before(async () => {
    packed = await pack()
    upstream = await startUpstream(systemClock)
  })

  after(async () => {
    await upstream.close()
    await packed.remove()
  })

  afterEach(endPrograms)

  it('has the program, its types, the documents, and nothing else', () => {
    const allowed = /^(dist\/.+\.(js|d\.ts)|dist\/page\/.+\.(html|css|svg)|docs\/[\w-]+\.md)$/
    assert.deepEqual(
      packed.files.filter((file) => !texts.includes(file) && !allowed.test(file)),
      [],
    )
    for (const file of texts) assert.ok(packed.files.includes(file), file)
    assert.ok(packed.files.includes('docs/configuration.md'), '--help names it')
    assert.equal(packed.files.includes('dist/left-behind.js'), false)
    assert.ok(packed.size < mostBytes, `${packed.size} bytes`)
  })

  it('has every module of the program, with its types', () => {
    const modules = readSources('src')
      .map(({ path }) => path)
      .filter((path) => !path.endsWith('.d.ts') && !path.startsWith('src/page/'))
      .map((path) => path.replace(/^src\/(.*)\.ts$/, 'dist/$1'))
    const missing = modules.flatMap((name) => [`${name}.js`, `${name}.d.ts`]).filter((f) => !packed.files.includes(f))
    assert.deepEqual(missing, [])
  })

  it('has every file of the live page', () => {
    const sources = globSync('src/page/*.{ts,html,css,svg}', { cwd: repository }).filter((f) => !f.endsWith('.d.ts'))
    const shipped = sources.map((file) => file.replace(/^src/, 'dist').replace(/\.ts$/, '.js'))
    assert.ok(shipped.includes('dist/page/page.html'))
    assert.deepEqual(
      shipped.filter((file) => !packed.files.includes(file)),
      [],
    )
  })

  it('depends on what it imports', async () => {
    const programs = packed.files.filter((file) => file.endsWith('.js') && !file.startsWith('dist/page/'))
    const imports = await Promise.all(
      programs.map(async (file) => parseSource(file, await readFile(join(packed.folder, file), 'utf8')).imports),
    )
    const names = new Set(imports.flat().map(({ from }) => from))
    const packages = [...names].filter((name) => !/^(\.|node:)/.test(name))
    assert.ok(packages.includes('undici'))
    const known = Object.keys(dependencies)
    const strange = packages.filter((name) => !known.some((each) => name === each || name.startsWith(`${each}/`)))
    assert.deepEqual(strange, [])
  })

  it('runs by its name, and tells its version and its options', async () => {
    const told = await packed.command('--version')
    assert.deepEqual([told.code, told.output, told.errors], [0, `${version}\n`, ''])
    const help = await packed.command('--help')
    assert.equal(help.code, 0)
    assert.match(help.output, /^Usage: openai-proxy .*--check-config/s)
    const wrong = await packed.command('--prot', '1')
    assert.equal(wrong.code, 2)
    assert.match(wrong.errors, /unknown flag --prot, did you mean --port\?/)
  })

  it('shows the demo', async () => {
    const { code, output, errors } = await packed.command('--demo', '--once', '--port', '0')
    assert.deepEqual([code, errors], [0, ''])
    assert.match(output, /only supports stream mode.*Air scatters short waves/s)
  })

  it('serves with workers, and shows the live page', async () => {
    const program = await startProgram({
      entry: pathToFileURL(join(packed.folder, 'dist/main.js')).href,
      env: { UPSTREAM_API_URL: upstream.url, WORKERS: '2' },
    })
    const response = await post(`http://127.0.0.1:${program.port}/v1/chat/completions`, question)
    assert.equal(response.status, 200)
    assert.match(await response.text(), /"content":"This is a recording/)
    assert.equal((await program.workers()).length, 2)
    const page = await program.admin('GET', '/')
    assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
    assert.match(await page.text(), /<script type="module" src="page\/main\.js">/)
    assert.equal((await program.admin('GET', '/page/main.js')).status, 200)
    program.signal('SIGTERM')
    assert.equal(await program.ended, 0)
  })

  it('can be imported by its name, with types, as the example says', async () => {
    const example = await readFile(new URL('examples/embed.ts', repository), 'utf8')
    await writeFile(join(packed.app, 'embed.ts'), example.replace("'../src/library.ts'", "'openai-proxy'"))
    const options = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: ['node'] }
    const config = { compilerOptions: options, files: ['embed.ts'] }
    await writeFile(join(packed.app, 'tsconfig.json'), JSON.stringify(config))
    await writeFile(join(packed.app, 'package.json'), '{"type":"module"}')
    const tsc = fileURLToPath(new URL('node_modules/.bin/tsc', repository))
    const checked = await run(process.execPath, [tsc], { cwd: packed.app })
    assert.equal(checked.code, 0, checked.output)
    const { code, output, errors } = await run('env', [`UPSTREAM=${upstream.url}`, process.execPath, 'embed.ts'], {
      cwd: packed.app,
    })
    assert.deepEqual([code, errors], [0, ''])
    assert.match(output, /^Air scatters/m)
  })
})
