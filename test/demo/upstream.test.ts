import assert from 'node:assert/strict'
import { recordings } from '../../src/demo/recordings.ts'
import { type DemoUpstream, startUpstream } from '../../src/demo/upstream.ts'
import { MovedClock } from '../support/clock.ts'
import { post } from '../support/proxy.ts'

const user = [{ role: 'user', content: 'Why is the sky blue?' }]
const weatherTool = { type: 'function', function: { name: 'get_weather' } }

describe('the demo’s upstream', () => {
  let upstream: DemoUpstream
  let clock: MovedClock

  beforeEach(async () => {
    clock = new MovedClock()
    upstream = await startUpstream(clock)
  })

  afterEach(() => upstream.close())

  /** The data of all events, without waiting for the pauses between them. */
  async function stream(body: object): Promise<string[]> {
    const response = await post(upstream.url, { stream: true, messages: user, ...body })
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    let text = ''
    let ended = false
    const reading = response.text().then((all) => {
      text = all
      ended = true
    })
    while (!ended) {
      clock.move(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await reading
    return text
      .trimEnd()
      .split('\n\n')
      .map((event) => event.slice('data: '.length))
  }

  const idOf = (events: readonly string[]): unknown => JSON.parse(events[0] ?? '{}').id
  const idIn = ({ events }: { events: readonly { data: Readonly<Record<string, unknown>> }[] }) => events[0]?.data.id

  it('refuses a request that is not for a stream, as the providers do that it stands for', async () => {
    for (const stream of [false, undefined, null]) {
      const response = await post(upstream.url, { stream, messages: user })
      assert.equal(response.status, 400)
      const { error } = (await response.json()) as { error: Record<string, unknown> }
      assert.match(String(error.message), /only supports stream mode/)
      assert.equal(error.param, 'stream')
    }
  })

  it('refuses what is no JSON object, more choices than it has recorded, and other paths', async () => {
    assert.equal((await post(upstream.url, '[1')).status, 400)
    assert.equal((await post(upstream.url, '[]')).status, 400)
    assert.equal((await post(upstream.url, { stream: true, n: 3 })).status, 400)
    assert.equal((await post(upstream.url.replace('chat/', ''), { stream: true })).status, 404)
  })

  it('chooses the recording by what is asked', async () => {
    assert.equal(idOf(await stream({})), idIn(recordings.sky))
    assert.equal(idOf(await stream({ messages: [{ role: 'user', content: 'Hello?' }] })), idIn(recordings.other))
    assert.equal(idOf(await stream({ n: 2 })), idIn(recordings.two))
    assert.equal(idOf(await stream({ tools: [weatherTool] })), idIn(recordings.weather))
  })

  it('speaks instead of calling the tool again once it has the tool’s result', async () => {
    const messages = [...user, { role: 'tool', tool_call_id: 'call_paris', content: '18 degrees' }]
    assert.equal(idOf(await stream({ tools: [weatherTool], messages })), idIn(recordings.advice))
  })

  it('tells the token counts only to those who ask', async () => {
    const without = await stream({})
    const counted = await stream({ stream_options: { include_usage: true } })
    assert.deepEqual(counted.toSpliced(-2, 1), without)
    assert.deepEqual(JSON.parse(counted.at(-2) ?? ''), recordings.sky.usage.data)
    assert.equal(counted.at(-1), '[DONE]')
  })

  it('shows each event to those who watch, until they stop', async () => {
    const seen: string[] = []
    const stop = upstream.watch((data) => seen.push(data))
    const sent = await stream({})
    assert.deepEqual(seen, sent)
    stop()
    await stream({})
    assert.deepEqual(seen, sent)
  })

  it('stops when its client leaves', async () => {
    const leaving = new AbortController()
    const seen: string[] = []
    upstream.watch((data) => seen.push(data))
    await post(upstream.url, { stream: true, messages: user }, { signal: leaving.signal })
    assert.equal(clock.pending, 1)
    leaving.abort()
    while (clock.pending > 0) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(seen, [])
  })
})
