import { request } from '../body.ts'

const sentence =
  'A request may carry a long conversation, “quotes” and 一些 汉字 with it, and all of it is sent on as it came. '

const tools = Array.from({ length: 8 }, (_, at) => ({
  type: 'function',
  function: {
    name: `look_up_${at}`,
    description: sentence,
    parameters: {
      type: 'object',
      properties: { query: { type: 'string' }, limit: { type: 'integer' } },
      required: ['query'],
    },
  },
}))

const turns = Array.from({ length: 40 }, (_, at) => ({
  role: at % 2 === 0 ? 'user' : 'assistant',
  content: sentence.repeat(5),
}))

const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0KGgo='.repeat(80_000)}` } }

/** Chat requests as clients send them, as text. Tests check that they are valid, and what becomes of them. */
export const requests: Readonly<Record<string, string>> = {
  'two messages': JSON.stringify(request),
  'stream: false said': JSON.stringify({ stream: false, ...request }),
  '8 tools': JSON.stringify({ ...request, tools, tool_choice: 'auto' }),
  '40 messages': JSON.stringify({ ...request, messages: turns }),
  'an image of 1 MB': JSON.stringify({ ...request, messages: [{ role: 'user', content: [image] }] }),
}
