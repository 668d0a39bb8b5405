import { choice, computed, flag, integer, list, milliseconds, optional, type Row, share, size, text } from './rows.ts'

const upstreams = {
  UPSTREAM_API_URL: list(
    'Where the models are: one or more addresses, each a full …/v1/chat/completions or a base …/v1. A query string is kept.',
    {},
    'http-url',
  ),
  UPSTREAM_API_KEY: list(
    'The key sent upstream: one for all, or one for each address in the same order (empty for none). Without it the client’s own Authorization goes upstream, or nothing where PROXY_API_KEYS is set: a key of this proxy stays here.',
    { secret: true },
    'header-text',
  ),
  UPSTREAM_API_KEY_FILE: optional(
    'A file that holds what UPSTREAM_API_KEY would, comma- or line-separated. Read again on reload.',
  ),
  UPSTREAM_HTTP2: flag(false, 'Speak HTTP/2 to upstreams that offer it. It costs more CPU than HTTP/1.1.'),
  LOAD_BALANCING: choice(
    ['random', 'round-robin', 'least-busy', 'latency', 'hash'],
    'random',
    'How one of the usable upstreams of the best priority is chosen; weights count in each. least-busy takes the less busy of two, latency follows the time to the first event, hash keeps a conversation (prompt_cache_key, user or session header) on one upstream.',
  ),
  MAX_ATTEMPTS: integer(3, [1, 10], 'Tries at upstreams for one request, the first one counted.'),
  RETRY_BUDGET: share(
    0.2,
    'The share of recent requests that may be tried again, so that an outage is not multiplied.',
  ),
  HEDGE_AFTER_MS: milliseconds(
    0,
    0,
    'Ask a second upstream when the first has sent no event for this long, and take the faster. Both may bill. It is one of MAX_ATTEMPTS and taken from RETRY_BUDGET. 0 = off.',
  ),
  CONNECT_TIMEOUT_MS: milliseconds(10_000, 1, 'The longest wait for a connection to an upstream.'),
  FIRST_EVENT_TIMEOUT_MS: milliseconds(120_000, 1, 'The longest wait for the first event with data.'),
  IDLE_TIMEOUT_MS: milliseconds(
    60_000,
    1,
    'The longest wait between two events with data; comments and heartbeats do not count.',
  ),
  REQUEST_TIMEOUT_MS: milliseconds(600_000, 1, 'The longest that one request may take, all tries together.'),
  MAX_ANSWER_BYTES: size('64MiB', 1024, 'The largest answer that is collected for one request.'),
  MAX_EVENT_BYTES: size(
    '8MiB',
    1024,
    'The largest single event that an upstream may send. With the Responses API, whose last event holds the whole answer, it may be as large as MAX_ANSWER_BYTES where that is more.',
  ),
  BREAKER_WINDOW_MS: milliseconds(30_000, 100, 'The window over which an upstream’s failures are counted.'),
  BREAKER_MIN_REQUESTS: integer(10, [1, 1_000_000], 'Requests in the window before its failures mean anything.'),
  BREAKER_FAILURE_RATE: share(0.5, 'The share of failures from which an upstream rests.'),
  BREAKER_OPEN_MS: milliseconds(10_000, 1, 'How long it rests before one request may try it again.'),
  PROBE_BODY: optional(
    'A small chat request as JSON, such as {"model":"…","messages":[{"role":"user","content":"hi"}],"max_tokens":1}. With it, an upstream that rests is asked this, streamed, whenever BREAKER_OPEN_MS is over, so that no client’s request has to try it. It is billed like any other. None = a client’s request tries it.',
    {},
    'json-object',
  ),
  HTTP_PROXY: optional(
    'The forward proxy for http:// upstreams. The lower-case name wins, as elsewhere.',
    { secret: true, aliases: ['http_proxy'] },
    'forward-proxy-url',
  ),
  HTTPS_PROXY: optional(
    'The forward proxy for https:// upstreams.',
    { secret: true, aliases: ['https_proxy'] },
    'forward-proxy-url',
  ),
  NO_PROXY: optional('Hosts that are reached without the forward proxy.', { aliases: ['no_proxy'] }),
}

