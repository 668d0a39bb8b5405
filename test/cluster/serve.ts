import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, systemClock } from '../../src/clock.ts'
import { Front, type Listener } from '../../src/cluster/front.ts'
import type { Refused } from '../../src/wiring/refused.ts'
import { openWire, type Wire } from '../support/wire.ts'
import { settingsOf } from './children.ts'

const fronts: Front[] = []

/** A worker's server with this listener, on a free port, and the requests that the listener was not given. */
export async function serve(listener: Listener, env: Record<string, string> = {}, clock: Clock = systemClock) {
  const refused: Refused[] = []
  const front = new Front(settingsOf(env), listener, clock, (request) => refused.push(request))
  fronts.push(front)
  return { front, port: await front.listen(0, '127.0.0.1'), refused }
}

export const hello: Listener = (_req, res) => res.end('hello')
export const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`

/** A connection that is closed from here as soon as the server has closed its side. */
export async function open(port: number): Promise<Wire> {
  const wire = await openWire(port)
  wire.socket.once('end', () => wire.socket.end())
  return wire
}

/** All that comes over the connection from now on, as far as it has come when asked. */
export function collected({ socket }: Wire): () => string {
  let text = ''
  socket.on('data', (piece) => {
    text += piece
  })
  return () => text
}

/** A listener whose requests wait until the test answers them. */
export function waiting() {
  const asked: { req: IncomingMessage; res: ServerResponse }[] = []
  let wake = () => {}
  const listener: Listener = (req, res) => {
    asked.push({ req, res })
    wake()
  }
  async function request(index: number) {
    while (!asked[index]) await new Promise<void>((resolve) => (wake = resolve))
    return asked[index]
  }
  return { listener, request }
}

/** Ends every server of the suite, with whatever is still open there. */
export async function endServers(): Promise<void> {
  await Promise.all(fronts.splice(0).map((front) => front.drain(0)))
}
