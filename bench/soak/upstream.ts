/**
 * A provider with its faults, chosen by the request's model: short and long answers, slow ones, refusals, streams that are
 * cut, errors in a stream, JSON in spite of `stream: true`. Listens on PORT.
 */
import { createServer, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { answerOf, bodyOf } from '../body.ts'

const [short, long] = [bodyOf(10), bodyOf(1000)]
const plain = answerOf(10)
const slowParts = 20
const slowPartMs = 100

const answers: Readonly<Record<string, (res: ServerResponse) => unknown>> = {
  short: (res) => stream(res).end(short),
  long: (res) => stream(res).end(long),
  async slow(res) {
    stream(res)
    const size = Math.ceil(long.length / slowParts)
    for (let at = 0; at < slowParts && !res.destroyed; at++) {
      res.write(long.slice(at * size, (at + 1) * size))
      await wait(slowPartMs)
    }
    res.end()
  },
  busy: (res) => refuse(res, 429, { 'retry-after': '0' }),
  broken: (res) => refuse(res, 500),
  wrong: (res) => refuse(res, 400),
  cut(res) {
    stream(res).write(short.slice(0, short.length / 2), () => res.destroy())
  },
  'error-inside': (res) =>
    stream(res).end(`data: {"error":{"message":"overloaded","type":"server_error","code":503}}\n\n`),
  json: (res) => res.writeHead(200, { 'content-type': 'application/json' }).end(plain),
}

createServer(async (req, res) => {
  const { model } = (await json(req)) as { model: string }
  await (answers[model] ?? answers.short)?.(res)
}).listen(Number(process.env.PORT), '127.0.0.1')

function stream(res: ServerResponse): ServerResponse {
  return res.writeHead(200, { 'content-type': 'text/event-stream' })
}

function refuse(res: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  const error = { message: 'It was refused.', type, param: null, code: null }
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ error }))
}
