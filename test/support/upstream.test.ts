import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Client, fetch, Pool } from 'undici'
import { said, saying, sseBody } from './chunks.ts'
import {
  answer,
  compressed,
  cut,
  flood,
  hang,
  head,
  heartbeats,
  inPieces,
  raw,
  reset,
  send,
  stream,
  streamOnly,
  upToInside,
  wait,
  withoutStreamOptions,
} from './steps.ts'
import { refusingAddress, type Script, startUpstream, type Upstream } from './upstream.ts'

const body = sseBody(saying('Grüß', ' Gott'), { done: true })

describe('the scripted upstream', () => {
  let upstream: Upstream
  let pool: Pool

  async function start(script: Script): Promise<void> {
    upstream = await startUpstream(script)
    pool = new Pool(new URL(upstream.base).origin)
  }

  const post = (json: object = {}) =>
    pool.request({ path: '/v1/chat/completions?a=b', method: 'POST', body: JSON.stringify(json) })

  afterEach(async () => {
    await pool.destroy()
    assert.equal(await upstream.close(), 0)
  })

  it('records what arrived and who ended it', async () => {
    await start([stream(saying('Grüß', ' Gott'), { done: true })])
    const response = await post({ model: 'm' })
    assert.equal(await response.body.text(), body)
    const request = await upstream.next()
    assert.equal(await request.closed, 'whole')
    assert.equal(request.method, 'POST')
    assert.equal(request.path, '/v1/chat/completions?a=b')
    assert.deepEqual(request.json, { model: 'm' })
    assert.equal(request.body.toString(), '{"model":"m"}')
    assert.equal(request.accepted, Buffer.byteLength(body))
    assert.equal(upstream.busy, 0)
  })

  it('plays its scenes in order and repeats the last', async () => {
    await start(['refuse', [answer(500, { error: {} })], [answer(200, said('hi'), { 'x-a': 'b' })]])
    await assert.rejects(post())
    assert.equal((await post()).statusCode, 500)
    const third = await post()
    assert.equal(third.headers['x-a'], 'b')
    assert.deepEqual(await third.body.json(), said('hi'))
    assert.equal((await post()).statusCode, 200)
    assert.equal(upstream.requests.length, 3)
  })

  it('refuses a connection that is already open by destroying it', async () => {
    await start([[answer(200, {})], 'refuse'])
    await (await post()).body.dump()
    await assert.rejects(post())
  })

  it('refuses new connections while it is told to', async () => {
    await start([answer(200, {})])
    upstream.refusing = true
    await assert.rejects(post())
    upstream.refusing = false
    assert.equal((await post()).statusCode, 200)
    assert.equal(upstream.connections, 2)
  })

  it('hangs before the headers until the client leaves', async () => {
    await start([hang])
    const leaving = new AbortController()
    const failed = assert.rejects(
      pool.request({ path: '/', method: 'POST', body: '{}', signal: leaving.signal }),
      (error) => error === leaving.signal.reason,
    )
    const request = await upstream.next()
    assert.equal(upstream.busy, 1)
    leaving.abort()
    await failed
    assert.equal(await request.closed, 'client')
  })

  it('pauses after the headers until the test says go', async () => {
    const gate = Promise.withResolvers<void>()
    await start([head(), wait(gate.promise), send(body)])
    const response = await post()
    assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8')
    gate.resolve()
    assert.equal(await response.body.text(), body)
  })

  for (const [name, how] of [
    ['cuts', cut],
    ['resets', reset],
  ] as const) {
    it(`${name} the connection in the middle of a character`, async () => {
      const read = Promise.withResolvers<void>()
      const part = upToInside(body, 'ü')
      await start([send(part), wait(read.promise), how])
      const response = await post()
      const got: Buffer[] = []
      await assert.rejects(async () => {
        for await (const piece of response.body) {
          got.push(piece)
          if (Buffer.concat(got).length === part.length) read.resolve()
        }
      })
      assert.deepEqual(Buffer.concat(got), part)
      assert.equal(part.at(-1), 0xc3)
      assert.equal(await upstream.requests[0]!.closed, 'script')
    })
  }

  it('loses nothing that was sent before a cut', async () => {
    await start([inPieces(body, 7), cut])
    const response = await post()
    const got: Buffer[] = []
    await assert.rejects(async () => {
      for await (const piece of response.body) got.push(piece)
    })
    assert.equal(Buffer.concat(got).toString(), body)
  })

  it('sends heartbeats, any content type and garbage', async () => {
    await start([[heartbeats(2), stream([])], [answer(200, body)], [raw('SSH-2.0-x\r\n\r\n'), cut]])
    assert.equal(await (await post()).body.text(), ': heartbeat\n\n: heartbeat\n\n')
    const wrong = await post()
    assert.equal(wrong.headers['content-type'], 'application/json')
    assert.equal(await wrong.body.text(), body)
    await assert.rejects(post(), { name: 'HTTPParserError' })
  })

  for (const encoding of ['gzip', 'br', 'zstd', 'deflate'] as const) {
    it(`compresses with ${encoding}`, async () => {
      await start([compressed(encoding, body)])
      const response = await fetch(upstream.url, { dispatcher: pool })
      assert.equal(response.headers.get('content-encoding'), encoding)
      assert.equal(await response.text(), body)
    })
  }

  it('answers as providers that only stream, or do not know stream_options', async () => {
    await start((request, count) =>
      count < 2 ? streamOnly([stream([])])(request) : withoutStreamOptions([stream([])])(request),
    )
    const refused = await post({ stream: false })
    assert.equal(refused.statusCode, 400)
    assert.match(await refused.body.text(), /This model only support stream mode/)
    assert.equal((await post({ stream: true })).statusCode, 200)
    assert.equal((await post({ stream: true, stream_options: {} })).statusCode, 400)
    assert.equal((await post({ stream: true })).statusCode, 200)
  })

  it('floods no faster than its reader reads', async () => {
    const piece = Buffer.alloc(65_536, 'x')
    await start([flood(1_000_000_000, piece)])
    const response = await post()
    let read = 0
    for await (const part of response.body) {
      read += part.length
      const ahead = upstream.requests[0]!.accepted - read
      assert.ok(ahead < 32_000_000, `${ahead} bytes ahead of the reader`)
      if (read > 50_000_000) break
    }
    assert.equal(await upstream.requests[0]!.closed, 'client')
  })

  it('knows no request whose body never came whole', async () => {
    await start([answer(200, {})])
    const socket = connect(upstream.port, '127.0.0.1')
    await once(socket, 'connect')
    // The 100 tells that the server has begun to read this request.
    socket.write('POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nab')
    await once(socket, 'data')
    socket.destroy()
    await once(socket, 'close')
    assert.equal(upstream.connections, 1)
    assert.equal(upstream.requests.length, 0)
  })
})

describe('closing a scripted upstream', () => {
  it('tells how many sockets were left open', async () => {
    const upstream = await startUpstream([hang])
    const client = new Client(new URL(upstream.base).origin)
    const failed = assert.rejects(client.request({ path: '/', method: 'POST' }))
    await upstream.next()
    assert.equal(await upstream.close(), 1)
    await failed
    await client.destroy()
  })

  it('rejects with the error of a step', async () => {
    const upstream = await startUpstream([
      () => {
        throw new Error('a faulty script')
      },
    ])
    const client = new Client(new URL(upstream.base).origin)
    await assert.rejects(client.request({ path: '/', method: 'POST' }))
    await client.destroy()
    await assert.rejects(upstream.close(), /a faulty script/)
  })
})

describe('a refusing address', () => {
  it('refuses at once', async () => {
    const client = new Client(`http://${await refusingAddress()}`)
    await assert.rejects(client.request({ path: '/', method: 'GET' }), { code: 'ECONNREFUSED' })
    await client.destroy()
  })
})
