/**
 * An agent's loop with tools: ask, run what the model calls, hand back the results, until it speaks.
 *
 *   npm run demo                       (in one terminal)
 *   npx node examples/tools.ts         (in another)
 *
 * BASE_URL and MODEL let it ask another proxy and another model.
 */
import OpenAI from 'openai'

const { BASE_URL = 'http://127.0.0.1:3000/v1', MODEL = 'demo-stream-only', OPENAI_API_KEY = 'any' } = process.env
const openai = new OpenAI({ baseURL: BASE_URL, apiKey: OPENAI_API_KEY })

/** What the model may call. A real one would ask a weather service. */
const tools: Record<string, (args: { city: string }) => unknown> = {
  get_weather: ({ city }) => ({ city, celsius: city === 'Paris' ? 18 : 9, sky: city === 'Paris' ? 'clear' : 'rain' }),
}

const described: OpenAI.ChatCompletionTool[] = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'The weather in a city tomorrow.',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
]

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Paris or Oslo tomorrow?' }]

// Bounded: a model that never stops calling tools must not cost without end.
for (let round = 0; round < 5; round++) {
  const { choices } = await openai.chat.completions.create({ model: MODEL, messages, tools: described })
  const message = choices[0]?.message
  if (!message?.tool_calls) {
    console.log(message?.content ?? '')
    break
  }
  messages.push(message)
  for (const call of message.tool_calls) {
    if (call.type !== 'function') continue
    const run = tools[call.function.name]
    const result = run ? run(JSON.parse(call.function.arguments)) : { error: 'no such tool' }
    console.log(`${call.function.name}(${call.function.arguments}) → ${JSON.stringify(result)}`)
    messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(result) })
  }
}
