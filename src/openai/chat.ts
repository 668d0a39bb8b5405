import { finishChat } from '../fold/finish.ts'
import type { Api } from './api.ts'
import { ChunkFold } from './chunks.ts'
import { renderChat } from './render-chat.ts'

/** https://platform.openai.com/docs/api-reference/chat */
export const chat: Api = {
  route: '/v1/chat/completions',
  hasUsageOption: true,
  answerIn: 'choices',
  newFold: (maxAnswerBytes) => new ChunkFold(maxAnswerBytes, finishChat),
  render: renderChat,
}
