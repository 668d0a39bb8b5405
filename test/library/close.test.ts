import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createProxy, type LogLine } from '../../src/library.ts'
import { saying, usageChunk } from '../support/chunks.ts'
import { freePort } from '../support/port.ts'
import { post, question } from '../support/proxy.ts'
import { run } from '../support/run.ts'
import { hang, stream, wait } from '../support/steps.ts'
import { startUpstream } from '../support/upstream.ts'
import { unguarded } from '../upstream/servers.ts'

describe('closing a proxy of the library', () => {
  unguarded()

  it('finishes what runs, and takes no new connection', async () => {
    const gate = Promise.withResolvers<void>()
    const upstream = await startUpstream([wait(gate.promise), stream(saying('late'), { done: true })])
    const proxy = createProxy({ upstreams: upstream.base })
    const { baseURL } = await proxy.listen()
    const running = post(`${baseURL}/chat/completions`, question)
    await upstream.next()
    const closed = proxy.close()
    await assert.rejects(post(`${baseURL}/chat/completions`, question))
    gate.resolve()
    assert.match(await (await running).text(), /"late"/)
    await closed
    assert.equal(await upstream.close(), 0)
  })

  it('refuses new requests of a server that is not its own, and leaves that one running', async () => {
    const gate = Promise.withResolvers<void>()
    const upstream = await startUpstream([wait(gate.promise), stream(saying('late'), { done: true })])
    const proxy = createProxy({ upstreams: upstream.base })
    const server = createServer(proxy.listener).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`
    const running = post(url, question)
    await upstream.next()
    const closed = proxy.close()
    const refused = await post(url, question)
    assert.deepEqual([refused.status, JSON.parse(await refused.text()).error.code], [503, 'draining'])
    gate.resolve()
    assert.equal((await running).status, 200)
    await closed
    assert.equal(server.listening, true)
    server.close()
    server.closeAllConnections()
    assert.equal(await upstream.close(), 0)
  })

  it('ends what still runs when its time is over, and can be asked for twice', async () => {
    const upstream = await startUpstream([hang])
    const lines: string[] = []
    const proxy = createProxy({ upstreams: upstream.base, onLog: (line) => lines.push(JSON.stringify(line)) })
    const { baseURL } = await proxy.listen()
    const running = post(`${baseURL}/chat/completions`, question)
    await upstream.next()
    const closed = proxy.close(1)
    assert.equal(proxy.close(), closed)
    const answer = await running
    assert.deepEqual([answer.status, JSON.parse(await answer.text()).error.code], [503, 'draining'])
    await closed
    assert.match(lines.join('\n'), /"status":503,"code":"draining"/)
    await assert.rejects(proxy.listen(), /closed/)
    assert.equal(await upstream.close(), 0)
  })

  it('puts on record what an answer cost that it cut before that was said', async () => {
    const gate = Promise.withResolvers<void>()
    const steps = [stream(saying('all')), wait(gate.promise), stream([usageChunk(7, 2)], { done: true })]
    const upstream = await startUpstream(steps)
    const lines: LogLine[] = []
    const proxy = createProxy({ upstreams: upstream.base, onLog: (line) => lines.push(line) })
    const { baseURL } = await proxy.listen()
    const ask = { ...question, stream: true, stream_options: { include_usage: true } }
    const { body } = await post(`${baseURL}/chat/completions`, ask)
    assert.ok(body)
    let text = ''
    await assert.rejects(async () => {
      for await (const bytes of body) {
        text += Buffer.from(bytes)
        if (text.includes('"finish_reason":"stop"')) proxy.close(1)
      }
    })
    gate.resolve()
    await proxy.close()
    const line = lines.find(({ msg }) => msg === 'request')
    assert.deepEqual([line?.status, line?.code, line?.input_tokens, line?.output_tokens], [200, 'draining', 7, 2])
    assert.match((await proxy.metrics()).body, /^proxy_upstream_attempts_total\{.*outcome="ok"\} 1$/m)
    assert.equal(await upstream.close(), 0)
  })

  it('closes as well what was only about to listen', async () => {
    const proxy = createProxy({ upstreams: 'http://127.0.0.1:9/v1' })
    const taken = await proxy.listen()
    // A port that cannot be had must not keep it from closing.
    const failing = assert.rejects(proxy.listen(taken.port), { code: 'EADDRINUSE' })
    const port = await freePort()
    const opening = assert.rejects(proxy.listen(port), /closed/)
    await proxy.close()
    await Promise.all([failing, opening])
    await assert.rejects(fetch(`http://127.0.0.1:${port}/health`))
  })

  it('has left the process its fetch, of which undici takes hold when it is loaded', async () => {
    const script = `
      const dispatcher = Symbol.for('undici.globalDispatcher.1')
      const own = { dispatch() {} }
      Object.defineProperty(globalThis, dispatcher, { value: own, writable: true })
      const { restoreFetch } = await import('${import.meta.resolve('../../src/library/own-fetch.ts')}')
      await import('${import.meta.resolve('undici')}')
      const taken = globalThis[dispatcher] !== own
      restoreFetch()
      console.log(taken, globalThis[dispatcher] === own)`
    const here = fileURLToPath(new URL('.', import.meta.url))
    const { output } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: here })
    assert.equal(output, 'true true\n')
  })

  it('leaves nothing of it in the process, which never noticed it and ends by itself', async () => {
    const upstream = await startUpstream([stream(saying('Hello'), { done: true })])
    // What a program that embeds it may have in its environment for other reasons.
    const env = ['UPSTREAM_API_URL=http://127.0.0.1:9/v1', 'PROXY_API_KEYS=secret', 'OTEL_SDK_DISABLED=false']
    const program = fileURLToPath(new URL('embedding.ts', import.meta.url))
    const { code, output, errors } = await run('env', [...env, process.execPath, program, upstream.base], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
    })
    assert.deepEqual([code, output, errors], [0, 'Hello\nHello\n', ''])
    await upstream.close()
  })
})
