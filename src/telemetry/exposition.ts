import type { Family, Sample, Snapshot } from './snapshot.ts'

export type ExpositionFormat = 'prometheus' | 'openmetrics'

/** https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/ */
const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** The format that a scraper's `Accept` header asks for; OpenMetrics is the one that can carry exemplars. */
export function negotiate(accept: string | undefined): ExpositionFormat {
  return accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus'
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
