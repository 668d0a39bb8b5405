/**
 * Starts tracing, if it is wanted, before anything that is to be traced has been loaded:
 * `node --import ./src/telemetry/register.ts …`, or `await import()` of this file ahead of all else.
 *
 * It reads `process.env` itself, which elsewhere only `config/` does: the `OTEL_*` names are OpenTelemetry's own, its
 * packages read them from there, and at this point no configuration has been loaded.
 */
import { applyOtelDefaults, tracingWanted } from './otel-env.ts'
import { setTracing } from './tracing.ts'

// ES modules that the operator may want instrumented. They must be intercepted while they are loaded; left to itself
// the hook would intercept every module, and client spans would come twice.
const INTERCEPTED = ['ioredis', 'pino', 'koa', '@koa/router']

// Loaded only now: without tracing the packages alone would cost each worker 50 MB and a quarter of a second.
if (tracingWanted(process.env)) {
  applyOtelDefaults(process.env)
  // The instrumentations look at every file that is required from then on. The 300 of date-fns, which the log's rotation
  // brings along, took them half a second and 145 MB of heap that V8 does not give back; now they come before.
  await import('pino-roll')
  const { register, supportsSyncHooks } = await import('import-in-the-middle/register-hooks.mjs')
  if (supportsSyncHooks()) register({ include: INTERCEPTED })
  const { startSdk } = await import('./sdk.ts')
  setTracing(startSdk(process.env.OPENAI_PROXY_WORKER ?? '0'))
}
