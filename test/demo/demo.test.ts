import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { stripVTControlCharacters } from 'node:util'
import { type Recording, recordings } from '../../src/demo/recordings.ts'
import { post, question } from '../support/proxy.ts'
import { type RunningDemo, startDemo, startDemoInTerminal } from './run.ts'

const ESC = '\x1b'

interface Choice {
  index: number
  message: Record<string, unknown> & { tool_calls?: Omit<Call, 'index'>[] }
  logprobs: null
  finish_reason: string | null
}

interface Call {
  index: number
  id?: string
  type?: string
  function: { name?: string; arguments: string }
}

interface ChunkChoice {
  index: number
  delta: { role?: string; tool_calls?: Call[] } & Record<string, unknown>
  finish_reason: string | null
}

/** The answer that a recording amounts to, folded here by the plainest means, and by nothing of the proxy. */
function foldOf({ events, usage }: Recording): Record<string, unknown> {
  const choices: Choice[] = []
  for (const { data } of events) {
    for (const { index, delta, finish_reason: end } of data.choices as ChunkChoice[]) {
      choices[index] ??= { index, message: newMessage(), logprobs: null, finish_reason: null }
      append(choices[index].message, delta)
      choices[index].finish_reason = end
    }
  }
  const { id, created, model } = events[0]?.data ?? {}
  return { id, object: 'chat.completion', created, model, choices, usage: usage.data.usage }
}

function newMessage(): Choice['message'] {
  return { role: 'assistant', content: null, refusal: null }
}

function append(message: Choice['message'], { role, tool_calls: pieces, ...texts }: ChunkChoice['delta']): void {
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text === 'string') message[name] = `${message[name] ?? ''}${text}`
  }
  for (const { index, ...piece } of pieces ?? []) {
    message.tool_calls ??= []
    const call = message.tool_calls[index]
    if (call) call.function.arguments += piece.function.arguments
    else message.tool_calls[index] = { ...piece, function: { ...piece.function } }
  }
}

/** The blocks of JSON that were printed, in order. */
function printedJson(output: string): unknown[] {
  return [...output.matchAll(/^ {3}\{\n.*?^ {3}\}$/gms)].map(([text]) => JSON.parse(text))
}

describe('the demo', function () {
  this.timeout(60_000)

  describe('with --once', () => {
    const other = createServer()
    let demo: RunningDemo
    let code: number | string

    before(async () => {
      other.listen(0, '127.0.0.1')
      await once(other, 'listening')
      // What the shell of somebody who runs a proxy already may hold.
      demo = startDemo(['--once'], {
        PORT: String((other.address() as AddressInfo).port),
        UPSTREAM_API_URL: 'http://127.0.0.1:9/v1',
        PROXY_API_KEYS: 'secret',
        HTTP_PROXY: 'http://127.0.0.1:9',
      })
      code = await demo.ended
    })

    after(() => other.close())

    it('exits with 0, and complains of nothing', () => {
      assert.equal(code, 0)
      assert.equal(demo.errors, '')
    })

    it('prints the answers that its upstream’s events amount to, whatever settings the shell holds', () => {
      const [refusal, ...answers] = printedJson(demo.output)
      assert.match(JSON.stringify(refusal), /only supports stream mode/)
      assert.deepEqual(answers, [recordings.sky, recordings.weather, recordings.two].map(foldOf))
    })

    it('shows every event that was streamed, and when', () => {
      const shown = demo.output.match(/^ +\d+ ms {2}data: .+$/gm) ?? []
      const { sky, weather, two } = recordings
      // Besides the recorded ones: the usage, which the proxy has asked for, and [DONE].
      const sent = [sky, weather, two].reduce((sum, { events }) => sum + events.length + 2, 0)
      assert.equal(shown.length, sent)
      assert.equal(shown.filter((line) => line.endsWith('data: [DONE]')).length, 3)
    })

    it('takes another port where the one that it wants is taken', () => {
      const [, used] = /proxy +http:\/\/127\.0\.0\.1:(\d+)\/v1/.exec(demo.output) ?? []
      assert.notEqual(Number(used), (other.address() as AddressInfo).port)
    })

    it('writes no escape codes into what is no terminal', () => {
      assert.equal(demo.output.includes(ESC), false)
    })
  })

  it('goes on serving, and leaves nothing behind when it is interrupted', async () => {
    const demo = startDemo([])
    const [, base = ''] = await demo.says(/base URL (\S+),/)
    const response = await post(`${base}/chat/completions`, question)
    assert.deepEqual(await response.json(), foldOf(recordings.other))
    await demo.says(/POST \/v1\/chat\/completions → 200 unstream/)
    const [, metrics = ''] = await demo.says(/(http:\S+\/metrics)/)
    assert.match(await (await fetch(metrics)).text(), /^http_server_request_duration_seconds_count.* 4$/m)

    demo.child.kill('SIGINT')
    assert.equal(await demo.ended, 0)
    await assert.rejects(fetch(base))
    await assert.rejects(fetch(metrics))
    assert.equal(demo.errors, '')
  })

  it('can be interrupted in the middle of the show', async () => {
    const demo = startDemo([])
    await demo.says(/ scatters/)
    demo.child.kill('SIGINT')
    assert.equal(await demo.ended, 0)
    assert.equal(demo.errors, '')
  })

  it('takes its proxy with it when it is killed', async () => {
    const demo = startDemo([])
    const [, base = ''] = await demo.says(/proxy +(\S+)\/v1/)
    assert.equal((await fetch(`${base}/health`)).status, 200)
    demo.child.kill('SIGKILL')
    // Not before the proxy has ended, too: it writes to the same standard error.
    assert.equal(await demo.ended, 'SIGKILL')
    await assert.rejects(fetch(`${base}/health`))
  })

  it('says in one sentence what is wrong with its command line', async () => {
    const demo = startDemo(['--twice'])
    assert.equal(await demo.ended, 1)
    assert.match(demo.errors, /^Unknown option '--twice'.*\n$/)
  })
})

describe('the demo in a terminal', function () {
  this.timeout(60_000)
  let wide: RunningDemo
  let narrow: RunningDemo
  let plain: RunningDemo

  before(async () => {
    wide = startDemoInTerminal(140, ['--once'])
    narrow = startDemoInTerminal(80, ['--once'])
    plain = startDemoInTerminal(140, ['--once'], { NO_COLOR: '1' })
    assert.deepEqual(await Promise.all([wide.ended, narrow.ended, plain.ended]), [0, 0, 0])
  })

  it('puts the events and the answer side by side where there is room, in colour', () => {
    assert.match(wide.output, /The upstream streams.*│.*the client waits/)
    assert.ok(wide.output.includes(`${ESC}[32m"assistant"${ESC}[39m`))
    // Back up to the row of the title, and there to the right column.
    const [, moved = ''] = wide.output.split('the client waits')
    assert.match(moved.split('The client gets')[0] ?? '', /\[DONE\].*\[\d+A\r.*\[\d+G/s)
  })

  it('puts them below each other where there is none, within the width', () => {
    assert.equal(narrow.output.includes('│'), false)
    const lines = stripVTControlCharacters(narrow.output).split('\r\n')
    assert.ok(lines.length > 100)
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    )
  })

  it('writes no escape codes when NO_COLOR is set', () => {
    assert.match(plain.output, /The client gets 200/)
    assert.equal(plain.output.includes(ESC), false)
  })
})
