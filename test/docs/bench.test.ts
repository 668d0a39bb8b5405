import assert from 'node:assert/strict'
import { benchTable, english, generated } from '../../scripts/docs-bench.ts'
import { outdated } from '../../scripts/generated.ts'

const results = `# Results

## The whole proxy: yesterday, with load 1 before

| target | CPU µs a request | × first | requests/s |
| --- | --- | --- | --- |
| floor: un-stream, 13 events | 1 | 1.00 | 9 |
| openai-proxy: un-stream, 13 events | 9 | 9.00 | 9 |

## Scaling: today

## The whole proxy: today, abc, Node 24 with load 0.5 before

| target | CPU µs a request | × first | requests/s |
| --- | --- | --- | --- |
| floor: un-stream, 13 events | 100 | 1.00 | 10000 |
| openai-proxy: un-stream, 13 events | 251 | 2.49 | 4000 |
| Portkey 1: plain JSON, 10 tokens | 700 | 7.00 | 1500 |
| log, sampling 1: un-stream, 13 events | 500 | 2.00 | 2000 |
`

describe('the speed that the READMEs tell of', () => {
  it('is what was measured last; npm run docs writes it anew', () => {
    assert.deepEqual(outdated(generated), [])
  })

  it('is told in Chinese to readers of Chinese, to the last column', () => {
    const page = generated.find(({ path }) => path === 'README.zh-CN.md')?.text ?? ''
    const [, table = ''] = /<!-- bench, by npm run docs -->([\s\S]*)<!-- \/bench -->/.exec(page) ?? []
    assert.match(table, /普通 JSON，10 个 token/)
    assert.doesNotMatch(table, /alone|as it comes|plain|events/)
  })

  it('is that of the newest table of the whole proxy, with the ratio as it was recorded', () => {
    const table = benchTable(results, english)
    assert.match(table, /^Measured today, abc, Node 24; /)
    assert.ok(
      table.endsWith(
        '| un-stream, 13 events | 251 µs | 100 µs | 2.49 | 4000 | Portkey 1 (plain JSON, 10 tokens): 700 µs |',
      ),
    )
  })

  it('cannot be told where nothing was measured', () => {
    assert.throws(() => benchTable('# Results', english), /no table/)
  })
})
