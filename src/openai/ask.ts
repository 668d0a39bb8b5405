import { isObject, type JsonObject, own } from '../fold/record.ts'
import { memberText, splice } from '../json/splice.ts'
import type { Api } from './api.ts'

/** A request body as the client sent it, and as it was read. */
export interface Asked {
  readonly text: string
  readonly value: Readonly<JsonObject>
}

export interface AskOptions {
  /** The body goes to an API that answers in one piece: only the model may be changed. */
  readonly stream: boolean
  /** Ask for the chunk with the token counts. */
  readonly includeUsage: boolean
  /** The upstream's own name for the model. */
  readonly model: string | undefined
  /** The upstream may be asked for certain models alone, so that no second `model` may stand in the body. */
  readonly onlyThisModel?: boolean
}

/**
 * The body that goes upstream: the client's own text, in which only the members that the proxy sets are changed.
 * It is spliced, not written anew, so that a 20-digit seed, `1.0`, duplicate keys and escapes arrive as they were sent.
 */
export function ask(api: Api, asked: Asked, options: AskOptions): string {
  const changes: Record<string, string> = {}
  if (options.model !== undefined && mustSetModel(asked, options)) changes.model = JSON.stringify(options.model)
  if (options.stream) {
    if (own(asked.value, 'stream') !== true) changes.stream = 'true'
    if (options.includeUsage && mayAddUsage(api, asked.value)) changes.stream_options = withUsage(asked)
  }
  return Object.keys(changes).length === 0 ? asked.text : splice(asked.text, changes, asked.value)
}

/** Of two members of one name, we read the last and the upstream perhaps the first: then both are set. */
function mustSetModel({ text, value }: Asked, { model, onlyThisModel }: AskOptions): boolean {
  return model !== own(value, 'model') || (onlyThisModel === true && mayNameModelTwice(text))
}

/** True rather too often: also for a member of something within, and for any letter that might be an escaped one of it. */
function mayNameModelTwice(text: string): boolean {
  const name = '"model"'
  return text.indexOf(name, text.indexOf(name) + 1) >= 0 || /\\u006/.test(text)
}

/**
 * Whether the usage chunk is the proxy's to ask for: the API has the option and the client does not want it itself. Also
 * where the client has said `false`: it is not shown the chunk, but no client may hide from a limit what it has spent.
 */
export function mayAddUsage(api: Api, value: Readonly<JsonObject>): boolean {
  return api.hasUsageOption && !wantsUsage(value)
}

/** Whether the client itself asked for the usage chunk. */
export function wantsUsage(value: Readonly<JsonObject>): boolean {
  const options = own(value, 'stream_options')
  return isObject(options) && own(options, 'include_usage') === true
}

function withUsage({ text, value }: Asked): string {
  const options = own(value, 'stream_options')
  const optionsText = isObject(options) ? memberText(text, 'stream_options') : undefined
  return optionsText === undefined ? '{"include_usage":true}' : splice(optionsText, { include_usage: 'true' })
}
