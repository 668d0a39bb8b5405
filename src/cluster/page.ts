import { readdirSync, readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { ProxyError } from '../errors.ts'

interface Asset {
  readonly type: string
  readonly body: string
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  js: 'text/javascript; charset=utf-8',
  ts: 'text/javascript; charset=utf-8',
}

/** Whatever a hostile model name might become in the page, it neither runs nor calls home. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // A new version must not meet modules of the old one.
  'cache-control': 'no-store',
}

const folder = new URL('../page/', import.meta.url)
let loaded: ReadonlyMap<string, Asset> | undefined

/** Sends the page, or a file that it is made of: `page.html`, `main.js`. Throws not_found. */
export function sendPage(res: ServerResponse, name: string): void {
  loaded ??= load()
  // Run from `src/` there are TypeScript files; the page's first script is asked for as if there were not.
  const asset = loaded.get(name) ?? loaded.get(name.replace(/\.js$/, '.ts'))
  if (asset === undefined) throw new ProxyError('not_found', { message: 'The live page has no such file.' })
  res.writeHead(200, { ...headers, 'content-type': asset.type }).end(asset.body)
}

/** Reads all files once, when somebody first looks: most processes are never looked at. */
function load(): ReadonlyMap<string, Asset> {
  const { resolve } = createRequire(import.meta.url)
  const read = (file: string | URL) => readFileSync(file, 'utf8')
  const own = readdirSync(folder).flatMap((name) => {
    const ending = name.split('.').at(-1) ?? ''
    const type = types[ending]
    if (type === undefined || name.endsWith('.d.ts')) return []
    const text = read(new URL(name, folder))
    return [[name, { type, body: ending === 'ts' ? stripTypeScriptTypes(text) : text }] as const]
  })
  return new Map<string, Asset>([
    ...own,
    ['uplot.js', { type: types.js ?? '', body: read(resolve('uplot/dist/uPlot.esm.js')) }],
    ['uplot.css', { type: types.css ?? '', body: read(resolve('uplot/dist/uPlot.min.css')) }],
  ])
}
