/** Who has to act: the caller, the provider, or this proxy and its operator. Decides what counts against an upstream. */
export type Blame = 'client' | 'upstream' | 'self'

interface Row {
  readonly status: number
  /** OpenAI's `error.type`, from https://platform.openai.com/docs/guides/error-codes. */
  readonly type: string
  readonly blame: Blame
  /** What happened and what to do about it, when the thrower has nothing more exact to say. */
  readonly sentence: string
}

/** Every error that this proxy answers with, once. `docs/errors.md` is generated from it. */
export const errorTable = {
  invalid_json: {
    status: 400,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'The request body is not valid JSON. Send one JSON object, encoded in UTF-8.',
  },
  invalid_request: {
    status: 400,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'The request body has a member that the API does not allow. Correct it and send it again.',
  },
  unsupported_media_type: {
    status: 415,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'The content type is not supported. Send application/json, plain or compressed with gzip, deflate or br.',
  },
  request_too_large: {
    status: 413,
    type: 'invalid_request_error',
    blame: 'client',
    sentence:
      'The request body is larger than this proxy accepts (MAX_BODY_BYTES). Send less, or ask for a higher cap.',
  },
  headers_too_large: {
    status: 431,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'The request headers are larger than this proxy accepts. Send fewer or shorter ones.',
  },
  request_timeout: {
    status: 408,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'The request body did not arrive in time. Send it again over a faster connection.',
  },
  invalid_api_key: {
    status: 401,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'The API key is missing or not known to this proxy. Send it as "Authorization: Bearer KEY".',
  },
  ip_not_allowed: {
    status: 403,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'Your address may not use this proxy. Ask its operator to add it to IP_ALLOWLIST.',
  },
  not_found: {
    status: 404,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'There is no such route here. The routes begin with /v1, such as POST /v1/chat/completions.',
  },
  model_not_found: {
    status: 404,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'No upstream of this proxy offers this model. GET /v1/models lists what there is.',
  },
  method_not_allowed: {
    status: 405,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'This route does not answer to this method. The Allow header says which it takes.',
  },
  rate_limit_exceeded: {
    status: 429,
    type: 'rate_limit_error',
    blame: 'client',
    sentence: 'You have used up your share for now. Try again after the time in the Retry-After header.',
  },
  client_closed_request: {
    status: 499,
    type: 'invalid_request_error',
    blame: 'client',
    sentence: 'The client closed the connection before the answer was complete.',
  },
  internal_error: {
    status: 500,
    type: 'server_error',
    blame: 'self',
    sentence: 'The proxy failed while it handled this request. Its log has the cause under the request id.',
  },
  upstream_unreachable: {
    status: 502,
    type: 'server_error',
    blame: 'upstream',
    sentence: 'The upstream could not be reached. Try again; if it lasts, the operator should check its address.',
  },
  upstream_truncated: {
    status: 502,
    type: 'server_error',
    blame: 'upstream',
    sentence: 'The upstream ended its stream before the answer was complete. Try again.',
  },
  upstream_invalid: {
    status: 502,
    type: 'server_error',
    blame: 'upstream',
    sentence: 'The upstream sent something that is not an answer of this API.',
  },
  upstream_too_large: {
    status: 502,
    type: 'server_error',
    blame: 'upstream',
    sentence: 'The answer grew larger than this proxy accepts (MAX_ANSWER_BYTES). Ask for less, or for a higher cap.',
  },
  upstream_error: {
    status: 502,
    type: 'server_error',
    blame: 'upstream',
    sentence: 'The upstream answered with an error and gave no reason that can be passed on.',
  },
  upstream_timeout: {
    status: 504,
    type: 'server_error',
    blame: 'upstream',
    sentence: 'The upstream did not answer in time.',
  },
  overloaded: {
    status: 503,
    type: 'server_error',
    blame: 'self',
    sentence: 'The proxy is at its limit. Try again after the time in the Retry-After header.',
  },
  draining: {
    status: 503,
    type: 'server_error',
    blame: 'self',
    sentence: 'This process is shutting down. Try again; another will answer.',
  },
  no_upstream: {
    status: 503,
    type: 'server_error',
    blame: 'upstream',
    sentence: 'No upstream can be used right now. Try again after the time in the Retry-After header.',
  },
} as const satisfies Record<string, Row>

export type ErrorCode = keyof typeof errorTable

/** An error as OpenAI writes it: the value of `error` in the body. */
export interface OpenAIError {
  message: string
  type: string | null
  param: string | null
  code: string | null
}

export interface ErrorDetails {
  /** Replaces the table's sentence. Must not quote keys, prompts or internal addresses. */
  message?: string
  /** The member at fault, as OpenAI names it: `messages[0].role`. */
  param?: string
  /** Seconds, for the `Retry-After` header. */
  retryAfter?: number
  /** Further response headers, such as `allow`. */
  headers?: Record<string, string>
  /** Replaces the table's status: an upstream's own. */
  status?: number
  /** An upstream's own OpenAI-shaped error, passed on as it came; one without a type gets that of its status. */
  upstream?: OpenAIError
  /** What went wrong underneath; for the log only. */
  cause?: unknown
}

/** The only error that stages throw on purpose. Anything else becomes `internal_error`. */
export class ProxyError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(details.upstream?.message ?? details.message ?? errorTable[code].sentence, { cause: details.cause })
    this.name = 'ProxyError'
    this.code = code
    this.status = details.status ?? errorTable[code].status
    this.details = details
  }

  get blame(): Blame {
    return errorTable[this.code].blame
  }

  /** The body of the answer, in OpenAI's shape. */
  toJSON(): { error: OpenAIError } {
    const { code, message, status } = this
    const { upstream, param } = this.details
    if (upstream) return { error: { ...upstream, type: upstream.type ?? typeOf(status) } }
    // A refusal without words of its own has the upstream's status all the same.
    const type = this.blame === 'upstream' ? typeOf(status) : errorTable[code].type
    return { error: { message, type, param: param ?? null, code } }
  }

  /** The answer's headers that belong to this error. */
  headers(): Record<string, string> {
    const { retryAfter, headers } = this.details
    return {
      ...headers,
      ...(retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) }),
    }
  }
}

/** The type that OpenAI gives an error of this status. */
function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** Turns whatever was thrown into the error that the client may see; strangers become `internal_error`. */
export function toProxyError(thrown: unknown): ProxyError {
  return thrown instanceof ProxyError ? thrown : new ProxyError('internal_error', { cause: thrown })
}
