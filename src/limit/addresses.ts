import { BlockList, isIP, SocketAddress } from 'node:net'

/**
 * An address in its one canonical form, or undefined when `text` is none. IPv4 in IPv6 (`::ffff:192.0.2.1`) becomes
 * IPv4, since a socket that listens on `::` reports IPv4 clients that way. A port and a zone are dropped; some load
 * balancers write the port into X-Forwarded-For.
 */
export function canonicalAddress(text: string): string | undefined {
  const address = withoutPort(text.trim())
  if (isIP(address) === 4) return address
  if (isIP(address) !== 6) return undefined
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address
  return canonical.startsWith('::ffff:') && isIP(canonical.slice(7)) === 4 ? canonical.slice(7) : canonical
}

/**
 * The client's address behind `hops` trusted proxies. Each proxy appends the address that it was asked from, so the
 * list is read from the right, and what stands further left than `hops` entries was written by the client.
 * `peer` is the socket's address, undefined once the socket is gone; `forwarded` the X-Forwarded-For header.
 * An entry that is no address means that the chain is not as configured: then only the socket is believed.
 */
export function clientAddress(
  peer: string | undefined,
  forwarded: string | undefined,
  hops: number,
): string | undefined {
  const nearest = peer === undefined ? undefined : canonicalAddress(peer)
  let client = nearest
  let end = forwarded?.length ?? 0
  // Only as much of the header is looked at as is believed: a client can fill the rest with thousands of entries.
  for (let hop = 0; hop < hops && forwarded && end >= 0; hop++) {
    const comma = end > 0 ? forwarded.lastIndexOf(',', end - 1) : -1
    client = canonicalAddress(forwarded.slice(comma + 1, end))
    if (client === undefined) return nearest
    end = comma
  }
  return client
}

/**
 * What one client has to itself: an IPv4 address, or the /64 of an IPv6 one, both canonical. A home or a virtual machine
 * gets a /64 at least (RFC 6177), and with limits for each address it would have 2^64 times its share.
 */
export function networkOf(address: string): string {
  if (familyOf(address) === 'ipv4') return address
  const [start = '', end] = address.split('::')
  const first = start === '' ? [] : start.split(':')
  const last = end ? end.split(':') : []
  const gap = end === undefined ? 0 : 8 - first.length - last.length
  const groups = [...first, ...Array(gap).fill('0'), ...last].slice(0, 4)
  return `${new SocketAddress({ address: `${groups.join(':')}::`, family: 'ipv6' }).address}/64`
}

/**
 * Tells which addresses, in canonical form, are on a list of addresses and CIDR ranges; an empty list has them all.
 * Throws an Error that names the entry which is neither.
 */
export function allowList(entries: readonly string[]): (address: string | undefined) => boolean {
  if (entries.length === 0) return () => true
  // One list for each family: Node's own would let the range ::/0 in a common list match every IPv4 address.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const entry of entries) {
    const { address, prefix, family } = readRange(entry)
    lists[family].addSubnet(address, prefix, family)
  }
  return (address) => {
    if (address === undefined) return false
    const family = familyOf(address)
    return lists[family].check(address, family)
  }
}

interface Range {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

function readRange(entry: string): Range {
  const [base = '', length, ...rest] = entry.trim().split('/')
  const address = isIP(base) === 0 ? undefined : canonicalAddress(base)
  const bits = isIP(base) === 4 ? 32 : 128
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
  if (address === undefined || rest.length > 0 || !(prefix <= bits)) throw notARange(entry)
  const family = familyOf(address)
  // A mapped range is written with the 96 bits of ::ffff:0:0 before the IPv4 part; a shorter one would span both.
  const mapped = family === 'ipv4' && bits === 128
  if (mapped && prefix < 96) throw notARange(entry)
  return { address, prefix: mapped ? prefix - 96 : prefix, family }
}

function notARange(entry: string): Error {
  return new Error(`"${entry}" is no IP address or CIDR range. Write it as 192.0.2.0/24 or 2001:db8::/32.`)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

/** `192.0.2.1:443` and `[2001:db8::1]:443`; a bare IPv6 address has colons of its own and stays as it is. */
function withoutPort(text: string): string {
  const match = /^\[([^\]]*)\](?::\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)
  return match?.[1] ?? match?.[2] ?? text
}
