import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bodyOf } from './body.ts'

export const sizes = [10, 100, 1000] as const

/** An upstream as cheap as a C server can be, and the same server as a proxy before it, as the measure for passing through. */
export function startNginx(dir: string, port: number): ChildProcess {
  mkdirSync(join(dir, 'html'), { recursive: true })
  for (const size of sizes) writeFileSync(join(dir, 'html', `s${size}.sse`), bodyOf(size))
  const file = join(dir, 'nginx.conf')
  writeFileSync(file, configuration(dir, port))
  return spawn('nginx', ['-c', file, '-p', dir], { stdio: 'ignore' })
}

/** A POST to a static file is a 405 for nginx, which an error page turns into the file itself. */
function configuration(dir: string, port: number): string {
  const locations = sizes.map(
    (size) => `location = /s${size}/v1/chat/completions { error_page 405 =200 /s${size}.sse; return 405; }`,
  )
  return `daemon off; worker_processes 1; pid ${dir}/nginx.pid; error_log ${dir}/error.log;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000; keepalive_timeout 600s;
  types { text/event-stream sse; }
  upstream self { server 127.0.0.1:${port}; keepalive 128; keepalive_requests 1000000; }
  server { listen 127.0.0.1:${port} backlog=4096; root ${dir}/html; ${locations.join('\n')} }
  server {
    listen 127.0.0.1:${port + 1} backlog=4096;
    location / { proxy_pass http://self; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}
`
}
