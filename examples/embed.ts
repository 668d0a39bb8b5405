/**
 * The proxy within a program of your own: no second process, and your pages on the same port.
 *
 *   npm run demo                                             (in one terminal: something to ask)
 *   npx node examples/embed.ts                               (in another)
 *   UPSTREAM=https://api.example.com/v1 npx node examples/embed.ts
 *
 * MODEL lets it ask another model.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import OpenAI from 'openai'
// Where the package is installed: import { createProxy } from 'openai-proxy'
import { createProxy } from '../src/library.ts'

const { UPSTREAM = 'http://127.0.0.1:3000/v1', MODEL = 'demo-stream-only', OPENAI_API_KEY = 'any' } = process.env

// Options are the settings of docs/configuration.md in camel case. All that is wrong with them comes as one error.
const proxy = createProxy({
  upstreams: [{ name: 'main', url: UPSTREAM }],
  firstEventTimeoutMs: 30_000,
  rateLimitRequests: 600,
  onLog: ({ level, msg, route, status, upstream }) => console.log(level, msg, route, status, upstream),
})

// Any server of node:http will do, and so will Express: app.use(proxy.listener), before anything that reads bodies.
const server = createServer((req, res) => {
  if (req.url?.startsWith('/v1/')) proxy.listener(req, res)
  else res.end('A page of this program\n')
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
if (address === null || typeof address === 'string') throw new Error('the server has no port')
const here = `http://127.0.0.1:${address.port}`

console.log((await (await fetch(here)).text()).trimEnd())
const openai = new OpenAI({ baseURL: `${here}/v1`, apiKey: OPENAI_API_KEY })
const { choices } = await openai.chat.completions.create({
  model: MODEL,
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
})
console.log(choices[0]?.message.content)
console.log(proxy.status().upstreams.map(({ name, state }) => `${name} is ${state}`))

// What runs is finished, and nothing keeps the process alive any more.
server.close()
await proxy.close()
