import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/clock.ts'
import { loadSettings } from '../../src/config/load.ts'
import { type DemoUpstream, startUpstream } from '../../src/demo/upstream.ts'
import { type RunningProxy, startProxy } from '../support/proxy.ts'
import { run } from '../support/run.ts'

const repository = new URL('../../', import.meta.url)
const cwd = fileURLToPath(repository)
const examples = globSync('examples/*', { cwd })
const configs = examples.filter((path) => path.endsWith('.yaml'))

describe('the examples', () => {
  let upstream: DemoUpstream
  let proxy: RunningProxy

  before(async () => {
    upstream = await startUpstream(systemClock)
    proxy = await startProxy({ upstreams: [upstream.url] })
  })

  after(async () => {
    await proxy.close()
    await upstream.close()
  })

  it('are each run or read by this test', () => {
    assert.deepEqual(examples.toSorted(), [...configs, 'examples/tools.ts'].toSorted())
  })

  it('with tools run every call of the model, and end with its answer', async () => {
    const { code, output, errors } = await run(
      'env',
      [`BASE_URL=${proxy.base}`, process.execPath, 'examples/tools.ts'],
      {
        cwd,
      },
    )
    assert.equal(code, 0, errors)
    assert.equal(
      output,
      'get_weather({"city": "Paris"}) → {"city":"Paris","celsius":18,"sky":"clear"}\n' +
        'get_weather({"city": "Oslo"}) → {"city":"Oslo","celsius":9,"sky":"rain"}\n' +
        'Take a light jacket to Paris, and an umbrella to Oslo.\n',
    )
  })

  for (const path of configs) {
    it(`of configuration are in order: ${path}`, () => {
      const loaded = loadSettings({
        env: { CONFIG_FILE: path },
        argv: [],
        readFile: (file) => readFileSync(new URL(file, repository), 'utf8'),
        machine: { cores: 2, terminal: false },
      })
      assert.deepEqual('faults' in loaded ? loaded.faults : [], [])
    })
  }
})
