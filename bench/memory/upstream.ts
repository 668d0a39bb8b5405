/**
 * An upstream that begins a stream and then says nothing, or a word now and then, until it is told to finish. A process
 * of its own, so that its memory and its work are not counted as the proxy's. Requests for any other model than `held` are
 * answered at once. Tells its parent its port, and the number of streams it holds whenever that changes.
 */
import { createServer, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { eventsOf } from '../body.ts'

/** 0: nothing is said after the beginning. */
const wordEveryMs = Number(process.argv[2])
const [first, word, ...last] = eventsOf(1).map((event) => `data: ${JSON.stringify(event)}\n\n`)
const end = `${last.join('')}data: [DONE]\n\n`
const held = new Set<ServerResponse>()

const server = createServer(async (req, res) => {
  const { model } = (await json(req)) as { model: string }
  res.writeHead(200, { 'content-type': 'text/event-stream' }).write(`${first}${word}`)
  if (model !== 'held') return void res.end(end)
  held.add(res)
  res.once('close', () => {
    held.delete(res)
    tell()
  })
  tell()
})

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
    for (const res of held) if (at++ % 10 === turn) res.write(word)
  }, wordEveryMs / 10)
}

function tell(): void {
  process.send?.({ held: held.size })
}
