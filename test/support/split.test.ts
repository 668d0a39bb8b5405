import assert from 'node:assert/strict'
import { everyCut } from './split.ts'

describe('the cutting of bodies for tests', () => {
  const body = Buffer.from('data: é\n\n')
  const cuts = [...everyCut(body)]

  it('loses no byte and makes no empty chunk', () => {
    for (const chunks of cuts) {
      assert.deepEqual(Buffer.concat(chunks), body)
      assert.ok(chunks.every((chunk) => chunk.length > 0))
    }
  })

  it('cuts at every position, leaves whole, and takes apart byte by byte', () => {
    const lengths = cuts.map((chunks) => chunks.map((chunk) => chunk.length))
    const halves = Array.from({ length: body.length - 1 }, (_, at) => [at + 1, body.length - at - 1])
    assert.deepEqual(lengths.slice(0, -1), [[body.length], ...halves, Array.from(body, () => 1)])
  })

  it('cuts at random places that its seed repeats', () => {
    const random = (seed: number) => [...everyCut(Buffer.alloc(200), seed)].at(-1)?.map((chunk) => chunk.length)
    assert.deepEqual(random(7), random(7))
    assert.notDeepEqual(random(7), random(8))
  })
})
