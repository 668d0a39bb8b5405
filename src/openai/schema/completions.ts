import { anything, boolean, either, filled, has, integer, integerFrom, listOf, members, string, when } from './build.ts'
import { sampling } from './sampling.ts'

const prompt = either(string, listOf(either(string, integer, listOf(integer))), { type: 'null' })

/** `POST /v1/completions`: https://platform.openai.com/docs/api-reference/completions/create */
export const completionRequest = {
  ...members(
    { model: filled },
    {
      ...sampling,
      best_of: integerFrom(1),
      echo: boolean,
      // Fireworks takes a boolean as well.
      logprobs: either(boolean, integerFrom(0, 5)),
      suffix: string,
    },
  ),
  // vLLM takes `prompt_embeds` in place of a prompt.
  ...when(has('prompt_embeds'), anything, members({ prompt })),
}
