import assert from 'node:assert/strict'
import { said, saying, sseBody } from '../support/chunks.ts'
import { post, question } from '../support/proxy.ts'
import { answer, compressed, send } from '../support/steps.ts'
import { assertError, setting } from './setting.ts'

const good = [send(sseBody(saying('good'), { done: true }))]
const list = { object: 'list', data: [{ id: 'vendor/model-1', object: 'model' }] }

describe('the routes', () => {
  const on = setting()

  for (const path of ['/v1/chat/completions', '/chat/completions', '/v1/chat/completions/', '/chat/completions/']) {
    it(`${path} is the chat`, async () => {
      const { proxy, upstream } = await on.pair(good)
      const response = await post(`http://127.0.0.1:${proxy.port}${path}`, question)
      assert.deepEqual(await response.json(), said('good'))
      assert.equal((await upstream.next()).path, '/v1/chat/completions')
      const line = await proxy.line(({ msg }) => msg === 'request')
      assert.deepEqual([line.route, line.mode], ['/v1/chat/completions', 'unstream'])
    })
  }

  it('keep the query of the client and that of the upstream’s address', async () => {
    const upstream = await on.upstream(good)
    const azure = `http://127.0.0.1:${upstream.port}/openai/deployments/d/chat/completions?api-version=2024-10-21`
    const proxy = await on.proxy([azure])
    await post(`${proxy.chat}?trace=%2F1&api-version=mine`, question)
    const { path } = await upstream.next()
    assert.equal(path, '/openai/deployments/d/chat/completions?api-version=2024-10-21&trace=%2F1')
  })

  for (const url of ['', '/v1', '/v1/', '/v1/completions', '/api/v1/chat/completions']) {
    it(`are derived from an upstream’s ${url || 'bare origin'}`, async () => {
      const upstream = await on.upstream([answer(200, { ...list, choices: [], output: [] })])
      const proxy = await on.proxy([`http://127.0.0.1:${upstream.port}${url}`])
      const base = url.startsWith('/api') ? '/api/v1' : '/v1'
      await fetch(`${proxy.base}/models`)
      await post(`${proxy.base}/embeddings`, { model: 'm', input: 'x' })
      await post(`${proxy.base}/responses`, { model: 'm', input: 'x' })
      await post(`${proxy.base}/completions`, { model: 'm', prompt: 'x' })
      const paths = upstream.requests.map(({ path }) => path)
      assert.deepEqual(
        paths,
        ['/models', '/embeddings', '/responses', '/completions'].map((end) => base + end),
      )
    })
  }

  it('pass on the list of models as it came', async () => {
    const text = ' {"object":"list", "data":[], "n": 1.0}'
    const { proxy, upstream } = await on.pair([
      answer(200, text, { 'content-type': 'application/json; charset=utf-8' }),
    ])
    for (const path of ['/v1/models', '/models', '/v1/models/']) {
      const response = await fetch(`http://127.0.0.1:${proxy.port}${path}`)
      assert.equal(await response.text(), text)
      assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
      const { method, path: asked, body } = await upstream.next()
      assert.deepEqual([method, asked, body.length], ['GET', '/v1/models', 0])
    }
  })

  for (const path of ['vendor/model-1', 'vendor%2Fmodel-1']) {
    it(`find one model as ${path}`, async () => {
      const { proxy, upstream } = await on.pair([answer(200, list.data[0] as object)])
      const response = await fetch(`${proxy.base}/models/${path}`)
      assert.deepEqual(await response.json(), list.data[0])
      assert.equal((await upstream.next()).path, '/v1/models/vendor%2Fmodel-1')
      const line = await proxy.line(({ msg }) => msg === 'request')
      assert.equal(line.route, '/v1/models/:id')
    })
  }

  it('pass on what the upstream says to a model that it does not have', async () => {
    const error = { message: 'No such model', type: 'invalid_request_error', param: 'model', code: 'model_not_found' }
    const { proxy } = await on.pair([answer(404, { error })])
    const response = await fetch(`${proxy.base}/models/none`)
    assert.equal(response.status, 404)
    assert.deepEqual(await response.json(), { error })
  })

  it('take an error that says 200 for an error, and ask another upstream where that may help', async () => {
    const failed = await on.upstream([answer(200, { error: { message: 'No provider has answered.', code: 502 } })])
    const whole = await on.upstream([answer(200, { object: 'list', data: [] })])
    const proxy = await on.proxy([failed, whole], { env: { LOAD_BALANCING: 'round-robin' } })
    for (const asked of [post(`${proxy.base}/embeddings`, { model: 'm', input: 'x' }), fetch(`${proxy.base}/models`)]) {
      assert.deepEqual(await (await asked).json(), { object: 'list', data: [] })
    }
    whole.play([answer(200, { error: { message: 'No such model.', code: 404 } })])
    failed.play([answer(200, { error: { message: 'No such model.', code: 404 } })])
    const refused = await post(`${proxy.base}/embeddings`, { model: 'm', input: 'x' })
    assert.equal(refused.status, 404)
    assert.match(await refused.text(), /No such model/)
  })

  it('pass on embeddings as they came, and count their tokens', async () => {
    const text =
      '{"object":"list","data":[{"index":0,"embedding":[1.0,-0.50]}],"usage":{"prompt_tokens":8,"total_tokens":8}}'
    const { proxy } = await on.pair([
      [answer(200, text)],
      [compressed('gzip', text, { 'content-type': 'application/json' })],
    ])
    for (let count = 0; count < 2; count++) {
      const response = await post(`${proxy.base}/embeddings`, { model: 'm', input: 'x' })
      assert.equal(await response.text(), text)
      assert.equal(response.headers.get('x-proxy-attempts'), '1')
    }
    const line = await proxy.line(({ msg }) => msg === 'request')
    assert.deepEqual([line.mode, line.input_tokens], ['plain', 8])
  })

  it('take no page for an answer, even one that says 200: nothing of it reaches the client', async () => {
    const page = answer(200, '<html>http://inside.corp.example</html>', { 'content-type': 'text/html' })
    const bad = await on.upstream([page])
    const proxy = await on.proxy([bad])
    for (const asked of [fetch(`${proxy.base}/models`), post(`${proxy.base}/embeddings`, { model: 'm', input: 'x' })]) {
      await assertError(await asked, 502, 'upstream_invalid')
    }
  })

  it('call JSON what is JSON, whatever the upstream calls it', async () => {
    const { proxy } = await on.pair([answer(200, list, { 'content-type': 'text/html' })])
    const response = await fetch(`${proxy.base}/models`)
    assert.equal(response.headers.get('content-type'), 'application/json')
    assert.deepEqual(await response.json(), list)
  })

  it('take JSON behind a byte order mark', async () => {
    const { proxy } = await on.pair([answer(200, `\ufeff${JSON.stringify(list)}`)])
    assert.deepEqual(await (await fetch(`${proxy.base}/models`)).json(), list)
  })

  for (const id of ['..%2Ffiles', '%2e%2e%2ffiles', 'a%2F..', 'a%5C..%5Cb', '.%2Fx']) {
    it(`send no ${id} upstream as the name of a model`, async () => {
      const { proxy, upstream } = await on.pair([answer(200, list)])
      await assertError(await fetch(`${proxy.base}/models/${id}`), 404, 'not_found')
      assert.equal(upstream.requests.length, 0)
    })
  }

  it('move plain requests to another upstream as well', async () => {
    const bad = await on.upstream([answer(503, 'down')])
    const other = await on.upstream([answer(200, list)])
    const proxy = await on.proxy([bad, other], { env: { LOAD_BALANCING: 'round-robin' } })
    assert.deepEqual(await (await fetch(`${proxy.base}/models`)).json(), list)
    assert.equal(bad.requests.length, 1)
  })

  it('are no others', async () => {
    const { proxy, upstream } = await on.pair(good)
    for (const path of [
      '/',
      '/v1',
      '/v1/files',
      '/v1/chat',
      '/v2/chat/completions',
      '/V1/chat/completions',
      '/v1//models',
    ]) {
      const response = await post(`http://127.0.0.1:${proxy.port}${path}`, question)
      assert.equal(response.headers.get('x-request-id')?.length, 36)
      await assertError(response, 404, 'not_found')
    }
    assert.equal(upstream.requests.length, 0)
  })

  for (const [method, path, allow] of [
    ['GET', '/v1/chat/completions', 'POST'],
    ['DELETE', '/v1/responses', 'POST'],
    ['OPTIONS', '/v1/embeddings', 'POST'],
    ['PUT', '/v1/completions', 'POST'],
    ['POST', '/v1/models', 'HEAD, GET'],
    ['POST', '/v1/models/a/b', 'HEAD, GET'],
    ['POST', '/health', 'HEAD, GET'],
  ] as const) {
    it(`${path} does not answer to ${method}`, async () => {
      const { proxy } = await on.pair(good)
      const response = await fetch(`http://127.0.0.1:${proxy.port}${path}`, { method })
      assert.equal(response.headers.get('allow'), allow)
      await assertError(response, 405, 'method_not_allowed')
    })
  }

  it('answer HEAD as GET, without the body', async () => {
    const { proxy } = await on.pair([answer(200, list)])
    for (const path of ['/v1/models', '/health', '/health/ready']) {
      const response = await fetch(`http://127.0.0.1:${proxy.port}${path}`, { method: 'HEAD' })
      assert.equal(response.status, 200)
      assert.ok(Number(response.headers.get('content-length')) > 0)
      assert.equal(await response.text(), '')
    }
  })
})

describe('the health of a process', () => {
  const on = setting()

  it('is exactly its status and its pid, and needs no key', async () => {
    const { proxy, upstream } = await on.pair(good, { env: { PROXY_API_KEYS: 'secret-key-0123456789' } })
    const at = (path: string) => fetch(`http://127.0.0.1:${proxy.port}${path}`)
    const response = await at('/health')
    assert.equal(await response.text(), `{"status":"ok","pid":${process.pid}}`)
    assert.equal(response.headers.get('content-type'), 'application/json')
    assert.deepEqual([(await at('/health/live')).status, (await at('/health/ready')).status], [200, 200])
    assert.equal(upstream.requests.length, 0)
  })

  it('is not ready while it drains, and alive all the same', async () => {
    const { proxy } = await on.pair(good)
    const at = async (path: string) => (await fetch(`http://127.0.0.1:${proxy.port}${path}`)).status
    proxy.app.drain()
    assert.deepEqual(await Promise.all(['/health', '/health/live', '/health/ready'].map(at)), [200, 200, 503])
    const refused = await post(proxy.chat, question)
    assert.equal(refused.headers.get('retry-after'), '1')
    await assertError(refused, 503, 'draining')
  })
})
