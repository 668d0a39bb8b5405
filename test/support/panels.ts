import { readdirSync, readFileSync } from 'node:fs'

/** What a test asks of a panel, as the committed JSON has it. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly uid: string }
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly exemplar?: boolean }[]
}

export interface Board {
  readonly file: string
  readonly uid: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string }[] }
}

const folder = new URL('../../deploy/grafana/dashboards/', import.meta.url)

/** The dashboards that Grafana is given. */
export function boards(): Board[] {
  return readdirSync(folder).map((file) => ({ file, ...JSON.parse(readFileSync(new URL(file, folder), 'utf8')) }))
}

/** The panels that show something, headings left out. */
export function shown({ panels }: Board): Panel[] {
  return panels.filter(({ type }) => type !== 'row')
}

/** An expression as Grafana sends it: its variables in their places. */
export function substituted(expr: string, rateInterval: string): string {
  return expr.replaceAll('$__rate_interval', rateInterval).replaceAll('$instance', '.*')
}
