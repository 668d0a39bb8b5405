import type { Probed } from '../exchange/probe.ts'
import type { Outcome } from '../facts.ts'
import type { Failure } from '../upstream/classify.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { whoseKey } from '../wiring/whose-key.ts'
import { whyUnreachable } from './reach.ts'

/** What became of the question to one upstream. */
export interface Answered {
  readonly upstream: Upstream
  readonly keyOf: ReturnType<typeof whoseKey>
  readonly probed: Probed
  /** Its list of models, or a streamed answer. */
  readonly asked: 'models' | 'answer'
}

/** One upstream's state in a sentence that says what to do. It quotes no key. */
export interface Finding {
  readonly usable: boolean
  readonly sentence: string
}

/** A model that thinks may take this long; a chat that waits so long for its first word is a nuisance. Milliseconds. */
const slowMs = 10_000

export function explain(answered: Answered): Finding {
  const { upstream, probed } = answered
  const { usable, says } = probed.failure ? ofFailure(answered, probed.failure) : ofAnswer(answered)
  return { usable, sentence: `${upstream.name} (${addressOf(answered)}): ${withoutSecrets(says, upstream)}` }
}

interface Verdict {
  readonly usable: boolean
  readonly says: string
}

const fine = (says: string): Verdict => ({ usable: true, says })
const trouble = (says: string): Verdict => ({ usable: false, says })

function ofAnswer({ asked, probed, keyOf }: Answered): Verdict {
  const { facts, form } = probed
  if (asked === 'models') {
    const key = keyOf === 'operator' ? 'takes the key' : 'asks for no key'
    return fine(`answers and ${key}. Whether it streams has not been asked: --probe=MODEL does that, for a few tokens.`)
  }
  if (form === 'one-piece')
    return fine('refuses to stream this, and answers in one piece; clients that want a stream get its refusal.')
  if (form === 'json')
    return fine('answers, but with plain JSON instead of a stream; the proxy passes it on, and makes events of it.')
  const tookMs = (facts.firstEventAt ?? facts.startedAt) - facts.startedAt
  const slow = tookMs > slowMs ? ' That is slow: keep FIRST_EVENT_TIMEOUT_MS well above it.' : ''
  return fine(`streams; its first event came after ${(tookMs / 1000).toFixed(1)} s.${slow}`)
}

type Explain = (answered: Answered, failure: Failure) => Verdict

const byOutcome: Readonly<Partial<Record<Outcome, Explain>>> = {
  connect: (_, { error }) => trouble(`cannot be reached: ${whyUnreachable(error)}.`),
  connect_timeout: () =>
    trouble('took no connection within CONNECT_TIMEOUT_MS; look at the address, a firewall, or HTTPS_PROXY.'),
  first_event_timeout: () =>
    trouble('takes the connection, but is too slow: it sent nothing within FIRST_EVENT_TIMEOUT_MS; raise that.'),
  idle_timeout: () => trouble('began to answer and then fell silent for longer than IDLE_TIMEOUT_MS; raise that.'),
  total_timeout: () => trouble('did not finish within REQUEST_TIMEOUT_MS; raise that, or ask a quicker model.'),
  unauthorized: refusedKey,
  rate_limited: () => trouble('answers 429: the limit or the quota of this key is used up there; wait, or raise it.'),
  server_error: (_, { error }) => trouble(`fails with ${error.status}; its operator or status page knows more.`),
  client_error: refusedQuestion,
  truncated: () => trouble('began to stream and broke off; something between here and there may cut long answers.'),
}

function ofFailure(answered: Answered, failure: Failure): Verdict {
  const explained = byOutcome[failure.outcome]?.(answered, failure)
  if (explained) return explained
  const { status = 0 } = answered.probed.facts
  if (status >= 300 && status < 400)
    return trouble(`answers ${status}, a redirection, which is not followed; set UPSTREAM_API_URL to where it points.`)
  if (answered.asked === 'models')
    return trouble('answers with something that is no JSON; its address is a website’s rather than an API’s.')
  return trouble(`answers with what is neither a stream nor JSON; its address is probably not that of an API.`)
}

/** By the error's status: that of the answer may be 200, and only within it stands what became of the question. */
function refusedKey({ keyOf }: Answered, { error: { status } }: Failure): Verdict {
  if (keyOf === 'client')
    return fine(`answers, and wants a key (${status}). Each client must send its own, or set UPSTREAM_API_KEY.`)
  if (keyOf === 'nobody')
    return trouble(
      `wants a key (${status}) and is sent none: what clients send are keys of this proxy, which stay here; set UPSTREAM_API_KEY.`,
    )
  if (status === 402) return trouble('answers 402: what pays for this key is used up there; top it up.')
  if (status === 403)
    return trouble('refuses with 403: this key may not do that there, or requests from this network are not served.')
  return trouble(`refuses the key (${status}); set UPSTREAM_API_KEY to one that is valid there.`)
}

function refusedQuestion({ asked }: Answered, { error }: Failure): Verdict {
  const { status } = error
  const missing = status === 404 || status === 405
  if (asked === 'models' && missing) {
    return trouble(
      `has nothing at that path (${status}): the path of UPSTREAM_API_URL is wrong, or it keeps no list of models; --probe=MODEL finds out.`,
    )
  }
  const cure = missing ? 'correct the path of UPSTREAM_API_URL, or the model' : 'correct the model or PROBE_BODY'
  return trouble(`refuses the question with ${status}; ${cure}. It says: ${error.message}`)
}

/** What was asked, without the query: it may hold a key. */
function addressOf({ upstream, asked }: Answered): string {
  const path = upstream.addresses.path(asked === 'models' ? '/v1/models' : '/v1/chat/completions')
  return `${upstream.addresses.origin}${path.replace(/\?.*$/s, '')}`
}

/** A provider may repeat what it was sent. */
function withoutSecrets(text: string, { config }: Upstream): string {
  const query = [...new URL(config.url).searchParams.values()]
  const secrets = [config.key, ...Object.values(config.headers ?? {}), ...query].filter((each) => each !== undefined)
  return secrets.filter((secret) => secret !== '').reduce((said, secret) => said.replaceAll(secret, '***'), text)
}
