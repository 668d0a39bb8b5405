import { boolean, either, integer, integerFrom, list, listOf, members, numberFrom, object, string } from './build.ts'

// Ranges are those of https://platform.openai.com/docs/api-reference/chat/create: OpenAI refuses what lies outside.
// Names such as service_tier or reasoning_effort are any string: OpenAI adds values with every model, and
// providers have their own; the one that does not know a value says so itself.

/** llama.cpp and LM Studio take -1 for "as many as fit", and completions that only echo take 0. */
export const tokenCap = integerFrom(-1)

/** Members that chat completions and completions share. */
export const sampling = {
  temperature: numberFrom(0, 2),
  top_p: numberFrom(0, 1),
  n: integerFrom(1, 128),
  presence_penalty: numberFrom(-2, 2),
  frequency_penalty: numberFrom(-2, 2),
  max_tokens: tokenCap,
  seed: integer,
  stop: either(string, listOf(string)),
  // llama.cpp takes pairs in an array as well, and `false` to forbid a token.
  logit_bias: either(list, { type: 'object', additionalProperties: either(numberFrom(-100, 100), boolean) }),
  stream: boolean,
  stream_options: members({}, { include_usage: boolean, include_obfuscation: boolean }),
  user: string,
}

/** Members that chat completions and Responses share. */
export const shared = {
  // OpenAI wants strings as values; LiteLLM and others take any JSON here.
  metadata: object,
  moderation: members({}, { model: string, policy: object }),
  parallel_tool_calls: boolean,
  prompt_cache_key: string,
  prompt_cache_options: object,
  prompt_cache_retention: string,
  safety_identifier: string,
  service_tier: string,
  store: boolean,
  top_logprobs: integerFrom(0, 20),
}
