import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import { MappingType, ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'

/** The data source by the uid that provisioning gives it. */
export const prometheus = { type: 'prometheus', uid: 'prometheus' }

export interface Query {
  readonly expr: string
  /** A template for the name of each line, such as `{{upstream}}`. */
  readonly legend?: string
  /** Marks points that lead to the trace of one request. */
  readonly exemplars?: boolean
}

interface Common {
  readonly title: string
  /** One sentence: what it shows, and what a bad value means. */
  readonly help: string
  /** One of Grafana's unit ids: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts */
  readonly unit: string
  readonly queries: readonly Query[]
  /** From which value on it is yellow, and from which red. */
  readonly limits?: readonly [warn: number, bad: number]
  /** Columns of 24. */
  readonly width?: number
}

export interface Graph extends Common {
  /** Adds the lines up: as they are, or as shares of the whole. */
  readonly stack?: 'sum' | 'share'
  readonly max?: number
}

export interface Figure extends Common {
  /** Words in place of values. */
  readonly words?: Readonly<Record<string, string>>
}

function target({ expr, legend, exemplars }: Query, index: number): DataqueryBuilder {
  const builder = new DataqueryBuilder()
    .refId(String.fromCharCode(65 + index))
    .datasource(prometheus)
    .expr(expr)
    .legendFormat(legend ?? '')
    .range()
  return exemplars ? builder.exemplar(true) : builder
}

function thresholds(limits: Common['limits']): ThresholdsConfigBuilder {
  const steps = [{ value: null, color: limits ? 'green' : 'text' }]
  const [warn, bad] = limits ?? []
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([
      ...steps,
      ...(warn === undefined || warn === bad ? [] : [{ value: warn, color: 'yellow' }]),
      ...(bad === undefined ? [] : [{ value: bad, color: 'red' }]),
    ])
}

/** Lines over time. */
export function graph({ title, help, unit, queries, limits, width = 8, stack, max }: Graph): TimeseriesBuilder {
  const legend = new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(true)
  const builder = new TimeseriesBuilder()
    .title(title)
    .description(help)
    .datasource(prometheus)
    .unit(unit)
    .min(0)
    .span(width)
    .height(8)
    .thresholds(thresholds(limits))
    .drawStyle(GraphDrawStyle.Line)
    .lineWidth(stack ? 0 : 1)
    .fillOpacity(stack ? 60 : 5)
    .legend(legend)
    // Every line's value under the pointer, the greatest first: with many lines the one that matters is there.
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .targets(queries.map(target))
  if (stack) {
    const mode = stack === 'share' ? StackingMode.Percent : StackingMode.Normal
    builder.stacking(new StackingConfigBuilder().mode(mode))
  }
  if (limits) builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
  return max === undefined ? builder : builder.max(max)
}

/** One number for each series, with its way there behind it. */
export function figure({ title, help, unit, queries, limits, width = 4, words }: Figure): StatBuilder {
  const builder = new StatBuilder()
    .title(title)
    .description(help)
    .datasource(prometheus)
    .unit(unit)
    .span(width)
    .height(4)
    .thresholds(thresholds(limits))
    .colorMode(limits ? BigValueColorMode.Background : BigValueColorMode.Value)
    .graphMode(words ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .noValue('no traffic')
    .targets(queries.map(target))
  if (!words) return builder
  const options = Object.fromEntries(Object.entries(words).map(([value, text]) => [value, { text }]))
  return builder.mappings([{ type: MappingType.ValueToText, options }])
}
