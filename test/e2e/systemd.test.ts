import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { settingsOf } from '../cluster/children.ts'
import { need } from '../support/need.ts'

const text = readFileSync(new URL('../../deploy/systemd/openai-proxy.service', import.meta.url), 'utf8')
const settingOf = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1]

describe('the unit for systemd', () => {
  let folder: string | undefined
  let unit: string

  before(async function () {
    need(this, { command: 'systemd-analyze', brings: 'systemd', without: 'OPENAI_PROXY_TESTS_WITHOUT_SYSTEMD' })
    folder = await mkdtemp(join(tmpdir(), 'openai-proxy-systemd-'))
    unit = join(folder, 'openai-proxy.service')
    // systemd looks whether the program is there, and this machine's Node may be elsewhere.
    await writeFile(unit, text.replace('/usr/bin/node', process.execPath))
  })
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true })
  })

  function analyze(...args: readonly string[]): void {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    assert.equal(status, 0, `${stdout}${stderr}`)
    assert.equal(stderr, '', 'without a warning')
  }

  it('has nothing that systemd does not understand', () => {
    analyze('verify', unit)
  })

  it('leaves little that a broken-in process could do', () => {
    // systemd's scale: 10 is no protection at all; most units of a distribution have over 9.
    analyze('security', '--offline=true', '--no-pager', '--threshold=20', unit)
  })

  it('waits longer than the drain takes, and reloads by the signal that the program knows', () => {
    assert.ok(Number(settingOf('TimeoutStopSec')) * 1000 > settingsOf().shutdownTimeoutMs)
    assert.match(settingOf('ExecReload') ?? '', /-HUP \$MAINPID$/)
    assert.equal(settingOf('KillMode'), 'mixed')
  })
})
