/** One attribute or event that a span may carry. */
interface Row {
  readonly name: string
  readonly help: string
}

/**
 * The stages, in the order in which a request meets them. `span` says whether a stage is seen in the trace: `trace` as
 * the server span, some as a span of their own, and the others not at all, because they do nothing that takes long
 * or because, as with `forward`, what takes long in them are the tries below.
 */
export const stageTable = {
  trace: { span: 'server', help: 'The outermost: opens the facts, and reports them when the response has closed.' },
  recover: { span: 'none', help: 'Turns what was thrown into the error that the client may see.' },
  shed: { span: 'none', help: 'Refuses work while the process is overloaded or draining.' },
  access: { span: 'own', help: 'Addresses and keys.' },
  limit: { span: 'own', help: 'Requests, tokens and concurrency.' },
  validate: { span: 'own', help: 'Reads the body and checks it.' },
  forward: { span: 'none', help: 'Tries upstreams until one answers.' },
  fold: { span: 'own', help: 'Makes the answer out of the events.' },
  answer: { span: 'none', help: 'Writes the answer to the client.' },
} as const satisfies Record<string, { span: 'server' | 'own' | 'none'; help: string }>

export type StageName = keyof typeof stageTable

/** https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span, and what this proxy adds. */
export const serverAttributes = {
  method: { name: 'http.request.method', help: "The request's method." },
  route: { name: 'http.route', help: 'The route, from the fixed set; absent on an unknown one.' },
  path: { name: 'url.path', help: 'The path as the client wrote it; what looks like a key is blotted out.' },
  scheme: { name: 'url.scheme', help: 'http: TLS ends in front of this proxy.' },
  address: { name: 'server.address', help: 'The host that the client asked for, from its `Host` header.' },
  port: { name: 'server.port', help: 'The port in that header; absent where the header has none.' },
  clientAddress: { name: 'client.address', help: 'The client, behind the proxies that `TRUST_PROXY` trusts.' },
  protocol: { name: 'network.protocol.version', help: 'Of HTTP.' },
  peer: { name: 'network.peer.address', help: 'Who is connected: the client, or the proxy in front.' },
  userAgent: { name: 'user_agent.original', help: 'As the client sent it.' },
  status: { name: 'http.response.status_code', help: 'As in log and metrics: 499 when the client left.' },
  error: { name: 'error.type', help: "The error's code, when the status is 500 or more." },
  requestId: { name: 'proxy.request_id', help: 'As in the `x-request-id` header and in the log line.' },
  mode: { name: 'proxy.mode', help: 'unstream, stream or plain.' },
  client: { name: 'proxy.client', help: 'Who asked: a configured name, a hash of the key, or an address.' },
  model: { name: 'proxy.model', help: 'The model that the client asked for.' },
  upstream: { name: 'proxy.upstream', help: 'The upstream of the last try.' },
  attempts: { name: 'proxy.attempts', help: 'How many tries there were.' },
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

/** What this proxy adds to the span of undici's instrumentation. */
export const httpAttributes = {
  connectionWait: {
    name: 'proxy.connection_wait_ms',
    help: 'Milliseconds until the request was on a connection: queue, DNS, TCP and TLS. Absent when it never was.',
  },
} as const satisfies Record<string, Row>

export const attemptEvents = {
  firstEvent: { name: 'first_event', help: 'The first event with data arrived.' },
  retry: {
    name: 'retry',
    help: 'Another try follows this one. `reason` is its outcome; `phase` is `mid_stream` when work is billed twice.',
  },
} as const satisfies Record<string, Row>
