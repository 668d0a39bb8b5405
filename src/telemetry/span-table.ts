/** One attribute or event that a span may carry. */
interface Row {
  readonly name: string
  readonly help: string
}

/**
 * The stages, in the order in which a request meets them. `span` says whether one is a span of its own as well as
 * a `stage` label: `forward` is seen in the tries below it, and the rest do nothing that could take long.
 */
export const stageTable = {
  trace: { span: false, help: 'The outermost: opens the facts and reports them when the response has closed.' },
  recover: { span: false, help: 'Turns what was thrown into the error that the client may see.' },
  shed: { span: false, help: 'Refuses work while the process is overloaded or draining.' },
  access: { span: true, help: 'Addresses and keys.' },
  limit: { span: true, help: 'Requests, tokens and concurrency.' },
  validate: { span: true, help: 'Reads the body and checks it.' },
  forward: { span: false, help: 'Tries upstreams until one answers.' },
  fold: { span: true, help: 'Makes the answer out of the events.' },
  answer: { span: false, help: 'Writes the answer to the client.' },
} as const satisfies Record<string, { span: boolean; help: string }>

export type StageName = keyof typeof stageTable

/** What `project` adds to the server span, which OpenTelemetry's http instrumentation opens and closes. */
export const serverAttributes = {
  route: { name: 'http.route', help: 'The route, from the fixed set; absent on an unknown one.' },
  requestId: { name: 'proxy.request_id', help: 'As in the `x-request-id` header and in the log line.' },
  mode: { name: 'proxy.mode', help: 'unstream, stream or plain.' },
  client: { name: 'proxy.client', help: 'Who asked: a configured name, a hash of the key, or an address.' },
  model: { name: 'proxy.model', help: 'The model that the client asked for.' },
  upstream: { name: 'proxy.upstream', help: 'The upstream of the last try.' },
  attempts: { name: 'proxy.attempts', help: 'How many tries there were.' },
  status: { name: 'proxy.status', help: 'The status in log and metrics: 499 when the client left.' },
  code: { name: 'proxy.error.code', help: "The error's code, when the answer was an error." },
} as const satisfies Record<string, Row>

/** What a failed stage's span carries. */
export const stageAttributes = {
  error: { name: 'error.type', help: "The error's code, on the one stage where it arose; never a message." },
} as const satisfies Record<string, Row>

/** https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/, status development. */
export const attemptAttributes = {
  operation: {
    name: 'gen_ai.operation.name',
    help: 'chat, text_completion or embeddings; models where none is at work.',
  },
  provider: { name: 'gen_ai.provider.name', help: 'The provider behind the upstream.' },
  requestModel: { name: 'gen_ai.request.model', help: 'The model asked of the upstream.' },
  stream: { name: 'gen_ai.request.stream', help: 'Whether the upstream was asked for events.' },
  choices: { name: 'gen_ai.request.choice.count', help: '`n`, when it is not 1.' },
  temperature: { name: 'gen_ai.request.temperature', help: 'As the client set it.' },
  topP: { name: 'gen_ai.request.top_p', help: 'As the client set it.' },
  maxTokens: { name: 'gen_ai.request.max_tokens', help: 'As the client set it.' },
  responseId: { name: 'gen_ai.response.id', help: 'As the upstream gave it.' },
  responseModel: { name: 'gen_ai.response.model', help: 'The model that answered.' },
  finishReasons: { name: 'gen_ai.response.finish_reasons', help: 'One for each choice.' },
  timeToFirstChunk: {
    name: 'gen_ai.response.time_to_first_chunk',
    help: 'Seconds from the start of the try to its first event with data.',
  },
  inputTokens: { name: 'gen_ai.usage.input_tokens', help: 'As the upstream counted them.' },
  outputTokens: { name: 'gen_ai.usage.output_tokens', help: 'As the upstream counted them.' },
  cachedTokens: { name: 'gen_ai.usage.cache_read.input_tokens', help: 'Of the input, read from its cache.' },
  reasoningTokens: { name: 'gen_ai.usage.reasoning.output_tokens', help: 'Of the output, reasoning.' },
  address: { name: 'server.address', help: "The upstream's host." },
  port: { name: 'server.port', help: "The upstream's port." },
  error: { name: 'error.type', help: 'How the try failed: the `outcome` label of its metric.' },
  upstream: { name: 'proxy.upstream', help: "The upstream's name in the configuration." },
} as const satisfies Record<string, Row>

export const attemptEvents = {
  firstEvent: { name: 'first_event', help: 'The first event with data arrived.' },
  retry: {
    name: 'retry',
    help: 'Another try follows this one. `reason` is its outcome; `phase` is `mid_stream` when work is billed twice.',
  },
} as const satisfies Record<string, Row>
