import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { prometheus } from './panel.ts'

interface PanelBuilder extends Builder<Panel> {
  id(id: number): PanelBuilder
}

export interface Page {
  /** The name of the file, and of the address in Grafana. */
  readonly uid: string
  readonly title: string
  readonly help: string
  /** Each heading with its panels, the answer first and its causes under it. */
  readonly rows: Readonly<Record<string, readonly PanelBuilder[]>>
}

const tag = 'openai-proxy'

/** The traces of the last hour in Grafana's own view of Jaeger. */
function tracesLink(): DashboardLinkBuilder {
  const queries = [{ refId: 'A', queryType: 'search', service: 'openai-proxy' }]
  const panes = { traces: { datasource: 'jaeger', queries, range: { from: 'now-1h', to: 'now' } } }
  return new DashboardLinkBuilder('Traces')
    .type(DashboardLinkType.Link)
    .icon('bolt')
    .url(`/explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify(panes))}`)
}

function otherPages(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('Other pages')
    .type(DashboardLinkType.Dashboards)
    .tags([tag])
    .keepTime(true)
    .includeVars(true)
}

/** One process, or all of them. */
function instanceVariable(): QueryVariableBuilder {
  return (
    new QueryVariableBuilder('instance')
      .label('Process')
      .datasource(prometheus)
      .query('label_values(proxy_build_info{job="openai-proxy"}, instance)')
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.AlphabeticalAsc)
      .multi(true)
      .includeAll(true)
      // A regular expression of every process there ever was would grow too long.
      .allValue('.*')
      .current({ selected: true, text: 'All', value: '$__all' })
  )
}

/** A dashboard as Grafana reads it. */
export function build({ uid, title, help, rows }: Page): Dashboard {
  const builder = new DashboardBuilder(`openai-proxy / ${title}`)
    .uid(uid)
    .description(help)
    .tags([tag])
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(instanceVariable())
    .link(otherPages())
    .link(tracesLink())
  // Fixed, so that a link to a panel still holds when the page is made anew.
  let id = 0
  for (const [heading, panels] of Object.entries(rows)) {
    builder.withRow(new RowBuilder(heading).id(++id))
    for (const panel of panels) builder.withPanel(panel.id(++id))
  }
  return builder.build()
}
