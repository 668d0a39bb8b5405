import assert from 'node:assert/strict'
import { said, saying } from '../support/chunks.ts'
import { MovedClock } from '../support/clock.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { stream, wait } from '../support/steps.ts'
import { openWire, type Wire, whole } from '../support/wire.ts'
import { metric, setting } from './setting.ts'

const asked = whole(JSON.stringify(question)).toString().replace('POST /', 'POST /v1/chat/completions')

describe('over its cap and without time to spare, the proxy', () => {
  const on = setting()

  let clock: MovedClock
  let use: number
  let proxy: RunningProxy
  let wire: Wire
  let held: Promise<Response>
  let release: () => void

  /** One request fills the cap, and the event loop seems to be busy. */
  beforeEach(async () => {
    clock = new MovedClock()
    use = 1
    const gate = Promise.withResolvers<void>()
    release = gate.resolve
    const started = await on.pair([wait(gate.promise), stream(saying('well'), { done: true })], {
      clock,
      useOfLoop: () => use,
      env: { MAX_CONCURRENCY: '1' },
    })
    proxy = started.proxy
    clock.move(500)
    held = post(proxy.chat, question)
    await started.upstream.next()
    wire = await openWire(proxy.port)
  })

  async function finish(): Promise<void> {
    release()
    assert.deepEqual(await (await held).json(), said('well'))
    wire.socket.destroy()
    await wire.closed
  }

  const resting = () => metric(proxy, 'proxy_connections_resting')
  const refused = () => metric(proxy, 'proxy_rejected_total', { code: 'overloaded' })

  async function askAndBeRefused(): Promise<void> {
    wire.send(asked)
    const { status, head } = await wire.answer()
    assert.equal(status, 503)
    assert.match(head, /^retry-after: 1$/im)
    assert.doesNotMatch(head, /^connection: close$/im)
  }

  /** What was sent has been there for long enough to be read: others, who came later, have been answered. */
  async function othersAreAnswered(): Promise<void> {
    for (let count = 0; count < 20; count++) {
      assert.equal((await fetch(`http://127.0.0.1:${proxy.port}/health`)).status, 200)
    }
  }

  it('refuses at once, and does not hear the client again until its Retry-After has passed', async () => {
    await askAndBeRefused()
    assert.equal(await resting(), 1)
    wire.send(asked)
    await othersAreAnswered()
    assert.equal(await refused(), 1)
    release()
    assert.deepEqual(await (await held).json(), said('well'))
    clock.move(1050)
    assert.deepEqual(JSON.parse((await wire.answer()).body), said('well'))
    assert.equal(await resting(), 0)
    wire.socket.destroy()
    await wire.closed
  })

  it('refuses again, promptly, a client that has waited', async () => {
    await askAndBeRefused()
    clock.move(1050)
    await askAndBeRefused()
    assert.equal(await refused(), 2)
    await finish()
  })

  it('hears everybody as long as there is time to spare', async () => {
    use = 0.5
    clock.move(500)
    for (let count = 0; count < 3; count++) await askAndBeRefused()
    assert.equal(await resting(), 0)
    await finish()
  })

  it('lets a connection rest only when the body that belongs to its refusal has come', async () => {
    const [head, body] = asked.split('\r\n\r\n') as [string, string]
    wire.send(`${head}\r\n\r\n`)
    assert.equal((await wire.answer()).status, 503)
    assert.equal(await resting(), 0)
    wire.send(body)
    // Asked again and again, for the body has to pass through the kernel.
    while ((await resting()) === 0) await othersAreAnswered()
    await finish()
  })

  it('answers whatever has been sent meanwhile when it is about to end', async () => {
    await askAndBeRefused()
    wire.send(asked)
    await othersAreAnswered()
    proxy.app.drain()
    const { status, head } = await wire.answer()
    assert.equal(status, 503)
    assert.match(head, /^connection: close$/im)
    await finish()
  })
})
