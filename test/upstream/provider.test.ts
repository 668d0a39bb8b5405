import assert from 'node:assert/strict'
import { providerOf } from '../../src/upstream/provider.ts'

describe('the provider behind a host', () => {
  for (const [host, provider] of [
    ['api.openai.com', 'openai'],
    ['my.openai.azure.com', 'azure.ai.openai'],
    ['my.openai.azure.us', 'azure.ai.openai'],
    ['my.cognitiveservices.azure.com', 'azure.ai.openai'],
    ['api.cohere.com', 'cohere'],
    ['api.cohere.ai', 'cohere'],
    ['x.ai', 'x_ai'],
    ['notx.ai', 'openai'],
    ['x.ai.example', 'openai'],
    ['localhost', 'openai'],
  ] as const) {
    it(`of ${host} is ${provider}`, () => assert.equal(providerOf(host), provider))
  }
})
