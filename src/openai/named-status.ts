import { type ErrorCode, errorTable } from '../errors.ts'

/**
 * What OpenAI calls a request that no other try can mend. It is found out once the stream has begun, so that no status
 * can say it (https://platform.openai.com/docs/api-reference/responses/object, `error.code`).
 */
const faultsOfRequests = [
  'context_length_exceeded',
  'invalid_prompt',
  'content_policy_violation',
  'bio_policy',
  'misalignment_policy_violation',
  'invalid_image',
  'invalid_image_format',
  'invalid_base64_image',
  'invalid_image_url',
  'invalid_image_mode',
  'image_too_large',
  'image_too_small',
  'image_parse_error',
  'image_content_policy_violation',
  'image_file_too_large',
  'image_file_not_found',
  'unsupported_image_media_type',
  'empty_image_file',
  'failed_to_download_image',
]

/** What providers write where OpenAI has a code or a type, and which error of this program's has its status. */
const named: ReadonlyMap<unknown, ErrorCode> = new Map([
  ['rate_limit_exceeded', 'rate_limit_exceeded'],
  ['rate_limit_error', 'rate_limit_exceeded'],
  ['insufficient_quota', 'rate_limit_exceeded'],
  // As 502, one client's prompts that are too long would be asked for again and again, and open the breaker for all.
  ...faultsOfRequests.map((code) => [code, 'invalid_request'] as const),
])

/**
 * The HTTP status that an upstream's `status`, `code` or `type` names: 429, "429" or "rate_limit_exceeded".
 * Undefined when it names none, or one that is no error.
 */
export function statusNamedBy(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined
  const likeOurs = named.get(value)
  if (likeOurs) return errorTable[likeOurs].status
  const status = Number(value)
  return Number.isInteger(status) && status >= 400 && status <= 599 ? status : undefined
}
