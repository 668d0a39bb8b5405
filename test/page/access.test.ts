import assert from 'node:assert/strict'
import { withBareSockets } from '../cluster/bare.ts'
import { startProgram } from '../cluster/program.ts'
import { evaluate, openPage, untilText, withBrowser } from './browser.ts'
import { refused, type Scene, startScene } from './traffic.ts'

const token = 'the-token-of-the-operator'

describe('who may see the live page', function () {
  this.timeout(60_000)
  withBareSockets()
  withBrowser()
  let scene: Scene
  beforeEach(async () => {
    scene = await startScene({ ADMIN_TOKEN: token, LOG_LEVEL: 'trace' })
  })
  afterEach(() => scene.close())

  it('is asked for the token once, and then known by a cookie that no script can read', async () => {
    const { page, asked } = await openPage(scene.url)
    const signIn = page.getByRole('button', { name: 'Show the page' })
    await signIn.waitFor()
    assert.equal(await page.locator('main').isVisible(), false)
    await page.getByLabel('Admin token').fill('wrong')
    await signIn.click()
    await page.getByText('That is not the token.').waitFor()
    await page.getByLabel('Admin token').fill(token)
    await signIn.click()
    await page.locator('main').waitFor()
    await page.reload()
    await page.locator('main').waitFor()
    assert.equal(await evaluate(page, 'document.cookie'), '')
    assert.equal(JSON.stringify(await page.context().cookies()).includes(token), false)
    assert.equal([...asked, ...scene.program.lines.map((line) => JSON.stringify(line))].join().includes(token), false)
  })

  it('is asked again after signing out', async () => {
    const { page } = await openPage(scene.url)
    await page.getByLabel('Admin token').fill(token)
    await page.getByRole('button', { name: 'Show the page' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Show the page' }).waitFor()
    assert.deepEqual(await page.context().cookies(), [])
  })

  it('goes on seeing it when the program was away and has come back', async () => {
    const { page } = await openPage(scene.url)
    await page.getByLabel('Admin token').fill(token)
    await page.getByRole('button', { name: 'Show the page' }).click()
    await page.getByText('live', { exact: true }).waitFor()
    const { adminPort } = scene.program
    scene.program.signal('SIGKILL')
    await scene.program.ended
    await page.getByText('reconnecting…').waitFor()
    await startProgram({
      env: { UPSTREAM_API_URL: 'http://127.0.0.1:9', WORKERS: '0', ADMIN_TOKEN: token, ADMIN_PORT: String(adminPort) },
    })
    await page.getByText('live', { exact: true }).waitFor()
    await untilText(page, '#upstreams', (text) => !text.includes('near'))
  })
})

describe('a hostile client and the live page', function () {
  this.timeout(60_000)
  withBareSockets()
  withBrowser()
  let scene: Scene
  beforeEach(async () => {
    scene = await startScene()
  })
  afterEach(() => scene.close())

  it('sees its markup shown as text, under way and when it has failed', async () => {
    const model = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>'
    const held = scene.hold({ model })
    held.grow(1)
    const failed = scene.chat({ model, user: refused })
    assert.equal(await failed, 400)
    const { page, faults, asked } = await openPage(scene.url)
    await untilText(page, '#requests', (text) => text.includes(model))
    await untilText(page, '#failures', (text) => text.includes(model.slice(0, 100)))
    assert.equal(await evaluate(page, 'document.querySelectorAll("main img, main script").length'), 0)
    assert.equal(await page.title(), 'openai-proxy')
    assert.equal(
      asked.some((address) => new URL(address).pathname.endsWith('/x')),
      false,
    )
    assert.deepEqual(faults, [])
    assert.equal(await held.end(), 200)
  })

  it('cannot make one request hide another by its id', async () => {
    const held = [1, 2].map((n) => scene.hold({ model: `model-${n}` }))
    for (const each of held) each.grow(1)
    const { page } = await openPage(scene.url)
    await untilText(page, '#requests', (text) => text.includes('model-1') && text.includes('model-2'))
    for (const each of held) await each.end()
  })
})
