type Environment = Record<string, string | undefined>

/**
 * Whether traces are to be made: only when they have somewhere to go. Without an endpoint OpenTelemetry would try
 * localhost for ever, and its instrumentations alone cost a request more than everything else that is measured.
 */
export function tracingWanted(env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return false
  if (env.OTEL_TRACES_EXPORTER?.trim() === 'none') return false
  return [env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some((url) => url?.trim())
}

/**
 * What this program sets where the operator has not; OpenTelemetry reads its settings from the environment only.
 *
 * Instrumentations that are off: those that only add noise (fs, net, dns), and those whose work is done here for a
 * fraction of their cost, http by `server-span.ts`, koa and router by the stages, pino by the log's own mixin.
 * runtime-node measures only for OpenTelemetry's metrics, and costs 20 µs a request even when nobody reads them.
 */
function otelDefaults(env: Environment): Record<string, string> {
  const extra = [exports(env.OTEL_METRICS_EXPORTER) && 'runtime-node', exports(env.OTEL_LOGS_EXPORTER) && 'pino']
  return {
    OTEL_NODE_ENABLED_INSTRUMENTATIONS: ['undici', 'ioredis', ...extra.filter(Boolean)].join(','),
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
    // Metrics are Prometheus's and logs are pino's; OpenTelemetry's own default would send both to the collector too.
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    // A client's model name or path may be megabytes, and thousands of spans wait in memory.
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1024',
  }
}

function exports(exporter: string | undefined): boolean {
  return Boolean(exporter?.trim()) && exporter?.trim() !== 'none'
}

/** Adds the defaults to an environment; what the operator has set stays. */
export function applyOtelDefaults(env: Environment): void {
  for (const [name, value] of Object.entries(otelDefaults(env))) {
    // An empty value means unset: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    if (!env[name]?.trim()) env[name] = value
  }
}
