import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/clock.ts'
import { loadSettings } from '../../src/config/load.ts'
import { type DemoUpstream, startUpstream } from '../../src/demo/upstream.ts'
import { type RunningProxy, startProxy } from '../support/proxy.ts'
import { type Finished, run } from '../support/run.ts'

const repository = new URL('../../', import.meta.url)
const cwd = fileURLToPath(repository)
const examples = globSync('examples/*', { cwd })
const configs = examples.filter((path) => path.endsWith('.yaml'))

function example(name: string, env: Readonly<Record<string, string>>): Promise<Finished> {
  const given = Object.entries(env).map(([variable, value]) => `${variable}=${value}`)
  return run('env', [...given, process.execPath, `examples/${name}`], { cwd })
}

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
    const programs = ['curl.sh', 'embed.ts', 'sdk.ts', 'structured.ts', 'tools.ts'].map((name) => `examples/${name}`)
    assert.deepEqual(examples.toSorted(), [...configs, ...programs].toSorted())
  })

  it('say on top what they show and how to run them', () => {
    for (const path of examples) {
      const top = readFileSync(new URL(path, repository), 'utf8').slice(0, 500)
      assert.match(top, /^(\/\*\*\n \* |#!.*\n# |# )[A-Z]/, path)
      assert.ok(top.includes(path), `${path} does not say how to run it`)
    }
  })

  it('for OpenAI’s SDK get an answer at once, as a stream, and as an error', async () => {
    const { code, output, errors } = await example('sdk.ts', { BASE_URL: proxy.base })
    assert.equal(code, 0, errors)
    const sky = 'Air scatters short waves most, so blue light comes to you from all over the sky.'
    assert.equal(output, `${sky}\n13 tokens in, 16 out\n${sky}\n400 This model gives at most 2 choices.\n`)
  })

  it('for structured answers get JSON that is whole', async () => {
    const { code, output, errors } = await example('structured.ts', { BASE_URL: proxy.base })
    assert.equal(code, 0, errors)
    assert.equal(output, 'Oslo, 9 °C: bring umbrella and jacket.\n')
  })

  it('with the proxy in a program of its own serve its pages too, and end by themselves', async () => {
    const { code, output, errors } = await example('embed.ts', { UPSTREAM: upstream.url })
    assert.equal(code, 0, errors)
    assert.deepEqual(output.split('\n').toSorted(), [
      '',
      'A page of this program',
      'Air scatters short waves most, so blue light comes to you from all over the sky.',
      "[ 'main is closed' ]",
      'info request /v1/chat/completions 200 main',
    ])
  })

  it('for curl show JSON, events, models, headers and an error', async () => {
    const { code, output, errors } = await run('env', [`BASE_URL=${proxy.base}`, 'bash', 'examples/curl.sh'], { cwd })
    assert.equal(code, 0, errors)
    const [, json = '', events = '', models = '', headers = '', error = ''] = output.split(/^# .*\n/m)
    assert.match(JSON.parse(json).choices[0].message.content, /^Air scatters/)
    assert.match(events, /^data: \{.*\n\n(.*\n)*data: \[DONE\]\n/)
    assert.equal(JSON.parse(models).data[0].id, 'demo-stream-only')
    const names = headers.match(/^[a-z-]+(?=:)/gm)?.toSorted()
    assert.deepEqual(names, ['server-timing', 'x-proxy-attempts', 'x-proxy-upstream', 'x-request-id'])
    assert.equal(JSON.parse(error).error.param, 'messages')
  })

  it('with tools run every call of the model, and end with its answer', async () => {
    const { code, output, errors } = await example('tools.ts', { BASE_URL: proxy.base })
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
