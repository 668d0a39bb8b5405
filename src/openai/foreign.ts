import type { ProxyError } from '../errors.ts'
import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { numberOf } from '../json/exact.ts'
import { readTrouble, troubleOf, wordsIn } from './trouble.ts'

/**
 * The error in an event or a plain answer of status 200, also where the provider writes it as its own API does and not
 * as OpenAI's: MiniMax (`base_resp`), Databricks (`error_code`), SiliconFlow and DashScope (`code` beside a message),
 * Cloudflare (`errors`), FastAPI (`detail`). Taken for a vendor's field, it would end in an answer that is cut short and
 * looks whole. Only what brings neither choices nor a response is read so.
 */
export function findTrouble(value: JsonObject, eventName = ''): ProxyError | undefined {
  const trouble = readTrouble(value, eventName)
  if (trouble || bringsAnswer(value)) return trouble
  const foreign = inBaseResponse(value) ?? inList(value) ?? besideCode(value) ?? inDetail(value)
  return foreign && troubleOf(foreign, value)
}

function bringsAnswer(value: JsonObject): boolean {
  const choices = own(value, 'choices')
  if (Array.isArray(choices) && choices.length > 0) return true
  const type = own(value, 'type')
  return (isText(type) && type.startsWith('response.')) || Array.isArray(own(value, 'output'))
}

function inBaseResponse(value: JsonObject): JsonObject | undefined {
  const base = own(value, 'base_resp')
  const code = isObject(base) ? own(base, 'status_code') : undefined
  return isObject(base) && isFault(code) ? { message: own(base, 'status_msg') ?? null, code } : undefined
}

function inList(value: JsonObject): JsonObject | undefined {
  const errors = own(value, 'errors')
  const [first] = Array.isArray(errors) ? errors : []
  return isObject(first) && isText(own(first, 'message')) ? first : undefined
}

function besideCode(value: JsonObject): JsonObject | undefined {
  const code = own(value, 'error_code') ?? own(value, 'code')
  const message = ['message', 'msg', 'error_msg'].map((key) => own(value, key)).find(isText)
  return isFault(code) && message !== undefined ? { message, code } : undefined
}

function inDetail(value: JsonObject): JsonObject | undefined {
  const message = wordsIn(own(value, 'detail'))
  return message === undefined ? undefined : { message }
}

/** Whether a code says that something went wrong; 0 and 200 are how these APIs say that nothing did. */
function isFault(code: Json | undefined): code is Json {
  const number = numberOf(code)
  if (number !== undefined) return number !== 0 && number !== 200
  return isText(code) && !/^(?:0+|200|ok|success)$/i.test(code)
}
