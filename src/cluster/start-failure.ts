import type { Settings } from '../config/settings.ts'
import { portOwner } from './port-owner.ts'

/** Why the program cannot start, in a sentence for the operator. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure'
}

type Address = { port: number; host: string; portSetting: 'PORT' | 'ADMIN_PORT'; hostSetting: 'HOST' | 'ADMIN_HOST' }

/** What a failed `listen` means, with the setting to change. */
export function describeListenFailure(error: unknown, address: Address): string {
  const { port, host, portSetting, hostSetting } = address
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') {
    return `${portSetting}: port ${port} on ${host} is taken by another program${ownerOf(port, host)}; stop that one, or choose another port`
  }
  if (code === 'EACCES') return `${portSetting}: port ${port} may not be used by this user; choose one above 1023`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `${hostSetting}: ${host} is no address of this machine; 0.0.0.0 listens on all of them`
  }
  return error instanceof Error ? error.message : 'an unknown error'
}

function ownerOf(port: number, host: string): string {
  const owner = portOwner(port, host)
  return owner === undefined ? '' : ` (process ${owner.pid}, ${owner.command})`
}

/** Why a worker could not start: mostly its port; else what the app or the log said. */
export function describeStartFailure(error: unknown, { port, host }: Pick<Settings, 'port' | 'host'>): string {
  return describeListenFailure(error, { port, host, portSetting: 'PORT', hostSetting: 'HOST' })
}

/** What to say to whoever runs the program under a Node older than package.json's `engines` allow; undefined if not. */
export function nodeTooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) return undefined
  return `this is Node ${version}; install Node 22.19 or later`
}
