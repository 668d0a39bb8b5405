/**
 * OpenAI's own SDK through the proxy: the same question answered at once, and as a stream.
 *
 *   npm run demo                       (in one terminal)
 *   npx node examples/sdk.ts           (in another)
 *
 * BASE_URL and MODEL let it ask another proxy and another model.
 */
import OpenAI from 'openai'

const { BASE_URL = 'http://127.0.0.1:3000/v1', MODEL = 'demo-stream-only', OPENAI_API_KEY = 'any' } = process.env
const openai = new OpenAI({ baseURL: BASE_URL, apiKey: OPENAI_API_KEY })

const question: OpenAI.ChatCompletionCreateParams = {
  model: MODEL,
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
}

// One JSON answer, though the model behind the proxy can do nothing but stream.
const { choices, usage } = await openai.chat.completions.create({ ...question, stream: false })
console.log(choices[0]?.message.content)
console.log(`${usage?.prompt_tokens} tokens in, ${usage?.completion_tokens} out`)

// With `stream: true` the events come as the upstream sends them.
const stream = await openai.chat.completions.create({ ...question, stream: true })
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '')
console.log()

// What the proxy cannot do is an error of the SDK, with OpenAI's codes: here, more choices than the model gives.
try {
  await openai.chat.completions.create({ ...question, stream: false, n: 3 })
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) throw error
  console.log(error.message)
}