const serving = {
  PORT: integer(3000, [0, 65_535], 'The public port. 0 = any free one.'),
  HOST: text('0.0.0.0', 'The address that the public port listens on.', {}, 'host'),
  MAX_BODY_BYTES: size('20MiB', 1, 'The largest request body, after decompression.'),
  MAX_CONCURRENCY: integer(2000, [1, 1_000_000], 'Requests at once in one worker; above it, 503 before any work.'),
  MAX_EVENT_LOOP_LAG_MS: milliseconds(1000, 0, 'A worker whose event loop lags more than this answers 503. 0 = off.'),
  MAX_CONNECTIONS: integer(0, [0, 1_000_000], 'Connections that one worker keeps open. 0 = no limit.'),
  HEADERS_TIMEOUT_MS: milliseconds(10_000, 1, 'The longest that a request’s headers may take to arrive.'),
  BODY_TIMEOUT_MS: milliseconds(30_000, 1, 'The longest that a whole request, body included, may take to arrive.'),
  KEEP_ALIVE_TIMEOUT_MS: milliseconds(
    75_000,
    1,
    'How long a connection stays open that is idle or whose client reads nothing; keep it longer than that of the load balancer in front.',
  ),
  JSON_HEARTBEAT_MS: milliseconds(
    0,
    0,
    'White space before a JSON answer this often, so that a CDN does not cut a long wait. Commits the status to 200. 0 = off.',
  ),
  SSE_HEARTBEAT_MS: milliseconds(0, 0, 'A comment in a silent stream this often. Commits the status to 200. 0 = off.'),
}

const guards = {
  PROXY_API_KEYS: list(
    'Keys of which a client needs one, each KEY or NAME:KEY. None = no key is asked for.',
    { secret: true },
    'proxy-key',
  ),
  PROXY_API_KEYS_FILE: optional('A file with one KEY or NAME:KEY a line; # begins a comment. Read again on reload.'),
  IP_ALLOWLIST: list('Addresses and CIDR ranges, IPv4 or IPv6, that may ask. None = all.', {}, 'address-range'),
  TRUST_PROXY: integer(0, [0, 32], 'How many proxies in front are trusted to say the client’s address.'),
  RATE_LIMIT_REQUESTS: integer(0, [0, 1e9], 'Requests a minute for each client. 0 = off.'),
  RATE_LIMIT_TOKENS: integer(
    0,
    [0, 1e12],
    'Tokens a minute for each client, by the usage that answers report. 0 = off.',
  ),
  RATE_LIMIT_CONCURRENCY: integer(0, [0, 1e6], 'Requests at once for each client. 0 = off.'),
  RATE_LIMIT_STORE: choice(
    ['cluster', 'redis'],
    'cluster',
    'Where limits are counted: over the workers of this machine, or in Redis over machines.',
  ),
  REDIS_URL: optional('Redis for RATE_LIMIT_STORE=redis: redis:// or rediss://.', { secret: true }, 'redis-url'),
}

const processes = {
  CONFIG_FILE: optional('A YAML or JSON file with these settings by these names, and `upstreams` and `keys`.', {
    environmentOnly: true,
  }),
  WORKERS: computed(
    integer(1, [0, 1024], 'Worker processes. 0 = one process that does everything.'),
    'the cores that this process may use',
    (machine) => machine.cores,
  ),
  ADMIN_PORT: integer(9464, [0, 65_535], 'The port for metrics, status and control.', { atStart: true }),
  ADMIN_HOST: text('127.0.0.1', 'Its address. Anything but loopback needs ADMIN_TOKEN.', { atStart: true }, 'host'),
  ADMIN_TOKEN: optional(
    'What admin requests must carry as "Authorization: Bearer …", and what the live page asks for.',
    { secret: true },
    'header-text',
  ),
  SHUTDOWN_TIMEOUT_MS: milliseconds(30_000, 0, 'How long running requests may finish once a process has to stop.'),
  MAX_HEAP_MB: integer(
    0,
    [0, 65_536],
    'A worker whose heap stays above this is drained and replaced. 0 = off. V8 ends a worker whose heap grows to about half of the memory that the container has, or to 4 GB; this must be less.',
  ),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace'], 'info', 'The least level logged.'),
  LOG_FORMAT: computed(
    choice(['json', 'pretty'], 'json', 'JSON lines, or lines for people.', { atStart: true }),
    'json; pretty on a terminal',
    (machine) => (machine.terminal ? 'pretty' : 'json'),
  ),
  LOG_DIR: optional('A folder for log files that are rolled, instead of standard output.', { atStart: true }),
  STATS_INTERVAL_MS: milliseconds(30_000, 0, 'How often one log line sums up the workers. 0 = off.', { atStart: true }),
  NODE_ENV: text('development', 'As everywhere in Node; `npm start` sets production.', { environmentOnly: true }),
  UV_THREADPOOL_SIZE: integer(4, [1, 1024], 'Threads for DNS, files and compression; Node reads it when it starts.', {
    environmentOnly: true,
  }),
}

/** The headings of `docs/configuration.md`, and the rows under each. */
export const settingGroups = {
  Upstreams: upstreams,
  Serving: serving,
  'Access and limits': guards,
  Processes: processes,
} as const

/** Every setting once. Types, checks, documents and `.env.example` are made from here. */
export const settingsTable = { ...upstreams, ...serving, ...guards, ...processes } as const

export type SettingName = keyof typeof settingsTable

export const settingNames = Object.keys(settingsTable).filter(isSettingName)

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settingsTable, name)
}

export function rowOf(name: SettingName): Row<unknown> {
  return settingsTable[name]
}
