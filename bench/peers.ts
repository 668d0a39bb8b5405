import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../test/support/port.ts'
import type { Stand } from './stand.ts'
import type { Job, Target } from './targets.ts'

const portkey = '@portkey-ai/gateway@1.15.2'

export interface Peer {
  readonly target: Target
  remove(): void
}

/**
 * Portkey's gateway, which cannot un-stream: it passes plain JSON of the same answer on, which is less work. It is put
 * into a folder of its own, as it is no dependency. Throws with npm's words when it cannot be installed.
 */
export async function installPortkey({ upstream }: Stand, { size }: Job): Promise<Peer> {
  const dir = mkdtempSync(join(tmpdir(), 'openai-proxy-peer-'))
  const remove = () => rmSync(dir, { recursive: true, force: true })
  const options = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', dir, portkey]
  try {
    await promisify(execFile)('npm', options, { cwd: dir })
  } catch (error) {
    remove()
    throw new Error(`${portkey} could not be installed`, { cause: error })
  }
  // It takes its port from the command line only, so it cannot be given one when it is started.
  const port = await freePort()
  const server = join(dir, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  const headers = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/j${size}/v1` }
  const args = [server, `--port=${port}`, '--headless']
  return { target: { name: `Portkey 1.15.2: plain JSON, ${size} tokens`, args, port, headers }, remove }
}
