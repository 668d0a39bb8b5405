/** The time over which rates are taken: Grafana's own, at least four scrapes. */
const window = '[$__rate_interval]'

const ours = 'job="openai-proxy", instance=~"$instance"'

/** A series of the proxies that are chosen above, with further matchers. */
export function series(name: string, matchers = ''): string {
  return `${name}{${ours}${matchers === '' ? '' : `, ${matchers}`}}`
}

/** Counts a second, added up by labels. */
export function rate(name: string, by: string, matchers = ''): string {
  return `sum${by === '' ? '' : ` by (${by})`} (rate(${series(name, matchers)}${window}))`
}

/** A quantile of a histogram. `by` are the labels that get lines of their own. */
export function quantile(q: number, name: string, by = '', matchers = ''): string {
  const labels = by === '' ? 'le' : `le, ${by}`
  return `histogram_quantile(${q}, ${rate(`${name}_bucket`, labels, matchers)})`
}

/** The mean of a histogram's observations. */
export function mean(name: string, by = '', matchers = ''): string {
  return `${rate(`${name}_sum`, by, matchers)} / ${rate(`${name}_count`, by, matchers)}`
}

/** The part of a counter that fits, of the whole; 0 while nothing fits, where a division would give nothing. */
export function share(name: string, by: string, fits: string, matchers = ''): string {
  const both = matchers === '' ? fits : `${matchers}, ${fits}`
  const whole = rate(name, by, matchers)
  return `(${rate(name, by, both)} or 0 * ${whole}) / ${whole}`
}
