import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { saying } from '../support/chunks.ts'
import type { OtlpSink } from '../support/otlp.ts'
import { stream } from '../support/steps.ts'
import { refusingAddress } from '../support/upstream.ts'
import { listen } from '../upstream/servers.ts'
import { startTraced, type TracedProgram } from './scenes.ts'

/** A collector in trouble, which answers by the sink or at an address of its own. */
interface Trouble {
  readonly answer?: (response: ServerResponse) => void
  readonly endpoint?: () => Promise<{ address: string; close?: () => unknown }>
  /** What the one warning says. */
  readonly warning: RegExp
  /** Whether the spans are lost. */
  readonly loses: boolean
  readonly env?: Readonly<Record<string, string>>
  /** What Node itself says on standard error, once. */
  readonly stderr?: RegExp
}

const undelivered = /Traces cannot be delivered/

const troubles: Readonly<Record<string, Trouble>> = {
  'is down': {
    endpoint: async () => ({ address: await refusingAddress() }),
    warning: undelivered,
    loses: true,
  },
  'has an error of its own': {
    answer: (response) => response.writeHead(500).end('out of order'),
    warning: undelivered,
    loses: true,
  },
  'wants to be asked again tomorrow': {
    answer: (response) => response.writeHead(503, { 'retry-after': '86400' }).end(),
    warning: undelivered,
    loses: true,
  },
  'wants to be asked again at once, for ever': {
    answer: (response) => response.writeHead(429, { 'retry-after': '0' }).end(),
    warning: undelivered,
    loses: true,
    // OpenTelemetry's exporter waits for -1 ms then.
    stderr: /^.*TimeoutNegativeWarning.*\n.*\n.*\n$/,
  },
  'is something else that answers 200': {
    answer: (response) => response.writeHead(200).end('<html>welcome</html>'),
    warning: /OTLPExportDelegate: Export succeeded but could not deserialize/,
    loses: false,
  },
  'answers without end': {
    answer(response) {
      response.writeHead(200)
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more).on('error', () => undefined)
      more()
    },
    warning: undelivered,
    loses: true,
  },
  // The exporter's own time-out is for silence only; without the processor's, nothing would be exported any more.
  'dribbles its answer for ever': {
    answer(response) {
      const dribble = setInterval(() => response.write('x'), 50)
      response.on('close', () => clearInterval(dribble)).writeHead(200)
    },
    env: { OTEL_BSP_EXPORT_TIMEOUT: '200' },
    warning: /OpenTelemetry had an error of its own/,
    loses: false,
  },
  'does not speak HTTP': {
    async endpoint() {
      const server = createServer((socket) => socket.on('error', () => undefined).end('* OK IMAP4\r\n'))
      const { port, stop } = await listen(server)
      return { address: `127.0.0.1:${port}`, close: stop }
    },
    warning: undelivered,
    loses: true,
  },
}

/** Spans lost to exports that failed, as the metrics have it. */
async function lostOf({ program }: TracedProgram): Promise<number> {
  const metrics = await (await program.admin('GET', '/metrics')).text()
  return Number(/proxy_trace_spans_dropped_total\{reason="export_failed"\} (\d+)/.exec(metrics)?.[1] ?? Number.NaN)
}

describe('a collector that', function () {
  this.timeout(60_000)
  let traced: TracedProgram
  let close: (() => unknown) | undefined

  afterEach(async () => {
    await traced.close()
    await close?.()
    close = undefined
  })

  async function start({ answer, endpoint, env }: Trouble): Promise<OtlpSink> {
    const other = await endpoint?.()
    close = other?.close
    traced = await startTraced({
      OTEL_EXPORTER_OTLP_TIMEOUT: '200',
      ...env,
      ...(other && { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${other.address}` }),
    })
    traced.near.play([stream(saying('Hello'), { done: true })])
    traced.sink.answer = answer
    return traced.sink
  }

  /** All are answered, whatever becomes of their spans. */
  async function askAll(scenes: readonly number[]): Promise<void> {
    for (const { status } of await Promise.all(scenes.map((scene) => traced.ask({ scene })))) assert.equal(status, 200)
  }

  for (const [name, trouble] of Object.entries(troubles)) {
    it(`${name} costs no request anything, and one warning`, async () => {
      const sink = await start(trouble)
      await askAll([1, 2, 3, 4, 5])
      await traced.program.line(({ msg }) => trouble.warning.test(String(msg)))
      const [before, exports] = [await lostOf(traced), sink.requests]
      await askAll([6, 7, 8])
      // Its spans too have gone the way of the first ones before the warnings are counted.
      if (trouble.loses) while ((await lostOf(traced)) <= before) {}
      else await sink.untilExports((_others, requests) => requests > exports)
      const warnings = traced.program.lines.filter(({ level }) => level === 'warn' || level === 'error')
      assert.deepEqual([warnings.length, (await lostOf(traced)) > 0], [1, trouble.loses])
      assert.equal(warnings[0]?.trace_id, undefined, 'it belongs to no request')
      assert.match(traced.program.stderr, trouble.stderr ?? /^$/)
      await traced.end()
      assert.equal(await traced.program.ended, 0)
    })
  }
})
