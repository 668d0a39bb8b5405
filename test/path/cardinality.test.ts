import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { type Ask, ask } from '../cluster/traffic.ts'
import { chunk, saying } from '../support/chunks.ts'
import type { Received, Step } from '../support/exchange.ts'
import { answer, stream } from '../support/steps.ts'
import { seriesIn } from '../telemetry/sample.ts'
import { setting } from './setting.ts'

const statuses = [204, 302, 400, 401, 404, 418, 429, 451, 500, 503, 520, 529, 599]
const methods = METHODS.filter((method) => method !== 'CONNECT')
const kinds = 7
/** Enough for each kind of request to have met every status and every method. */
const requestsInAll = kinds * 40

/** What nobody but one client or upstream says: none of it may become a label. */
const inventions = /(?:agent|key|tool|reason|answering|code|type|path|query|id|header|user)-\d/

/** A request in which everything that a client can choose is new. */
function strangeRequest(index: number): Ask {
  const turn = Math.floor(index / kinds)
  const headers = {
    'user-agent': `agent-${index}`,
    authorization: `Bearer key-${index}`,
    'x-request-id': `id-${index}`,
    [`header-${index}`]: `header-${index}`,
    baggage: `header-${index}=1`,
  }
  const tool = { type: 'function', function: { name: `tool-${index}`, parameters: {} } }
  const body = {
    model: `model-${index}`,
    messages: [{ role: 'user', content: String(index) }],
    tools: [tool],
    user: `user-${index}`,
    stream: turn % 2 === 0,
  }
  const path = `/v1/chat/completions?query-${index}=1`
  return [
    { path, headers, body },
    { path, headers, body: { ...body, metadata: { fail: 'status', turn } } },
    { path, headers, body: { ...body, metadata: { fail: 'event' } } },
    { path: `/v1/path-${index}`, headers, body },
    { path, headers, method: methods[turn % methods.length] ?? 'PUT' },
    { path: `/v1/models/model-${index}`, headers },
    { path: '/v1/embeddings', headers, body: { model: body.model, input: 'x' } },
  ][index % kinds]!
}

/** An answer in which everything that an upstream can choose is new. */
function strangeAnswer(request: Received, index: number): readonly Step[] {
  const body = request.body.toString()
  const { fail, turn } = body === '' ? {} : (JSON.parse(body).metadata ?? {})
  const error = { message: 'no', code: `code-${index}`, type: `type-${index}`, param: `path-${index}` }
  if (fail === 'status') return [answer(statuses[turn % statuses.length] ?? 500, { error })]
  if (fail === 'event') return [stream([{ error }])]
  if (!body.includes('"messages"'))
    return [answer(200, { id: `id-${index}`, object: 'x', model: `answering-${index}`, choices: [], output: [] })]
  const last = { ...chunk({}), choices: [{ index: 0, delta: {}, finish_reason: `reason-${index}` }] }
  return [
    stream([...saying('x').slice(0, -1), { ...last, model: `answering-${index}`, id: `id-${index}` }], { done: true }),
  ]
}

describe('labels', function () {
  this.timeout(60_000)
  const on = setting()

  it('do not grow in number, whatever clients and upstreams invent, and show none of it but models', async () => {
    const { proxy, upstream } = await on.pair(strangeAnswer, {
      env: { BREAKER_MIN_REQUESTS: '100000', MAX_ATTEMPTS: '1', RATE_LIMIT_REQUESTS: '100000' },
    })
    let asked = 0
    const askAll = async () => {
      for (const end = asked + requestsInAll; asked < end; asked += kinds) {
        await Promise.all(Array.from({ length: kinds }, (_, kind) => ask(proxy.port, strangeRequest(asked + kind))))
      }
    }
    // The first fill the room that there is for models, the second meet every outcome beyond it.
    await askAll()
    await askAll()
    const arrived = upstream.requests.length
    const before = seriesIn(await proxy.app.snapshot())
    await askAll()
    const snapshot = await proxy.app.snapshot()
    assert.equal(seriesIn(snapshot), before)
    // All but the unknown path and the strange methods get through: no breaker has opened and made all requests alike.
    assert.ok(upstream.requests.length - arrived >= (requestsInAll * 5) / kinds)
    const labels = snapshot.flatMap(({ values }) => values.flatMap(({ labels }) => Object.entries(labels)))
    assert.deepEqual(new Set(labels.filter(([, value]) => inventions.test(String(value)))), new Set())
    assert.ok(labels.some(([, value]) => value === 'other'))
  })
})
