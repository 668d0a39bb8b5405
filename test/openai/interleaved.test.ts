import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ProxyError } from '../../src/errors.ts'
import { isDone } from '../../src/openai/api.ts'
import { parseEvent } from '../../src/openai/chunks.ts'
import { findTrouble } from '../../src/openai/foreign.ts'
import { Watch } from '../../src/openai/watch.ts'
import { bytesOf } from '../../src/sse/bytes.ts'
import { CAP, folds } from '../fold/folding.ts'
import { foldPlainly, outcome, type Told } from '../fold/plainly.ts'
import { alikeStream } from './likeness.ts'

/** One of the streams that a process reads at the same time: its events one by one, and what came of it in the end. */
interface Reading {
  events: readonly Told[]
  take(bytes: string, name: string): void
  check(): void
}

/** What may stand in every event of a stream: errors in several spellings, and what only looks like one. */
const beside = fc.constantFrom('', '', '', ',"error":"busy"', ',"type":"error","message":"busy"', ',"error":null')

const identity = fc.tuple(fc.stringMatching(/^[ -~]{0,6}$/), fc.nat(3))

const stream = fc.tuple(alikeStream, identity, beside).map(([events, [id, created], more]) =>
  events.map(([data, name]): Told => {
    const named = data
      .replace('"id":"x"', () => `"id":${JSON.stringify(id)}`)
      .replace('"created":4', `"created":${created}`)
    return [named.toWellFormed().replace(/\}$/, () => `${more}}`), name]
  }),
)

function folded(api: 'chat' | 'completions', events: readonly Told[]): Reading {
  const fold = folds[api](CAP)
  let failed = ''
  return {
    events,
    take(bytes, name) {
      if (failed !== '') return
      failed = outcome(() => {
        fold.pushBytes(bytes, name)
        return ''
      })
    },
    check() {
      assert.equal(failed || outcome(() => fold.finish()), foldPlainly(api, events))
    },
  }
}

function watched(events: readonly Told[]): Reading {
  const watch = new Watch()
  const end = events.findIndex(([data]) => isDone(data))
  return {
    events,
    take: (bytes, name) => watch.see(bytes, name),
    check() {
      const troubles = events.slice(0, end).map(([data, name]) => troubleIn(data, name))
      assert.equal(watch.trouble?.message, troubles.find(Boolean)?.message)
    },
  }
}

function troubleIn(data: string, name: string): ProxyError | undefined {
  try {
    return findTrouble(parseEvent(data, name), name)
  } catch (thrown) {
    // An event that cannot be read is an error only where it is named so and its data is the message.
    if (thrown instanceof ProxyError) return thrown.code === 'upstream_invalid' ? undefined : thrown
    throw thrown
  }
}

describe('streams that are read at the same time', () => {
  it('never take for their own what another one said', () => {
    const make = fc.constantFrom(
      (events: readonly Told[]) => folded('chat', events),
      (events: readonly Told[]) => folded('completions', events),
      watched,
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(make, stream), { minLength: 2, maxLength: 5 }), (parts) => {
        const readings = parts.map(([read, events]) => read(events))
        const longest = Math.max(...readings.map(({ events }) => events.length))
        for (let at = 0; at < longest; at++) {
          for (const { events, take } of readings) {
            const told = events[at]
            if (told) take(bytesOf(Buffer.from(told[0])), told[1])
          }
        }
        for (const { check } of readings) check()
      }),
      { numRuns: 1000 },
    )
  })
})
