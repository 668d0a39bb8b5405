import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { basename } from 'node:path'

/** A process that listens on a port. */
export interface PortOwner {
  readonly pid: number
  /** Its program, with the script where the program is an interpreter. Further arguments may hold secrets. */
  readonly command: string
}

/** The state of a socket that listens, as Linux writes it: include/net/tcp_states.h. */
const listening = '0A'

/**
 * Who listens on a port of this machine, as far as this user may know: Linux tells of other users' processes only to
 * root. Undefined elsewhere, and where the owner is in another container.
 */
export function portOwner(port: number, host: string): PortOwner | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listenersIn(readOr(file), port, host)))
  if (inodes.size === 0) return undefined
  const pids = listOr('/proc').map(Number).filter(Number.isInteger)
  // The parent of a cluster is the older one, and the one to be stopped.
  const pid = pids.sort((a, b) => a - b).find((each) => holds(each, inodes))
  return pid === undefined ? undefined : { pid, command: commandOf(readOr(`/proc/${pid}/cmdline`)) }
}

/**
 * The inodes of the sockets that listen on the port in the way of `host`: on that address, or where either is all of
 * them. https://docs.kernel.org/networking/proc_net_tcp.html
 */
export function listenersIn(table: string, port: number, host: string): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  // The four bytes of an address of IPv4, the last one first; a name, or one of IPv6, is taken to be any.
  const address = isIPv4(host) && host !== '0.0.0.0' ? Buffer.from(host.split('.').map(Number)).reverse() : undefined
  const ending = address?.toString('hex').toUpperCase() ?? ''
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => {
      const [listensOn = '', at] = local.split(':')
      return state === listening && at === wanted && (listensOn.endsWith(ending) || /^0+$/.test(listensOn))
    })
    .map((fields) => `socket:[${fields[9]}]`)
}

/** `node server.js` of `/usr/bin/node␀--max-old-space-size=99␀/srv/server.js␀--key␀secret`. */
export function commandOf(cmdline: string): string {
  const [program = '', ...args] = cmdline.split('\0')
  const script = args.find((arg) => !arg.startsWith('-'))
  const known = script !== undefined && /\.(m|c)?[jt]s$|\.py$|\//.test(script)
  return known ? `${basename(program)} ${script}` : basename(program)
}

function holds(pid: number, inodes: ReadonlySet<string>): boolean {
  return listOr(`/proc/${pid}/fd`).some((fd) => inodes.has(readOr(`/proc/${pid}/fd/${fd}`, readlinkSync)))
}

// What cannot be read belongs to somebody else, or has just ended: nothing is known of it then, and that is all.
function readOr(path: string, read: (path: string) => string = (each) => readFileSync(each, 'utf8')): string {
  try {
    return read(path)
  } catch {
    return ''
  }
}

function listOr(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
