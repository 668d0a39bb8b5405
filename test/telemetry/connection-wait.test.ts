import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { type Span, trace } from '@opentelemetry/api'
import { connectionWait } from '../../src/telemetry/connection-wait.ts'
import { MovedClock } from '../support/clock.ts'
import { recorded, recordSpans, stopRecording } from './recording.ts'

const sendHeaders = channel('undici:client:sendHeaders')

describe('the wait for a connection', () => {
  const clock = new MovedClock()
  const begin = connectionWait(clock)
  let span: Span

  beforeEach(() => {
    recordSpans()
    span = trace.getTracer('test').startSpan('POST')
  })
  after(stopRecording)

  const wait = () => {
    span.end()
    return recorded()[0]?.attributes['proxy.connection_wait_ms']
  }

  it('ends when the request is written on its connection', () => {
    const request = {}
    begin(span, request)
    clock.move(1500.25)
    sendHeaders.publish({ request })
    clock.move(1000)
    assert.equal(wait(), 1500.25)
  })

  it('is not said of a request that never had a connection', () => {
    begin(span, {})
    clock.move(1000)
    assert.equal(wait(), undefined)
  })

  it('is not looked for on requests that are not traced, nor on what is none', () => {
    begin(span, {})
    for (const message of [{ request: {} }, { request: null }, {}, null]) sendHeaders.publish(message)
    assert.equal(wait(), undefined)
  })
})
