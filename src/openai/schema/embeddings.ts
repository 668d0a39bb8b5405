import { anything, either, filled, has, integer, integerFrom, listOf, members, object, string, when } from './build.ts'

// Objects are the pictures and mixed inputs of multimodal models (Jina, Voyage, Cohere).
const input = { ...either(string, listOf(either(string, integer, listOf(integer), object))), minItems: 1 }

/** `POST /v1/embeddings`: https://platform.openai.com/docs/api-reference/embeddings/create */
export const embeddingRequest = {
  ...members({ model: filled }, { dimensions: integerFrom(1), encoding_format: string, user: string }),
  // vLLM takes `messages` in place of an input.
  ...when(has('messages'), anything, members({ input })),
}
