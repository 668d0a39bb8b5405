import assert from 'node:assert/strict'
import { readCommand, usage } from '../../src/config/command.ts'

describe('the command line', () => {
  it('gives settings in the form that the environment has', () => {
    const argv = ['--config', 'c.yaml', '--port=0', '--upstream', 'http://a', '--upstream', 'http://b']
    const { action, flags, faults } = readCommand(argv)
    assert.deepEqual(flags, { CONFIG_FILE: 'c.yaml', PORT: '0', UPSTREAM_API_URL: 'http://a,http://b' })
    assert.deepEqual([action, faults], ['run', []])
  })

  it('asks for one thing besides running', () => {
    for (const [flag, action] of [
      ['--help', 'help'],
      ['-h', 'help'],
      ['--version', 'version'],
      ['--check-config', 'check'],
      ['--print-config', 'print'],
    ]) {
      assert.equal(readCommand([flag!]).action, action)
    }
  })

  it('has all its faults told at once', () => {
    const { faults } = readCommand(['--prot', '1', 'x', '--help=yes', '-z', '--upstream'])
    assert.deepEqual(faults, [
      'unknown flag --prot, did you mean --port?',
      'unexpected argument 1; see --help',
      'unexpected argument x; see --help',
      '--help takes no value; see --help',
      'unknown flag -z',
      '--upstream needs a value; see --help',
    ])
  })

  it('is described in full', () => {
    for (const flag of [
      '--config',
      '--port',
      '--upstream',
      '--check-config',
      '--print-config',
      '--version',
      '--help',
    ]) {
      assert.match(usage, new RegExp(`^ .*${flag}\\b`, 'm'))
    }
  })
})
