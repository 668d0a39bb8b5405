import { spawnSync } from 'node:child_process'
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'
import { need } from '../support/need.ts'

/** What a page did that the user does not see. */
export interface Watched {
  readonly page: Page
  /** Errors of scripts, of the console, and violations of the content security policy. */
  readonly faults: readonly string[]
  /** Every address that it asked for. */
  readonly asked: readonly string[]
}

let browser: Browser | undefined

/** To be called in a suite: real Chromium, started once for it. */
export function withBrowser(): void {
  before(async function () {
    need(this, { command: 'chromium', brings: 'chromium', without: 'WITHOUT_CHROMIUM' })
    browser = await chromium.launch({ executablePath: pathOf('chromium'), args: ['--no-sandbox'] })
  })
  // A page that is left open goes on drawing, beside the next one.
  afterEach(async () => {
    for (const context of browser?.contexts() ?? []) await context.close()
  })
  after(() => browser?.close())
}

/** A browser that knows nothing of others' cookies, at this address. */
export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  if (browser === undefined) throw new Error('withBrowser() has not been called')
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', ...options })
  const page = await context.newPage()
  const faults: string[] = []
  const asked: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('request', (request) => asked.push(request.url()))
  await page.goto(url)
  return { page, faults, asked }
}

/** A script's number or string in the page; as text, since this side knows nothing of documents. */
export async function evaluate<Value>(page: Page, expression: string): Promise<Value> {
  return page.evaluate(expression)
}

/** Of a table's row, the cell under a title. */
export function cellOf(page: Page, section: string, row: string, title: string) {
  return page.locator(`#${section} tbody tr`, { hasText: row }).locator(`td[data-label="${title}"]`)
}

/** The text that can be seen, with something between cells; empty while there is no such element. */
export async function textOf(locator: Locator): Promise<string> {
  const texts = await locator.allInnerTexts()
  return texts.join()
}

/** Waits until a text fits: the page is told once a second. */
export async function untilText(page: Page, selector: string, fits: (text: string) => boolean): Promise<string> {
  for (;;) {
    const text = await textOf(page.locator(selector))
    if (fits(text)) return text
    await page.evaluate('new Promise(requestAnimationFrame)')
  }
}

function pathOf(command: string): string {
  return spawnSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).stdout.trim()
}
