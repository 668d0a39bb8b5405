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
      ['--demo', 'demo'],
    ]) {
      assert.equal(readCommand([flag!]).action, action)
    }
  })

  it('asks for a probe with a model or without, and for a demo that ends', () => {
    assert.equal(readCommand(['--check-config']).probe, undefined)
    assert.deepEqual(readCommand(['--check-config', '--probe']).probe, { model: undefined })
    assert.deepEqual(readCommand(['--probe=gpt-4o', '--check-config']).probe, { model: 'gpt-4o' })
    assert.equal(readCommand(['--demo']).once, false)
    assert.equal(readCommand(['--demo', '--once']).once, true)
  })

  it('lets no option be ignored without a word', () => {
    const faults = (...argv: string[]) => readCommand(argv).faults
    assert.deepEqual(faults('--probe'), ['--probe belongs to --check-config; see --help'])
    assert.deepEqual(faults('--once'), ['--once belongs to --demo; see --help'])
    assert.deepEqual(faults('--demo', '--upstream', 'http://a'), [
      '--demo has an upstream and settings of its own; give it --port at most',
    ])
    assert.deepEqual(faults('--check-config', '--probe='), ['--probe needs a value; see --help'])
    // Only `=` ties a model to it.
    assert.deepEqual(faults('--check-config', '--probe', 'gpt-4o'), ['unexpected argument gpt-4o; see --help'])
    assert.deepEqual(faults('--demo', '--once', '--port', '0'), [])
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
      '--probe',
      '--print-config',
      '--demo',
      '--once',
      '--version',
      '--help',
    ]) {
      assert.match(usage, new RegExp(`^ .*${flag}\\b`, 'm'))
    }
  })
})
