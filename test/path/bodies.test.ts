import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import zlib from 'node:zlib'
import Koa from 'koa'
import { errorTable, type ProxyError, toProxyError } from '../../src/errors.ts'
import type { Context, State } from '../../src/facts.ts'
import { validate } from '../../src/middleware/validate.ts'
import { withBareSockets } from '../cluster/bare.ts'
import { countInflated } from '../support/inflated.ts'
import { chunk, chunkedWhole, head, openWire, type Wire, whole } from '../support/wire.ts'

const CAP = 100_000
const opening = '{"model":"m","seed":12345678901234567890,"messages":[{"role":"user","content":"'

/** A request's body of exactly `length` bytes. */
const bodyOf = (length: number) => `${opening}${'a'.repeat(length - opening.length - 4)}"}]}`
const chunked = head('transfer-encoding: chunked')

describe('request bodies on the wire', () => {
  withBareSockets()

  let server: Server
  let wire: Wire
  /** How the first failing request ended for the stage, whether or not its client was there to be told. */
  let failure: Promise<ProxyError>

  beforeEach(async () => {
    const failed = Promise.withResolvers<ProxyError>()
    failure = failed.promise
    server = serve(failed.resolve)
    await once(server, 'listening')
    wire = await openWire((server.address() as AddressInfo).port)
  })

  afterEach(async () => {
    wire.socket.destroy()
    server.close()
    await once(server, 'close')
  })

  async function echoes(text: string) {
    assert.deepEqual(await statusAndBody(), { status: 200, body: text })
  }

  async function refuses(status: number, code: string, message = /./) {
    const answer = await statusAndBody()
    const { error } = JSON.parse(answer.body)
    assert.deepEqual([answer.status, error.code], [status, code])
    assert.match(error.message, message)
  }

  async function statusAndBody() {
    const { status, body } = await wire.answer()
    return { status, body }
  }

  it('a body is kept to the byte, with integers beyond what a double holds', async () => {
    wire.send(whole(bodyOf(200)))
    await echoes(bodyOf(200))
  })

  it('a body may come in chunks that cut characters in two', async () => {
    const body = bodyOf(200).replace('aaaa', 'é☃😀')
    wire.send(chunked)
    for (const byte of Buffer.from(body)) wire.send(chunk(Buffer.of(byte)))
    wire.send('0\r\n\r\n')
    await echoes(body)
  })

  it('a body of exactly the cap passes, one byte more does not', async () => {
    wire.send(whole(bodyOf(CAP)))
    await echoes(bodyOf(CAP))
    wire.send(whole(bodyOf(CAP + 1)))
    await refuses(413, 'request_too_large')
  })

  it('a length over the cap is refused before any of the body has come', async () => {
    wire.send(head(`content-length: ${CAP + 1}`))
    await refuses(413, 'request_too_large', /MAX_BODY_BYTES/)
  })

  it('a body in crumbs is refused long before its cap: each would be kept for itself', async () => {
    wire.send(chunked)
    wire.send(Buffer.concat(Array(10_000).fill(chunk('a'))))
    await refuses(413, 'request_too_large', /tiny chunks/)
    // What is still on its way is taken in, and forgotten.
    wire.send('0\r\n\r\n')
    wire.send(whole(bodyOf(300)))
    await echoes(bodyOf(300))
  })

  it('as many chunks that are not tiny are a body', async () => {
    wire.send(chunked)
    const body = bodyOf(99_000)
    wire.send(chunk(body.slice(0, 90_000)))
    for (const letter of body.slice(90_000)) wire.send(chunk(letter))
    wire.send('0\r\n\r\n')
    await echoes(body)
  })

  it('chunks are refused as soon as they pass the cap, though the body has no end yet', async () => {
    wire.send(chunked)
    wire.send(chunk('a'.repeat(CAP)))
    wire.send(chunk('a'))
    await refuses(413, 'request_too_large')
  })

  describe('a refused client that sends its body to the end can use the connection again', () => {
    // More than Node holds back for a reader that has stopped. Chance does not compress, so the cap is reached early.
    const plenty = 2.9 * CAP
    const compressed = zlib.gzipSync(randomBytes(plenty))

    for (const [name, refused, code] of [
      ['after a length over the cap', whole(bodyOf(1.5 * CAP)), 'request_too_large'],
      ['after chunks over the cap', chunkedWhole(Buffer.alloc(plenty, 'a')), 'request_too_large'],
      ['after a bomb', chunkedWhole(compressed, 'content-encoding: gzip'), 'request_too_large'],
      ['after another type', whole(bodyOf(9000), 'content-encoding: zstd'), 'unsupported_media_type'],
    ] as const) {
      it(name, async () => {
        wire.send(refused)
        await refuses(errorTable[code].status, code)
        wire.send(whole(bodyOf(300)))
        await echoes(bodyOf(300))
      })
    }
  })

  it('a refused client that sends without end is cut off', async () => {
    wire.send(chunked)
    const flood = () => {
      while (!wire.socket.destroyed && wire.socket.write(chunk('a'.repeat(CAP / 2))));
    }
    wire.socket.on('drain', flood)
    flood()
    await refuses(413, 'request_too_large')
    await wire.closed
  })

  const codings = {
    gzip: zlib.gzipSync,
    'X-GZip': zlib.gzipSync,
    deflate: zlib.deflateSync,
    br: zlib.brotliCompressSync,
  }
  for (const [coding, compress] of Object.entries(codings)) {
    const encoding = `content-encoding: ${coding}`

    it(`${coding}: a body is inflated, up to the cap`, async () => {
      wire.send(whole(compress(bodyOf(CAP)), encoding))
      await echoes(bodyOf(CAP))
      wire.send(whole(compress(bodyOf(CAP + 1)), encoding))
      await refuses(413, 'request_too_large')
    })

    it(`${coding}: a bomb is not inflated much beyond the cap`, async () => {
      const inflated = countInflated()
      wire.send(whole(compress(Buffer.alloc(50 * CAP)), encoding))
      await refuses(413, 'request_too_large')
      wire.send(whole(bodyOf(200)))
      await echoes(bodyOf(200))
      assert.ok(inflated() > CAP && inflated() < CAP + 100_000, `${inflated()} bytes`)
    })

    it(`${coding}: what cannot be inflated, or ends too early, is refused`, async () => {
      wire.send(whole('this is not compressed at all', encoding))
      await refuses(400, 'invalid_json', /could not be decompressed/)
      wire.send(whole(compress(bodyOf(9000)).subarray(0, -5), encoding))
      await refuses(400, 'invalid_json', /could not be decompressed/)
    })

    it(`${coding}: a client that leaves while it sends is not waited for`, async () => {
      wire.send(whole(compress(bodyOf(9000)), encoding).subarray(0, -5))
      await once(server, 'request')
      wire.socket.destroy()
      assert.equal((await failure).code, 'client_closed_request')
    })
  }

  it('a compressed length over the cap is refused before it comes', async () => {
    wire.send(head(`content-length: ${CAP + 1}`, 'content-encoding: gzip'))
    await refuses(413, 'request_too_large')
  })

  it('a client that leaves while it sends is no failure of the proxy', async () => {
    wire.send(whole(bodyOf(200)).subarray(0, -5))
    await once(server, 'request')
    wire.socket.destroy()
    const { code, blame } = await failure
    assert.deepEqual([code, blame], ['client_closed_request', 'client'])
  })

  it('a client that ends before its announced length gets a 400', async () => {
    wire.send(whole(bodyOf(200)).subarray(0, -5))
    await once(server, 'request')
    wire.socket.end()
    assert.equal((await wire.answer()).status, 400)
    assert.equal((await failure).code, 'client_closed_request')
  })

  for (const [name, bad] of [
    ['a size that is no number', 'xyz\r\n{}\r\n0\r\n\r\n'],
    ['a negative size', '-5\r\n{}\r\n0\r\n\r\n'],
    ['data longer than its size', '1\r\n{}\r\n0\r\n\r\n'],
  ] as const) {
    it(`a chunk with ${name} gets a 400`, async () => {
      wire.send(`${chunked}${bad}`)
      assert.equal((await wire.answer()).status, 400)
      assert.equal((await failure).blame, 'client')
    })
  }

  it('a body without a content type is taken for JSON', async () => {
    wire.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200\r\n\r\n${bodyOf(200)}`)
    await echoes(bodyOf(200))
  })

  it('no body at all is refused', async () => {
    wire.send(head())
    await refuses(400, 'invalid_json', /it is empty/)
    wire.send(head('content-length: 0'))
    await refuses(400, 'invalid_json', /it is empty/)
  })
})

/** The stage alone, behind what writes errors; answers with the text that it kept. */
function serve(onFailure: (error: ProxyError) => void): Server {
  const stage = validate({ maxBodyBytes: CAP })
  const app = new Koa<State>()
  // Koa would print what a client's half request does to its socket.
  app.silent = true
  app.use(async (ctx: Context, next) => {
    ctx.state = Object.assign(ctx.state, { facts: { route: '/v1/chat/completions', parameters: {} } })
    try {
      await stage(ctx, next)
      ctx.body = ctx.state.body?.text
    } catch (thrown) {
      const error = toProxyError(thrown)
      onFailure(error)
      ctx.status = error.status
      ctx.body = error.toJSON()
    }
  })
  return app.listen(0, '127.0.0.1')
}
