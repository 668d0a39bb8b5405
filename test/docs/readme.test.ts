import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/clock.ts'
import { loadSettings } from '../../src/config/load.ts'
import { type DemoProxy, startProxy } from '../../src/demo/proxy.ts'
import { type DemoUpstream, startUpstream } from '../../src/demo/upstream.ts'
import { run } from '../support/run.ts'
import { type Block, blocksIn } from './blocks.ts'

const repository = new URL('../../', import.meta.url)
const cwd = fileURLToPath(repository)
const english = readFileSync(new URL('README.md', repository), 'utf8')
const chinese = readFileSync(new URL('README.zh-CN.md', repository), 'utf8')
const blocks = blocksIn(english)
const { scripts } = JSON.parse(readFileSync(new URL('package.json', repository), 'utf8'))

const marked = (language: string, mark: string) =>
  blocks.filter((block) => block.language === language && block.mark === mark)

describe('README.md and README.zh-CN.md', () => {
  it('have the same blocks in the same order, so that this test covers both', () => {
    const plain = (block: Block) => ({ ...block, line: 0 })
    assert.deepEqual(blocksIn(chinese).map(plain), blocks.map(plain))
  })

  it('have the same headings, tables and pictures', () => {
    const shape = (page: string) => page.match(/^(#+|\|---.*|!\[)/gm)
    assert.deepEqual(shape(chinese), shape(english))
    const rows = (page: string) => page.match(/^\|/gm)?.length
    assert.equal(rows(chinese), rows(english))
  })

  it('have no block that nothing here looks at', () => {
    const known = ['sh ', 'sh demo', 'sh settings', 'sh syntax', 'js demo', 'js ', 'python ', 'yaml config', 'ini ']
    for (const { language, mark, line } of blocks) assert.ok(known.includes(`${language} ${mark}`), `line ${line}`)
  })
})

describe('the commands of the README', function () {
  this.timeout(60_000)
  let upstream: DemoUpstream
  let proxy: DemoProxy

  before(async () => {
    upstream = await startUpstream(systemClock)
    proxy = await startProxy(upstream.url, { PORT: '0', ADMIN_PORT: '0' }, () => {})
  })

  after(async () => {
    await proxy.stop()
    await upstream.close()
  })

  /** The block with the addresses that the demo has in this run. */
  const here = ({ code }: Block) =>
    code
      .replaceAll('http://127.0.0.1:3000/v1', proxy.base)
      .replaceAll('http://127.0.0.1:3000', new URL(proxy.base).origin)
      .replaceAll('http://127.0.0.1:9464', proxy.admin)

  for (const block of marked('js', 'demo')) {
    it(`on line ${block.line} print what the comment below them says`, async () => {
      const promised = block.code.trimEnd().split('\n').at(-1)?.replace('// ', '')
      const { code, output, errors } = await run(process.execPath, ['--input-type=module', '-e', here(block)], { cwd })
      assert.equal(code, 0, errors)
      assert.equal(output.trim(), promised)
    })
  }

  it('for curl get an answer', async () => {
    const [ask] = marked('sh', 'demo')
    const { code, output, errors } = await run('bash', ['-euc', here(ask!)], { cwd })
    assert.equal(code, 0, errors)
    assert.match(JSON.parse(output).choices[0].message.content, /^Air scatters/)
  })

  it('for metrics, status and readiness get them', async () => {
    const [, look] = marked('sh', 'demo')
    const { code, output, errors } = await run('bash', ['-euo', 'pipefail', '-c', here(look!)], { cwd })
    assert.equal(code, 0, errors)
    assert.match(output, /^http_server_request_duration_seconds_count\{.*\} \d+$/m)
    assert.match(output, /"workers":\[/)
    assert.match(output, /\{"status":"ready"\}$/)
  })
})

describe('the settings in the README', () => {
  for (const { code, line } of marked('sh', 'settings')) {
    it(`on line ${line} are in order`, () => {
      // The same as `npm start -- --check-config`, without the time that npm takes.
      const npm = `npm() { test "$*" = start && '${process.execPath}' src/main.ts --check-config; }`
      const { stdout, stderr } = shell('bash', ['-euc', `${npm}\n${code}`])
      assert.equal(`${stdout}${stderr}`, 'The settings are in order.\n')
    })
  }

  it('in a file are in order', () => {
    for (const { code } of marked('yaml', 'config')) {
      const env = { CONFIG_FILE: 'proxy.yaml' }
      const loaded = loadSettings({ env, argv: [], readFile: () => code, machine: { cores: 2, terminal: false } })
      assert.deepEqual('faults' in loaded ? loaded.faults : [], [])
      assert.equal('settings' in loaded && loaded.settings.upstreams.length, 3)
    }
  })
})

describe('what the README shows and cannot run here', () => {
  it('is at least shell, with npm scripts and files that exist', () => {
    for (const { code, line } of blocks.filter(({ language }) => language === 'sh')) {
      assert.equal(shell('bash', ['-n', '-c', code]).status, 0, `line ${line}`)
      const named = [...code.matchAll(/npm (?:run )?(\w+)/g)].map(([, name]) => name ?? '')
      for (const name of named) assert.ok(['ci', 'cit', 'prune'].includes(name) || name in scripts, name)
      const files = code.match(/(?<=\s)\.[a-z.]+(?=\s)/g) ?? []
      for (const file of files) assert.ok(file === '.env' || existsSync(new URL(file, repository)), file)
    }
  })

  it('is at least JavaScript', () => {
    for (const { code, line } of blocks.filter(({ language }) => language === 'js')) {
      const { status, stderr } = shell(process.execPath, ['--input-type=module', '--check'], code)
      assert.equal(status, 0, `line ${line}: ${stderr}`)
    }
  })

  it('is at least Python', () => {
    if (shell('python3', ['--version']).status !== 0) {
      console.log('      NOT RUN: the Python of the README, because python3 is not installed.')
      return
    }
    const program = 'import ast, sys; ast.parse(sys.stdin.read())'
    for (const { code, line } of marked('python', '')) {
      const { status, stderr } = shell('python3', ['-c', program], code)
      assert.equal(status, 0, `line ${line}: ${stderr}`)
    }
  })
})

function shell(command: string, args: readonly string[], input = ''): SpawnSyncReturns<string> {
  return spawnSync(command, args, { cwd, input, encoding: 'utf8' })
}
