import { context, type DiagLogger, DiagLogLevel, diag, ROOT_CONTEXT } from '@opentelemetry/api'
import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node'
import { getNumberFromEnv, getStringFromEnv, setGlobalErrorHandler } from '@opentelemetry/core'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { systemClock } from '../clock.ts'
import { deliverSpans } from './deliver.ts'
import { instrumentationOptions } from './instrumentations.ts'
import { spanExporter } from './otlp/exporter.ts'
import { detectorsOfHere, resourceOf } from './resource.ts'
import { sparing } from './sparing.ts'
import { emitWarning, type Tracing } from './tracing.ts'

/**
 * Starts OpenTelemetry: from here on what is loaded is instrumented. Sampler, propagators, limits and resource
 * attributes are read by the SDK itself from the `OTEL_*` variables.
 * @param worker the worker's slot, as in the metrics' label `worker` and the log's name
 */
export function startSdk(worker: string): Tracing {
  const warn = quietly()
  warnOfProtocol()
  warnOfExporter()
  const delivery = deliverSpans({
    exporter: spanExporter(),
    maxQueueSize: positive('OTEL_BSP_MAX_QUEUE_SIZE', 2048),
    maxExportBatchSize: positive('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
    scheduledDelayMillis: positive('OTEL_BSP_SCHEDULE_DELAY', 5000),
    exportTimeoutMillis: positive('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
    warn,
  })
  const resourceDetectors = detectorsOfHere()
  const sdk = new NodeSDK({
    resource: resourceOf(worker),
    ...(resourceDetectors && { resourceDetectors }),
    spanProcessors: [delivery.processor],
    instrumentations: getNodeAutoInstrumentations(instrumentationOptions()),
  })
  sdk.start()
  return { shutdown: () => sdk.shutdown(), writesContext: isInstrumented('undici'), dropped: delivery.dropped }
}

/** Whether the operator, or this program's own default, has an instrumentation on. */
function isInstrumented(name: string): boolean {
  const named = (variable: string) => (getStringFromEnv(variable) ?? '').split(',').some((one) => one.trim() === name)
  return named('OTEL_NODE_ENABLED_INSTRUMENTATIONS') && !named('OTEL_NODE_DISABLED_INSTRUMENTATIONS')
}

/** A number that OpenTelemetry's variable gives; with batches of none, the processor would send them for ever. */
function positive(name: string, otherwise: number): number {
  const given = getNumberFromEnv(name)
  if (given === undefined || given >= 1) return given ?? otherwise
  emitWarning(`${name} is ${given}, which is not 1 or more; ${otherwise} is used`, 0)
  return otherwise
}

/** Sent to a port for gRPC, everything would be refused, and nothing would say why. */
function warnOfProtocol(): void {
  const [traces, all] = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'].map(getStringFromEnv)
  const protocol = traces ?? all ?? 'http/protobuf'
  if (protocol === 'http/protobuf') return
  emitWarning(`Traces go out as http/protobuf, mostly to port 4318; ${protocol} is not supported`, 0)
}

/** `console`, say, would show nothing, and nothing would say why. */
function warnOfExporter(): void {
  const exporter = getStringFromEnv('OTEL_TRACES_EXPORTER') ?? 'otlp'
  if (exporter !== 'otlp') emitWarning(`Traces go out by otlp; ${exporter} is not supported`, 0)
}

/** Lets OpenTelemetry complain once a minute instead of once for every batch. `OTEL_LOG_LEVEL` brings its own log back. */
function quietly(): (message: string) => void {
  // Outside of any request: the one that happened to set an export off has nothing to do with it.
  const emit = (message: string, heldBack: number) =>
    context.with(ROOT_CONTEXT, emitWarning, undefined, message, heldBack)
  const warn = sparing(systemClock, 60_000, emit)
  // What follows the texts may be a whole request or answer. The first text is often only the part's name.
  const say = (...parts: unknown[]) => warn(parts.flatMap(wordOf).join(': '))
  const silent = () => undefined
  const logger: DiagLogger = { error: say, warn: say, info: silent, debug: silent, verbose: silent }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  // Its own handler writes the whole error with its stack, for something that says nothing new.
  setGlobalErrorHandler(() => warn('OpenTelemetry had an error of its own. Requests are not affected.'))
  return warn
}

/** Of an error its code only: the rest may quote what it was about. */
function wordOf(part: unknown): string[] {
  if (typeof part === 'string') return [part]
  return part instanceof Error && 'code' in part ? [String(part.code)] : []
}
