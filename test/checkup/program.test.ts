import assert from 'node:assert/strict'
import { withBareSockets } from '../cluster/bare.ts'
import { endPrograms, runProgram } from '../cluster/program.ts'
import { saying } from '../support/chunks.ts'
import { answer, stream } from '../support/steps.ts'
import { startUpstream } from '../support/upstream.ts'

describe('--check-config --probe', function () {
  this.timeout(60_000)
  withBareSockets()
  afterEach(endPrograms)

  it('ends with 0 when every upstream can be used, and with 3 when one cannot', async () => {
    const good = await startUpstream([stream(saying('ok'), { done: true })])
    const bad = await startUpstream([answer(401, {})])
    const argv = ['--check-config', '--probe=m', '--upstream', good.url]
    const fine = runProgram({ argv })
    assert.equal(await fine.ended, 0)
    assert.match(String(fine.lines[0]?.text), /^The settings are in order\.$/)
    assert.match(String(fine.lines[1]?.text), /^✔ .* streams;/)
    const mixed = runProgram({ argv: [...argv, '--upstream', bad.url], env: { UPSTREAM_API_KEY: 'secret-key' } })
    assert.equal(await mixed.ended, 3)
    assert.deepEqual(
      mixed.lines.slice(1).map(({ text }) => String(text).slice(0, 1)),
      ['✔', '✘'],
    )
    assert.doesNotMatch(JSON.stringify(mixed.lines), /secret-key/)
    // It listens nowhere, and asks nobody without being told to.
    const asked = good.requests.length
    assert.equal(await runProgram({ argv: ['--check-config', '--upstream', good.url] }).ended, 0)
    assert.equal(good.requests.length, asked)
    await Promise.all([good.close(), bad.close()])
  })
})
