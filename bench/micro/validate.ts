/**
 * What it costs to read a request's body and to check it, beside JSON.parse alone: `node bench/micro/validate.ts`.
 */
import { parseBody } from '../../src/middleware/body.ts'
import { checks } from '../../src/openai/schema/check.ts'
import { requests } from './requests.ts'
import { compare, madeInAll } from './timing.ts'

const check = checks['/v1/chat/completions']
if (!check) throw new Error('there is no check for chat')

const sizes: Record<string, object> = {}
for (const [name, text] of Object.entries(requests)) {
  const bytes = Buffer.from(text)
  const value: unknown = JSON.parse(text)
  const parsing = await compare<Buffer>({
    'read and parse': [(it) => parseBody(it).text.length, bytes],
    'JSON.parse': [(it) => Object.keys(JSON.parse(it.toString())).length, bytes],
  })
  const checking = await compare<unknown>({ check: [(it) => Number(check(it) === undefined), value] })
  sizes[name] = { ...parsing, ...checking }
}
console.log('A body, from its bytes to the verdict')
console.table(sizes)

const wrong = { ...JSON.parse(requests['40 messages'] ?? ''), messages: [{ role: 'nobody', content: 'x' }] }
console.log('A request that is refused, with its explanation')
console.table({ 'wrong role': await compare<unknown>({ check: [(it) => check(it)?.message?.length ?? 0, wrong] }) })
console.log(`(${madeInAll()} characters read)`)
