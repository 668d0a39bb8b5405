/**
 * Why a connection failed, and what to do. The codes are Node's and OpenSSL's:
 * https://nodejs.org/api/errors.html#common-system-errors and https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its host name has no address in DNS; correct the name, or look at the DNS of this machine',
  EAI_AGAIN: 'DNS does not answer; look at the network and the DNS of this machine',
  ECONNREFUSED: 'nothing listens at that host and port; start it there, or correct the address',
  EHOSTUNREACH: 'there is no way from this machine to that host; look at the network, or at HTTPS_PROXY',
  ENETUNREACH: 'there is no way from this machine to that host; look at the network, or at HTTPS_PROXY',
  EPROTO: 'it does not speak TLS there; perhaps it wants http://',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired; whoever runs it must renew it',
  CERT_NOT_YET_VALID: 'its TLS certificate is not valid yet; look at the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for other names than this host; correct the host name',
}

/** OpenSSL has a dozen codes for a certificate whose authority is not known here. */
const untrusted = /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|^CERT_/

/** A sentence's end for the error of a connection that failed; it quotes nothing of the error but its code. */
export function whyUnreachable(error: unknown): string {
  const code = codeIn(error)
  if (code === undefined) return broken
  // OpenSSL's own codes are for what it read instead of TLS.
  const known = reasons[code.startsWith('ERR_SSL') ? 'EPROTO' : code]
  if (known !== undefined) return `${known} (${code})`
  return `${untrusted.test(code) ? unknownAuthority : broken} (${code})`
}

const unknownAuthority =
  'its TLS certificate is from an authority that is not trusted here; if it is your own, name it by NODE_EXTRA_CA_CERTS'
const broken = 'the connection broke before it answered; perhaps it wants https:// there, or a firewall is between'

/** The code of the innermost error that has one: the outer ones are wrapped around it by whoever passed it on. */
function codeIn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  // Tried by several addresses, each has its own error; one of them is as good as the other.
  const within = error instanceof AggregateError ? error.errors[0] : error.cause
  const own = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return codeIn(within) ?? own
}
