import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** The files of a key and of the certificate that goes with it, which vouches for itself. */
export interface Identity {
  readonly key: string
  readonly certificate: string
}

/** Makes those of a server on this machine, which the system's openssl must be there for. */
export function makeIdentity(folder: string): Identity {
  const identity = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') }
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const files = ['-keyout', identity.key, '-out', identity.certificate]
  execFileSync('openssl', ['req', ...kind, ...subject, ...files], { stdio: 'pipe' })
  return identity
}
