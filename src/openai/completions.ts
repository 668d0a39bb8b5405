import { finishCompletion } from '../fold/finish.ts'
import type { Api } from './api.ts'
import { ChunkFold } from './chunks.ts'
import { renderCompletion } from './render-completions.ts'

/** The legacy API: https://platform.openai.com/docs/api-reference/completions */
export const completions: Api = {
  route: '/v1/completions',
  hasUsageOption: true,
  answerIn: 'choices',
  newFold: (maxAnswerBytes) => new ChunkFold(maxAnswerBytes, finishCompletion),
  render: renderCompletion,
}
