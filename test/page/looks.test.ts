import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { withBareSockets } from '../cluster/bare.ts'
import { evaluate, openPage, untilText, withBrowser } from './browser.ts'
import { frameOfOutage } from './frames.ts'
import { refused, type Scene, startScene } from './traffic.ts'

const luminance = (colour: string) =>
  (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)

/** The colour of the ground, and of the figures. */
async function coloursOf(page: Page): Promise<{ ground: number; ink: number }> {
  const style = (property: string) => evaluate<string>(page, `getComputedStyle(document.body).${property}`)
  return { ground: luminance(await style('backgroundColor')), ink: luminance(await style('color')) }
}

/** The lists that are wider than their place. */
const listsCut =
  'Array.from(document.querySelectorAll("section")).filter((s) => s.scrollWidth > s.clientWidth).map((s) => s.id)'

/** What the page takes of a screen that has just got this width: the charts follow some frames later. */
async function settledWidth(page: Page, width: number): Promise<number> {
  const nextFrame = 'new Promise((done) => requestAnimationFrame(() => done(document.documentElement.scrollWidth)))'
  let taken = await evaluate<number>(page, nextFrame)
  for (let frames = 0; taken > width && frames < 100; frames++) taken = await evaluate<number>(page, nextFrame)
  return taken
}

describe('the looks of the live page', function () {
  this.timeout(60_000)
  withBareSockets()
  withBrowser()
  let scene: Scene
  before(async () => {
    scene = await startScene()
    await scene.chat({ model: 'a-model-with-a-name-that-is-much-too-long-for-any-screen-'.repeat(3), user: refused })
    const held = scene.hold({ model: 'another-model-with-a-name-that-is-too-long-'.repeat(3) })
    held.grow(5)
  })
  after(() => scene.close())

  it('are light or dark as the system is, until the button is used, and then as it says', async () => {
    const { page } = await openPage(scene.url, { colorScheme: 'light' })
    await page.locator('main').waitFor()
    const light = await coloursOf(page)
    assert.ok(light.ground > light.ink)
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await coloursOf(page)
    assert.ok(dark.ground < dark.ink)
    await page.getByRole('button', { name: 'Light or dark' }).click()
    assert.deepEqual(await coloursOf(page), light)
    await page.reload()
    assert.deepEqual(await coloursOf(page), light)
  })

  for (const width of [390, 768, 1111, 1280, 1920]) {
    it(`fit a screen of ${width} pixels, and no list loses its first or last column`, async () => {
      const { page, faults } = await openPage(scene.url, { viewport: { width, height: 844 } })
      await untilText(page, '#failures', (text) => text.includes('a-model-with-a-name'))
      await untilText(page, '#requests', (text) => text.includes('another-model'))
      assert.ok((await evaluate<number>(page, 'document.documentElement.scrollWidth')) <= width)
      assert.deepEqual(await evaluate(page, listsCut), [])
      assert.deepEqual(faults, [])
    })
  }

  for (const locale of ['en-US', 'zh-CN']) {
    it(`fit every screen when every upstream rests, in ${locale}`, async () => {
      const { page } = await openPage(scene.url, { locale })
      const body = `data: ${JSON.stringify(frameOfOutage())}\n\n`
      await page.route('**/live', (route) => route.fulfill({ contentType: 'text/event-stream', body }))
      await page.reload()
      await untilText(page, '#upstreams', (text) => text.includes('an-upstream-with'))
      for (const width of [390, 768, 1111, 1241, 1260, 1440, 1920]) {
        await page.setViewportSize({ width, height: 844 })
        assert.ok((await settledWidth(page, width)) <= width, `${width}`)
        assert.deepEqual(await evaluate(page, listsCut), [], `${width}`)
      }
    })
  }

  it('are Chinese for a reader of Chinese', async () => {
    const { page } = await openPage(scene.url, { locale: 'zh-CN' })
    await untilText(page, '#upstreams h2', (text) => text === '上游')
    assert.equal(await evaluate(page, 'document.documentElement.lang'), 'zh')
  })

  it('have a word in both languages for everything that the document leaves open', async () => {
    for (const locale of ['en-US', 'zh-TW']) {
      const { page } = await openPage(scene.url, { locale })
      await page.locator('main').waitFor()
      const blank =
        'Array.from(document.querySelectorAll("[data-word], th, h2, dt")).filter((e) => !e.textContent).length'
      assert.equal(await evaluate(page, blank), 0)
    }
  })
})
