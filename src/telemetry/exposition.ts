import type { Family, Sample, Snapshot } from './snapshot.ts'

export type ExpositionFormat = 'prometheus' | 'openmetrics'

/** https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/ */
const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/**
 * The format that a scraper's `Accept` header prefers: OpenMetrics, which alone can carry exemplars, where it is named and
 * weighs no less than text. Prometheus names both, and says by weights which `scrape_protocols` puts first.
 */
export function negotiate(accept = ''): ExpositionFormat {
  const ranges = accept.toLowerCase().split(',').map(readRange)
  const open = weightOf('application/openmetrics-text', ranges) ?? 0
  const text = ['text/plain', 'text/*', '*/*']
    .map((type) => weightOf(type, ranges))
    .find((weight) => weight !== undefined)
  return open > 0 && open >= (text ?? 0) ? 'openmetrics' : 'prometheus'
}

interface MediaRange {
  readonly type: string
  /** 0 to 1; 0 means "not this one". */
  readonly weight: number
}

/** RFC 9110, sections 12.4.2 and 12.5.1. */
function readRange(range: string): MediaRange {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  return { type, weight: weight === undefined ? 1 : Number(weight) || 0 }
}

/** Of several versions of a type the one that weighs most; undefined where the header does not name it. */
function weightOf(type: string, ranges: readonly MediaRange[]): number | undefined {
  const weights = ranges.filter((range) => range.type === type).map(({ weight }) => weight)
  return weights.length === 0 ? undefined : Math.max(...weights)
}

/**
 * Writes metrics as a scraper reads them. prom-client's own writer works only on metrics that live in a registry,
 * and what comes here was added up from several.
 */
export function write(snapshot: Snapshot, format: ExpositionFormat): { body: string; contentType: string } {
  const open = format === 'openmetrics'
  let body = ''
  for (const family of snapshot) body += writeFamily(family, open)
  return { body: open ? `${body}# EOF\n` : body, contentType: contentTypes[format] }
}

function writeFamily({ name, help, type, values }: Family, open: boolean): string {
  // OpenMetrics names a counter without its suffix and each of its lines with it.
  const family = open && type === 'counter' ? name.replace(/_total$/, '') : name
  const line = open && type === 'counter' ? `${family}_total` : name
  let text = `# HELP ${family} ${escapeHelp(help)}\n# TYPE ${family} ${type}\n`
  for (const sample of values) {
    text += `${sample.metricName ?? line}${writeLabels(sample.labels)} ${writeNumber(sample.value)}`
    text += open ? `${writeExemplar(sample)}\n` : '\n'
  }
  return text
}

function writeExemplar({ exemplar }: Sample): string {
  if (!exemplar) return ''
  return ` # ${writeLabels(exemplar.labelSet) || '{}'} ${writeNumber(exemplar.value)} ${exemplar.timestamp}`
}

function writeLabels(labels: Sample['labels']): string {
  let text = ''
  for (const name in labels) {
    const value = labels[name]
    if (value === undefined) continue
    text += `${text === '' ? '{' : ','}${name}="${typeof value === 'number' ? writeNumber(value) : escapeLabel(value)}"`
  }
  return text === '' ? '' : `${text}}`
}

// JavaScript's words for these (Infinity, -Infinity) are not those of the format.
function writeNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

// A model's name comes from the client: unescaped, a line break in it would be a metric of the client's own.
function escapeLabel(value: string): string {
  return escapeHelp(value).replaceAll('"', '\\"')
}

function escapeHelp(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
