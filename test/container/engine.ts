import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

const needed = ['dockerd', 'docker-compose', 'debootstrap', 'iptables']

/** A container engine of the test's own, beside whatever runs on this machine. */
export interface Engine {
  readonly folder: string
  /** Runs a command against it and gives back what it wrote. Throws with everything that it wrote when it fails. */
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): string
  stop(): Promise<void>
}

/** Starts it. Throws a sentence that says what to install; needs root, as every engine of this kind does. */
export async function startEngine(): Promise<Engine> {
  const missing = needed.filter((command) => spawnSync(command, ['--version']).error !== undefined)
  if (missing.length > 0) {
    const how = 'apt-get install --no-install-recommends docker.io docker-compose debootstrap iptables'
    throw new Error(`${missing.join(', ')} not found; as root: ${how} (Debian)`)
  }
  // Not under /tmp where that may be memory: images take gigabytes.
  const folder = mkdtempSync('/var/tmp/openai-proxy-engine-')
  const host = `unix://${folder}/socket`
  const place = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')]
  const options = [...place, '--pidfile', join(folder, 'pid'), '--host', host]
  const server = spawn('dockerd', options, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(server, 'exit')
  const log: string[] = []
  await new Promise<void>((resolve, reject) => {
    server.once('exit', () => reject(new Error(`dockerd ended: ${log.slice(-5).join('\n')}`)))
    createInterface({ input: server.stderr }).on('line', (line) => {
      log.push(line)
      if (line.includes('API listen on')) resolve()
    })
  })
  return {
    folder,
    run(command, args, env = {}) {
      // The builder that comes with Debian's engine; the newer one is a package of its own.
      const environment = { ...process.env, DOCKER_HOST: host, DOCKER_BUILDKIT: '0', ...env }
      const result = spawnSync(command, args, { encoding: 'utf8', env: environment, maxBuffer: 1 << 26 })
      if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stdout}${result.stderr}`)
      return result.stdout
    },
    async stop() {
      server.kill('SIGTERM')
      await ended
      // The engine leaves this mount behind, and a folder with a mount in it cannot be removed.
      spawnSync('umount', [join(folder, 'exec/netns/default')])
      rmSync(folder, { recursive: true })
    },
  }
}

/** Debian's client, or the one that is first in the path. */
const docker = '/usr/bin/docker'

/**
 * Makes the images that the Dockerfile and docker-compose.yml name out of Debian's packages and this machine's Node, so
 * that no registry of images is needed. Grafana and Jaeger are not in Debian.
 */
export function makeImages(engine: Engine): void {
  const root = join(engine.folder, 'root')
  engine.run('debootstrap', ['--variant=minbase', '--include=ca-certificates,wget', 'bookworm', root])
  engine.run('sh', ['-c', `tar -C ${root} -c . | ${docker} import - debian-here`])
  rmSync(root, { recursive: true })
  build(engine, 'node:24.21.0-bookworm-slim', nodeImage, copyNode)
  build(engine, 'services', servicesImage)
  for (const name of ['nginx:1.30-alpine', 'redis:8-alpine']) engine.run(docker, ['tag', 'services', name])
  build(engine, 'prom/prometheus:v3.13.1', 'FROM services\nUSER 65534\nVOLUME /prometheus\nENTRYPOINT ["prometheus"]')
  build(
    engine,
    'prom/alertmanager:v0.28.1',
    'FROM services\nUSER 65534\nVOLUME /alertmanager\nENTRYPOINT ["prometheus-alertmanager"]',
  )
}

const nodeImage = `FROM debian-here
COPY . /usr/local/
RUN groupadd -g 1000 node && useradd -u 1000 -g node -m node \\
 && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ENV NODE_EXTRA_CA_CERTS=/usr/local/share/authorities.crt npm_config_cafile=/usr/local/share/authorities.crt`

const servicesImage = `FROM debian-here
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx redis-server prometheus prometheus-alertmanager
RUN mkdir -p /prometheus /alertmanager && chown 65534 /prometheus /alertmanager`

/** This machine's Node and npm, and the authorities that it trusts for the package registry. */
function copyNode(folder: string): void {
  for (const part of ['bin', 'lib/node_modules', 'share']) mkdirSync(join(folder, part), { recursive: true })
  cpSync(realpathSync(process.execPath), join(folder, 'bin/node'))
  const npm = spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim()
  cpSync(dirname(dirname(realpathSync(npm))), join(folder, 'lib/node_modules/npm'), { recursive: true })
  cpSync('/etc/ssl/certs/ca-certificates.crt', join(folder, 'share/authorities.crt'))
}

function build(engine: Engine, name: string, text: string, fill: (folder: string) => void = () => {}): void {
  const folder = mkdtempSync(join(engine.folder, 'context-'))
  fill(folder)
  writeFileSync(join(folder, 'Dockerfile'), `${text}\n`)
  engine.run(docker, ['build', '--network', 'host', '-t', name, folder])
  rmSync(folder, { recursive: true })
}
