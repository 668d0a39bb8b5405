import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import type { ProxyError } from '../../src/errors.ts'
import { BodyReader, type BodySink } from '../../src/exchange/reader.ts'
import type { Flow } from '../../src/upstream/consumer.ts'
import { chunk, saying, sseBody, sseEvent } from '../support/chunks.ts'
import { everyCut } from '../support/split.ts'

const caps = { maxEventBytes: 1_000_000, maxAnswerBytes: 1000 }
const body = Buffer.from(sseBody(saying('Grüß', ' Gott')))

/** Takes what a reader gives, and plays the try that feeds it. */
class Desk implements BodySink, Flow {
  readonly said: string[] = []
  bytes = 0
  paused = false
  readonly over = Promise.withResolvers<ProxyError | undefined>()
  readonly reader = new BodyReader(this, caps)

  start(encoding?: string): this {
    this.work(() =>
      this.reader.begin({ status: 200, headers: encoding === undefined ? {} : { 'content-encoding': encoding } }, this),
    )
    return this
  }
  onBytes(piece: Buffer): void {
    this.bytes += piece.length
  }
  onEvent(data: string): void {
    this.said.push(data)
  }
  onBatch(): void {}
  onStreamEnd(isCut: boolean): void {
    this.said.push(isCut ? 'cut' : 'end')
    this.over.resolve(undefined)
  }
  onJson(json: Buffer): void {
    this.said.push(`json ${json}`)
    this.over.resolve(undefined)
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  done(): void {}
  nearlyDone(): void {}
  fail(error: ProxyError): void {
    this.over.resolve(error)
  }
  work(part: () => void): void {
    try {
      part()
    } catch (error) {
      this.fail(error as ProxyError)
    }
  }
}

async function codeOf(desk: Desk): Promise<string | undefined> {
  return (await desk.over.promise)?.code
}

describe('the reader of a body', () => {
  it('reads the same events however the bytes are cut', () => {
    const [whole, ...others] = [...everyCut(body)].map((pieces) => {
      const desk = new Desk().start()
      for (const piece of pieces) desk.reader.push(piece)
      desk.reader.end(false)
      assert.equal(desk.bytes, body.length)
      assert.equal(desk.reader.events, 4)
      return desk.said
    })
    for (const said of others) assert.deepEqual(said, whole)
  })

  it('reads a last event without its blank line', () => {
    const desk = new Desk().start()
    desk.reader.push(Buffer.from('data: {"a":1}'))
    desk.reader.end(false)
    assert.deepEqual(desk.said, ['{"a":1}', 'end'])
  })

  it('waits through white space for what the body is', async () => {
    const desk = new Desk().start()
    for (const piece of [' ', '\r\n', '\t', '{"a"', ':1}']) desk.reader.push(Buffer.from(piece))
    desk.reader.end(false)
    assert.deepEqual(
      desk.said,
      [' \r\n\t{"a":1}'].map((json) => `json ${json}`),
    )
    assert.equal(desk.reader.events, 2)
  })

  for (const heartbeat of ['  ', ' \t \r\n', '\n\n ', '\ufeff  ']) {
    it(`reads the event that stands behind ${JSON.stringify(heartbeat)}, wherever the bytes are cut`, () => {
      const bytes = Buffer.from(`${heartbeat}data: {"a":1}\n\n data: {"b":2}\n\ndata: [DONE]\n\n`)
      for (const pieces of everyCut(bytes)) {
        const desk = new Desk().start()
        for (const piece of pieces) desk.reader.push(piece)
        desk.reader.end(false)
        assert.deepEqual(desk.said, ['{"a":1}', '[DONE]', 'end'])
        assert.equal(desk.bytes, bytes.length)
      }
    })
  }

  it('does not wait for ever', async () => {
    const desk = new Desk().start()
    desk.work(() => desk.reader.push(Buffer.alloc(5000, ' ')))
    assert.equal(await codeOf(desk), 'upstream_invalid')
  })

  it('keeps no more of JSON than an answer may have', async () => {
    const desk = new Desk().start()
    desk.reader.push(Buffer.from(`["${'x'.repeat(900)}`))
    desk.work(() => desk.reader.push(Buffer.from('x'.repeat(100))))
    assert.equal(await codeOf(desk), 'upstream_too_large')
  })

  it('gives out little more of a compressed body once whoever reads is slow', async () => {
    const inflated = sseEvent(chunk({ content: 'x'.repeat(60_000) })).repeat(500)
    const desk = new Desk().start('gzip')
    desk.reader.push(gzipSync(inflated))
    while (desk.bytes === 0) await new Promise((resolve) => setImmediate(resolve))
    desk.reader.pause()
    const { bytes } = desk
    // Whatever the decompressor does meanwhile takes far fewer turns.
    for (let turn = 0; turn < 5000; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(desk.bytes - bytes < 1_000_000, `${desk.bytes - bytes} bytes after the pause`)
    assert.equal(desk.paused, true)
    desk.reader.resume()
    desk.reader.end(false)
    assert.equal(await codeOf(desk), undefined)
    assert.equal(desk.bytes, inflated.length)
  })

  it('lets the upstream go on only when both the decompressor and whoever reads have room', async () => {
    const desk = new Desk().start('gzip')
    // Stored, not compressed: more than a decompressor lets wait.
    desk.reader.push(gzipSync(Buffer.from(`: ${'x'.repeat(500_000)}\n\n`), { level: 0 }))
    assert.equal(desk.paused, true)
    desk.reader.pause()
    desk.reader.resume()
    assert.equal(desk.paused, true, 'the decompressor is still full')
    while (desk.paused) await new Promise((resolve) => setImmediate(resolve))
    desk.reader.end(false)
    assert.equal(await codeOf(desk), undefined)
  })

  it('holds JSON to the cap on an answer, in one piece as in several', async () => {
    const json = Buffer.from(`{"a":"${'x'.repeat(1000)}"}`)
    for (const pieces of [[json], [json.subarray(0, 500), json.subarray(500)]]) {
      const desk = new Desk().start()
      for (const piece of pieces) desk.work(() => desk.reader.push(piece))
      assert.equal(await codeOf(desk), 'upstream_too_large')
    }
  })

  it('calls a compressed stream without its end mark cut, and JSON truncated', async () => {
    const stream = new Desk().start('gzip')
    stream.reader.push(gzipSync(body).subarray(0, -8))
    stream.reader.end(false)
    assert.equal(await codeOf(stream), undefined)
    assert.equal(stream.said.at(-1), 'cut')
    const json = new Desk().start('gzip')
    json.reader.push(gzipSync('{"a":1}').subarray(0, -8))
    json.reader.end(false)
    assert.equal(await codeOf(json), 'upstream_truncated')
  })
})
