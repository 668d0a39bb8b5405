import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { getStringFromEnv } from '@opentelemetry/core'
import {
  defaultResource,
  envDetector,
  hostDetector,
  processDetector,
  type Resource,
  type ResourceDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import { readVersion } from './version.ts'

/** Where systemd and D-Bus keep the id that `host.id` is; containers mostly have neither. */
const MACHINE_IDS = ['/etc/machine-id', '/var/lib/dbus/machine-id']

/**
 * Who sends these spans. What the operator says in OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES is merged over it.
 * @param worker the worker's slot: a number that grew with every restart would be a new series for each in whatever
 * makes metrics out of spans
 */
export function resourceOf(worker: string): Resource {
  return defaultResource().merge(
    resourceFromAttributes({
      'service.name': 'openai-proxy',
      'service.version': readVersion(),
      'service.instance.id': randomUUID(),
      'worker.id': worker,
    }),
  )
}

/**
 * OpenTelemetry's own three detectors, without what they cannot find out here, of which each worker would warn, and
 * without the command line: an upstream's address in it may hold a key.
 * Undefined where the operator chose by OTEL_NODE_RESOURCE_DETECTORS, which the SDK reads itself.
 * @param machineIds the files of which one holds `host.id`
 */
export function detectorsOfHere(machineIds: readonly string[] = MACHINE_IDS): ResourceDetector[] | undefined {
  if (getStringFromEnv('OTEL_NODE_RESOURCE_DETECTORS') !== undefined) return undefined
  const host = process.platform !== 'linux' || machineIds.some((path) => existsSync(path)) ? [] : ['host.id']
  return [envDetector, without(processDetector, ['process.command_args']), without(hostDetector, host)]
}

function without(detector: ResourceDetector, names: readonly string[]): ResourceDetector {
  return {
    detect(config) {
      const { attributes = {}, ...rest } = detector.detect(config)
      const left = Object.entries(attributes).filter(([name]) => !names.includes(name))
      return { ...rest, attributes: Object.fromEntries(left) }
    },
  }
}
