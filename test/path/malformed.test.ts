import assert from 'node:assert/strict'
import { errorTable } from '../../src/errors.ts'
import { withBareSockets } from '../cluster/bare.ts'
import { endPrograms, type Started, startProgram } from '../cluster/program.ts'
import { open } from '../cluster/serve.ts'
import { saying } from '../support/chunks.ts'
import { Inspector, inspectable } from '../support/inspector.ts'
import { stream } from '../support/steps.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'
import type { WireAnswer } from '../support/wire.ts'
import { bodies } from './malformed/bodies.ts'
import { framing } from './malformed/framing.ts'
import { heads } from './malformed/heads.ts'
import { members } from './malformed/members.ts'
import { cap, good, key, type Malformed, type Reply } from './malformed/shape.ts'

const groups: Readonly<Record<string, readonly Malformed[]>> = { ...framing, ...heads, ...bodies, ...members }
const everything = Object.values(groups).flat()

/** What may be told after an error: nothing of this proxy's inside. */
const inside = /node:|node_modules|\bat .+:\d+:\d+|127\.0\.0\.1|\/src\//

describe('malformed requests, byte for byte', function () {
  // Hundreds of requests, on a machine that has other work.
  this.timeout(60_000)

  withBareSockets()

  let upstream: Upstream
  let program: Started
  let inspector: Inspector

  before(async () => {
    upstream = await startUpstream([stream(saying('well'), { done: true })])
    program = await startProgram({
      env: {
        ...inspectable,
        UPSTREAM_API_URL: upstream.url,
        PROXY_API_KEYS: `tester:${key}`,
        MAX_BODY_BYTES: String(cap),
        WORKERS: '0',
        STATS_INTERVAL_MS: '0',
      },
    })
    inspector = await Inspector.open(program)
  })

  after(async () => {
    inspector?.close()
    await endPrograms()
    await upstream?.close()
  })

  it(`are ${everything.length}, and no two are alike`, () => {
    const distinct = new Set(everything.map(({ bytes, ends }) => `${ends} ${Buffer.from(bytes).toString('latin1')}`))
    assert.equal(distinct.size, everything.length)
    assert.ok(distinct.size >= 300)
  })

  for (const [group, rows] of Object.entries(groups)) {
    it(`${group}: each of ${rows.length} gets what the contract says`, async () => {
      const problems: string[] = []
      for (const row of rows) problems.push(...(await send(row)).map((problem) => `${row.name}: ${problem}`))
      assert.deepEqual(problems, [])
    })
  }

  it('leave a process that answers, and that holds nothing more when all of them have come again', async () => {
    const first = await heapWhenQuiet()
    for (const row of everything) assert.deepEqual(await send(row), [])
    const grown = (await heapWhenQuiet()) - first
    assert.ok(grown < 2 * 1024 ** 2, `${grown} bytes more after ${everything.length} requests`)
    assert.deepEqual(await send({ name: 'good', bytes: good, replies: ['ok'] }), [])
  })

  it('leave no error of the process itself behind them', () => {
    assert.deepEqual(
      program.stderr.split('\n').filter((line) => !/^(Debugger |For help, see|$)/.test(line)),
      [],
    )
    const failures = program.lines.filter(({ level, code }) => level === 'fatal' || code === 'internal_error')
    assert.deepEqual(failures, [])
  })

  /** Waits until the process has let go of every connection; one that stays open fails the test by its time. */
  async function heapWhenQuiet(): Promise<number> {
    while ((await inspector.resources()).includes('TCPSocketWrap'));
    return inspector.heap()
  }

  /** Sends one row on a connection of its own; tells what was not as it should be. */
  async function send({ bytes, replies, param, ends = false }: Malformed): Promise<string[]> {
    const before = upstream.requests.length
    const wire = await open(program.port)
    wire.send(bytes)
    if (ends) wire.socket.end()
    const problems: string[] = []
    for (const reply of replies) {
      const answer = await wire.answer().catch((error: Error) => error.message)
      problems.push(...problemsOf(answer, reply, param))
      if (typeof answer === 'string') break
    }
    wire.socket.end()
    const more = await wire.answer().catch((error: Error) => error.message)
    if (more !== 'the connection closed after 0 characters of an answer') problems.push(`and then ${show(more)}`)
    const admitted = upstream.requests.length - before
    const wanted = replies.filter((reply) => reply === 'ok').length
    if (admitted !== wanted) problems.push(`${admitted} came upstream, not ${wanted}`)
    return problems
  }
})

function problemsOf(answer: WireAnswer | string, reply: Reply, param: string | undefined): string[] {
  if (typeof answer === 'string') return [`${answer}, instead of ${reply}`]
  if (reply === 'continue') return answer.status === 100 ? [] : [show(answer)]
  if (reply === 'ok') return answer.status === 200 && 'choices' in JSON.parse(answer.body) ? [] : [show(answer)]
  const { error, ...others } = parsed(answer)
  const right =
    answer.status === errorTable[reply].status &&
    /^content-type: application\/json$/im.test(answer.head) &&
    Object.keys(others).length === 0 &&
    Object.keys(error ?? {})
      .sort()
      .join() === 'code,message,param,type' &&
    error?.code === reply &&
    (param === undefined || String(error.param).startsWith(param)) &&
    !inside.test(answer.body)
  return right ? [] : [`${show(answer)}, instead of ${reply}`]
}

function parsed({ body }: WireAnswer): { error?: Record<string, unknown> } {
  try {
    return JSON.parse(body)
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

function show(answer: WireAnswer | string): string {
  return typeof answer === 'string' ? answer : `${answer.status} ${answer.body.slice(0, 300)}`
}
