import assert from 'node:assert/strict'
import { answerOf, bodyOf, eventsOf, pacedBodyOf, pacedBytes } from '../../bench/body.ts'
import { requests } from '../../bench/micro/requests.ts'
import { sizes } from '../../bench/nginx.ts'
import { finishChat } from '../../src/fold/finish.ts'
import { ask } from '../../src/openai/ask.ts'
import { chat } from '../../src/openai/chat.ts'
import { ChunkFold } from '../../src/openai/chunks.ts'
import { checks } from '../../src/openai/schema/check.ts'

/** What is measured must be what it is said to be: a request that is refused, or a stream that is not whole, is quick. */
describe('what the benchmarks measure', () => {
  for (const size of sizes) {
    it(`the stream of ${size} tokens folds into the plain answer of the same`, () => {
      const fold = new ChunkFold(1e9, finishChat)
      for (const event of eventsOf(size)) fold.push(JSON.stringify(event), '')
      fold.push('[DONE]', '')
      assert.deepEqual(JSON.parse(fold.finish()), JSON.parse(answerOf(size)))
      assert.equal(bodyOf(size).split('\n\n').length - 1, size + 4)
    })

    it(`the paced stream of ${size} tokens is an event every so many bytes, and the same answer`, () => {
      const fold = new ChunkFold(1e9, finishChat)
      const body = Buffer.from(pacedBodyOf(size))
      for (let at = 0; at < body.length; at += pacedBytes) {
        const event = body.subarray(at, at + pacedBytes).toString()
        assert.match(event, /^data: .+\n\n$/)
        fold.push(event.slice('data: '.length, -2), '')
      }
      assert.ok(fold.done)
      assert.deepEqual(JSON.parse(fold.finish()), JSON.parse(answerOf(size)))
    })
  }

  for (const [name, text] of Object.entries(requests)) {
    it(`the request with ${name} is valid, and is sent on with nothing but the stream asked for`, () => {
      const value = JSON.parse(text)
      assert.equal(checks['/v1/chat/completions']?.(value), undefined)
      const sent = JSON.parse(ask(chat, { text, value }, { stream: true, includeUsage: true, model: undefined }))
      assert.deepEqual(sent, { ...value, stream: true, stream_options: { include_usage: true } })
    })
  }
})
