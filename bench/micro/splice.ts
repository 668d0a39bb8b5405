/**
 * What it costs to make the request that goes upstream, beside parsing the client's and writing it anew, which would also
 * lose digits: `node bench/micro/splice.ts`. The client's request has been parsed in any case, to check it.
 */
import { splice } from '../../src/json/splice.ts'
import { type Asked, ask } from '../../src/openai/ask.ts'
import { chat } from '../../src/openai/chat.ts'
import { requests } from './requests.ts'
import { compare, madeInAll } from './timing.ts'

const options = { stream: true, includeUsage: true, model: undefined }
const changes = { stream: 'true', stream_options: '{"include_usage":true}' }

const sizes: Record<string, object> = {}
for (const [name, text] of Object.entries(requests)) {
  const request: Asked = { text, value: JSON.parse(text) }
  sizes[name] = await compare<Asked>({
    ask: [(it) => flat(ask(chat, it, options)), request],
    'splice without the parsed one': [(it) => flat(splice(it.text, changes)), request],
    'JSON.stringify': [
      (it) => JSON.stringify({ ...it.value, stream: true, stream_options: { include_usage: true } }).length,
      request,
    ],
  })
}
console.log('A request made to stream')
console.table(sizes)
console.log(`(${madeInAll()} characters made)`)

/** A text that was put together is copied only when it is read, which the socket does. */
function flat(text: string): number {
  return Number(text) || text.length
}
