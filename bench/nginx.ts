import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerOf, bodyOf, pacedBodyOf, pacedBytes } from './body.ts'

export const sizes = [10, 100, 1000] as const

/** Milliseconds between two events of a paced stream. */
export const pacedEveryMs = 5

export const pacedQuery = 'paced=1'

/** Before a path, where nginx has nothing but `proxy_pass`: a connection for each request, and the stream in a buffer. */
export const asItComes = '/as-it-comes'

export interface NginxPorts {
  readonly upstream: number
  /** Where the other one passes on to the first. */
  readonly proxy: number
}

/**
 * An upstream as cheap as a C server can be: a stream at `/s10/…`, one that comes event by event when it is asked for with
 * `pacedQuery` at `/p10/…`, plain JSON at `/j10/…`, and the same for 100 and 1000 tokens; and another nginx that passes on
 * to it, as the measure for passing through.
 */
export function startNginx(dir: string, ports: NginxPorts): { upstream: ChildProcess; proxy: ChildProcess } {
  mkdirSync(join(dir, 'html'), { recursive: true })
  for (const size of sizes) {
    writeFileSync(join(dir, 'html', `s${size}.sse`), bodyOf(size))
    writeFileSync(join(dir, 'html', `p${size}.sse`), pacedBodyOf(size))
    writeFileSync(join(dir, 'html', `j${size}.json`), answerOf(size))
  }
  return { upstream: run(dir, 'upstream', serving(dir, ports)), proxy: run(dir, 'proxy', passingOn(ports)) }
}

function run(dir: string, name: string, servers: string): ChildProcess {
  const file = join(dir, `${name}.conf`)
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${dir}/${name}.pid; error_log ${dir}/${name}.log;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000; keepalive_timeout 600s; client_body_buffer_size 256k;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${dir}/${name}-${kind};`).join(' ')}
  ${servers}
}
`,
  )
  return spawn('nginx', ['-c', file, '-p', dir], { stdio: 'ignore' })
}

/** A POST to a static file is a 405 for nginx, which an error page turns into the file itself. */
function serving(dir: string, { upstream }: NginxPorts): string {
  const files = sizes.flatMap((size) => [`s${size}.sse`, `p${size}.sse`, `j${size}.json`])
  const locations = files.map((file) => {
    const path = `/${file.replace(/\..*/, '')}/v1/chat/completions`
    return `location = ${path} { error_page 405 =200 /${file}?$args; return 405; }`
  })
  // It sends what is in its buffer, and then waits for as long as the rate wants.
  const pace = (pacedBytes * 1000) / pacedEveryMs
  locations.push(`location ~ ^/p\\d+\\.sse$ { output_buffers 1 ${pacedBytes}; postpone_output 0; limit_rate $pace; }`)
  return `map $args $pace { default 0; ${pacedQuery} ${pace}; }
  types { text/event-stream sse; application/json json; }
  server { listen 127.0.0.1:${upstream} backlog=4096; root ${dir}/html; ${locations.join('\n')} }`
}

function passingOn({ upstream, proxy }: NginxPorts): string {
  return `upstream self { server 127.0.0.1:${upstream}; keepalive 128; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${proxy} backlog=4096;
    location / { proxy_pass http://self; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
    location ${asItComes}/ { proxy_pass http://127.0.0.1:${upstream}/; }
  }`
}
