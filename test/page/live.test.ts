import assert from 'node:assert/strict'
import { withBareSockets } from '../cluster/bare.ts'
import { cellOf, evaluate, openPage, textOf, untilText, withBrowser } from './browser.ts'
import { type Scene, startScene } from './traffic.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'

for (const workers of ['0', '2']) {
  describe(`the live page of a program with WORKERS=${workers}`, function () {
    this.timeout(60_000)
    withBareSockets()
    withBrowser()
    let scene: Scene
    beforeEach(async () => {
      scene = await startScene({ WORKERS: workers, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
    })
    afterEach(() => scene.close())

    it('says that nothing has happened, moves when requests are made, and shows every worker', async () => {
      const { page, faults, asked } = await openPage(scene.url)
      await untilText(page, '#failures', (text) => text.includes('No request has failed'))
      await untilText(page, '#charts', (text) => text.includes('No request has ended'))
      for (let n = 0; n < 5; n++) assert.equal(await scene.chat(), 200)
      await untilText(page, '#tiles', (text) => text.includes('5 since the start'))
      await untilText(page, '#charts .chart:first-child', (text) => !text.includes('No request has ended'))
      await untilText(page, '#tiles', (text) => /Latency p50\s+\d/.test(text) && /First event p50\s+\d/.test(text))
      assert.equal(await evaluate(page, 'document.querySelectorAll("#charts canvas").length'), 4)
      const count = Math.max(1, Number(workers))
      await untilText(page, '#workers tbody', (text) => (text.match(/\d MB/g) ?? []).length === count)
      assert.equal(await page.locator('#workers tbody tr', { hasText: 'listening' }).count(), count)
      assert.deepEqual(faults, [])
      assert.deepEqual(new Set(asked.map((address) => new URL(address).origin)), new Set([new URL(scene.url).origin]))
    })

    it('shows a failing upstream as open, and each failure with its trace', async () => {
      scene.fail()
      // Only what no other upstream can mend fails for the client: the far one has no such model.
      while (!(await isOpen(scene))) await scene.chat({}, { traceparent: `00-${trace}-00f067aa0ba902b7-01` })
      assert.equal(await scene.chat({ messages: 3 }, { traceparent: `00-${trace}-00f067aa0ba902b7-01` }), 400)
      const { page } = await openPage(scene.url)
      const breaker = cellOf(page, 'upstreams', 'near', 'Breaker')
      await breaker.waitFor()
      assert.match(await textOf(breaker), /^open.* · again in \d+ min/)
      assert.match((await breaker.locator('span').getAttribute('class')) ?? '', /bad/)
      assert.equal(await textOf(cellOf(page, 'upstreams', 'far', 'Breaker')), 'closed')
      const failure = page.locator('#failures tbody tr', { hasText: 'invalid_request' })
      await failure.waitFor()
      assert.match(await textOf(failure), new RegExp(`400\\s+invalid_request[\\s\\S]*${trace}`))
      await page.getByRole('button', { name: 'Hide 4xx' }).click()
      await failure.waitFor({ state: 'detached' })
    })

    it('shows a stream that grows while it streams, and no longer when it has ended', async () => {
      const held = scene.hold({ model: 'a-model-that-thinks' })
      held.grow(3)
      const { page } = await openPage(scene.url)
      const events = cellOf(page, 'requests', 'a-model-that-thinks', 'Events')
      await untilText(page, '#requests', (text) => text.includes('a-model-that-thinks'))
      while ((await textOf(events)) !== '3') await evaluate(page, 'new Promise(requestAnimationFrame)')
      held.grow(1200)
      while ((await textOf(events)) !== '1,203') await evaluate(page, 'new Promise(requestAnimationFrame)')
      const row = page.locator('#requests tbody tr', { hasText: 'a-model-that-thinks' })
      assert.match(await textOf(row), /\/v1\/chat\/completions · stream\s+near\s/)
      assert.equal(await held.end(), 200)
      await untilText(page, '#requests', (text) => text.includes('Nothing is under way'))
    })
  })
}

async function isOpen({ program }: Scene): Promise<boolean> {
  const workers = await program.workers()
  return workers.every(({ app }) => JSON.stringify(app).includes('"state":"open"'))
}
