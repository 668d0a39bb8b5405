import { isIP, SocketAddress } from 'node:net'
import type { Format } from './rows.ts'

/** How ajv checks each `Format`, and what a fault says would be right. */
export const formats: Readonly<Record<Format, { check: (text: string) => boolean; right: string }>> = {
  'http-url': {
    check: isHttpUrl,
    right: 'an http:// or https:// address without spaces, user, password or fragment',
  },
  'forward-proxy-url': {
    check: (text) => hasScheme(text, 'http', 'https') && isDecodable(text),
    right: 'an address such as http://proxy.example:3128, a % in its password written as %25',
  },
  'redis-url': {
    check: (text) => hasScheme(text, 'redis', 'rediss') && isDecodable(text),
    right: 'an address such as redis://127.0.0.1:6379, a % in its password written as %25',
  },
  'address-range': { check: isAddressRange, right: 'an IP address or a CIDR range such as 10.0.0.0/8' },
  host: { check: (text) => /^[\w.:-]+$/.test(text), right: 'an IP address or a host name' },
  // Anything else would make the HTTP client throw on each request, and with the key in its message.
  'header-text': { check: (text) => /^[\x21-\x7e]*$/.test(text), right: 'visible ASCII characters without spaces' },
  // A key without a name cannot have a colon: it would be read as one with a name.
  'proxy-key': {
    check: (text) => /^([A-Za-z0-9][\w.@-]{0,63}:[\x21-\x7e]+|[\x21-\x39\x3b-\x7e]*)$/.test(text),
    right: 'KEY or NAME:KEY, the name of letters, digits, ".", "_", "@" and "-", the key of visible ASCII characters',
  },
  'json-object': { check: isJsonObject, right: 'a JSON object' },
  'upstream-name': {
    check: (text) => /^[\w.:[\]-]{1,64}$/.test(text),
    right: 'a name of 1 to 64 ASCII letters, digits, ".", "_", ":", "[", "]" and "-"',
  },
  // As `limit/keys.ts` wants it: it is part of a key in Redis.
  'client-name': {
    check: (text) => /^[A-Za-z0-9][\w.@-]{0,63}$/.test(text),
    right: 'a name of 1 to 64 ASCII letters, digits, ".", "_", "@" and "-", a letter or a digit first',
  },
  'header-name': {
    check: (text) => /^[\w!#$%&'*+.^`|~-]+$/.test(text),
    right: 'the name of a header, such as x-team',
  },
  'header-value': { check: (text) => /^[\t\x20-\x7e]*$/.test(text), right: 'ASCII text in one line' },
}

function isHttpUrl(text: string): boolean {
  // Addresses with a space or a line break between them would be one, whose path has the others in it.
  if (/\s/.test(text)) return false
  const url = URL.parse(text)
  return hasScheme(text, 'http', 'https') && url?.username === '' && url.password === '' && url.hash === ''
}

function hasScheme(text: string, ...schemes: string[]): boolean {
  const url = URL.parse(text)
  return url !== null && url.hostname !== '' && schemes.includes(url.protocol.slice(0, -1))
}

/** Whether the user's name and password can be decoded, as the clients do when they are made; they would throw there. */
function isDecodable(text: string): boolean {
  const url = URL.parse(text)
  try {
    decodeURIComponent(`${url?.username}:${url?.password}`)
    return true
  } catch {
    return false
  }
}

function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  if (bits < 0 || rest.length > 0) return false
  if (prefix === undefined) return true
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits && Number(prefix) >= (isMapped(address) ? 96 : 0)
}

/** IPv4 written as IPv6, `::ffff:10.0.0.0`: a shorter prefix than the 96 bits before it would span both families. */
function isMapped(address: string): boolean {
  return isIP(address) === 6 && /^::ffff:[\d.]+$/.test(new SocketAddress({ address, family: 'ipv6' }).address)
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
