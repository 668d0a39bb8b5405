import type { Api } from './api.ts'
import { renderResponse } from './render-responses.ts'
import { ResponseFold } from './response-events.ts'

/** https://platform.openai.com/docs/api-reference/responses-streaming */
export const responses: Api = {
  route: '/v1/responses',
  hasUsageOption: false,
  hasLastEvent: true,
  answerIn: 'output',
  newFold: (maxAnswerBytes) => new ResponseFold(maxAnswerBytes),
  render: renderResponse,
}
