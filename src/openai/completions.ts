import { finishCompletion } from '../fold/finish.ts'
import type { Api } from './api.ts'
import { ChunkFold } from './chunks.ts'
import { renderCompletion } from './render-completions.ts'

/** The legacy API: https://platform.openai.com/docs/api-reference/completions */
export const completions: Api = {
  route: '/v1/completions',
  hasUsageOption: true,
  newFold: (maxAnswerBytes) => new ChunkFold(maxAnswerBytes, finishCompletion),
  render: renderCompletion,
}
