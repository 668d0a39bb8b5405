/**
 * A structured answer: JSON after a schema, whole and parsed, from a model that only streams.
 *
 *   npm run demo                       (in one terminal)
 *   npx node examples/structured.ts    (in another)
 *
 * BASE_URL and MODEL let it ask another proxy and another model.
 */
import OpenAI from 'openai'

const { BASE_URL = 'http://127.0.0.1:3000/v1', MODEL = 'demo-stream-only', OPENAI_API_KEY = 'any' } = process.env
const openai = new OpenAI({ baseURL: BASE_URL, apiKey: OPENAI_API_KEY })

/** What is wanted, for this program and, as a JSON schema, for the model. */
interface Packing {
  city: string
  celsius: number
  bring: string[]
}

const schema = {
  type: 'object',
  properties: {
    city: { type: 'string' },
    celsius: { type: 'number' },
    bring: { type: 'array', items: { type: 'string' } },
  },
  required: ['city', 'celsius', 'bring'],
  additionalProperties: false,
}

const { choices } = await openai.chat.completions.create({
  model: MODEL,
  messages: [{ role: 'user', content: 'I travel to Oslo tomorrow. What should I bring?' }],
  response_format: { type: 'json_schema', json_schema: { name: 'packing', strict: true, schema } },
})
const [choice] = choices

// A refusal comes in a field of its own, and an answer that was cut short is no JSON: both must be looked for first.
if (choice?.message.refusal) throw new Error(`The model refuses: ${choice.message.refusal}`)
if (choice?.finish_reason !== 'stop') throw new Error(`The answer is not whole: ${choice?.finish_reason}`)

const { city, celsius, bring }: Packing = JSON.parse(choice.message.content ?? '')
console.log(`${city}, ${celsius} °C: bring ${bring.join(' and ')}.`)
