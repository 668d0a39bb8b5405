/**
 * An upstream that begins a stream and then says nothing, or a word now and then, until it is told to finish. A process
 * of its own, so that its memory and its work are not counted as the proxy's. Requests for any other model than `held` are
 * answered at once. Tells its parent its port, and the number of streams it holds whenever that changes.
 * usage: MS [KEY CERTIFICATE]   With the files of a certificate it speaks HTTP/2.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { Server } from 'node:net'
import type { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { eventsOf } from '../body.ts'

const [every, key, certificate] = process.argv.slice(2)
/** 0: nothing is said after the beginning. */
const wordEveryMs = Number(every)
const [first, word, ...last] = eventsOf(1).map((event) => `data: ${JSON.stringify(event)}\n\n`)
const end = `${last.join('')}data: [DONE]\n\n`
/** An answer of either protocol. */
type Res = Pick<NodeJS.WritableStream, 'write' | 'end' | 'once'> & {
  writeHead(status: number, headers: Record<string, string>): unknown
}
const held = new Set<Res>()

const server: Server =
  key === undefined || certificate === undefined
    ? createServer(answer)
    : createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer)

async function answer(req: Readable, res: Res): Promise<void> {
  const { model } = (await json(req)) as { model: string }
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.write(`${first}${word}`)
  if (model !== 'held') return void res.end(end)
  held.add(res)
  res.once('close', () => {
    held.delete(res)
    tell()
  })
  tell()
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 })
})
process.on('message', () => {
  for (const res of held) res.end(end)
})
if (wordEveryMs > 0) {
  // A tenth of the streams at a time: all of them at once would be a burst that no models make.
  let turn = 0
  setInterval(() => {
    turn = (turn + 1) % 10
    let at = 0
    for (const res of held) if (at++ % 10 === turn) res.write(String(word))
  }, wordEveryMs / 10)
}

function tell(): void {
  process.send?.({ held: held.size })
}
