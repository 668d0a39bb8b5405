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
 * fraction of their cost, http by `server-span.ts`, koa and router by the stages. runtime-node measures only for
 * OpenTelemetry's metrics, so it is on where these go out. Measured in docs/decisions/0012-instrumentations.md.
 */
function otelDefaults(env: Environment): Record<string, string> {
  const always = 'undici,ioredis,pino'
  return {
    OTEL_NODE_ENABLED_INSTRUMENTATIONS: isExported(env.OTEL_METRICS_EXPORTER) ? `${always},runtime-node` : always,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
    // Metrics are Prometheus's and logs are pino's; OpenTelemetry's own default would send both to the collector too.
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    // A client's model name or path may be megabytes, and thousands of spans wait in memory.
    // The SDK heeds this one before the general one, which the operator may have set.
    ...(!env.OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT?.trim() && { OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '1024' }),
  }
}

/** Whether an exporter that `OTEL_METRICS_EXPORTER` or `OTEL_LOGS_EXPORTER` names sends anything. */
export function isExported(exporter: string | undefined): boolean {
  return Boolean(exporter?.trim()) && exporter?.trim() !== 'none'
}

/** Adds the defaults to an environment; what the operator has set stays. */
export function applyOtelDefaults(env: Environment): void {
  for (const [name, value] of Object.entries(otelDefaults(env))) {
    // An empty value means unset: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    if (!env[name]?.trim()) env[name] = value
  }
}
