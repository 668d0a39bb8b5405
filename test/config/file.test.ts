import assert from 'node:assert/strict'
import { faultsFrom, settingsFrom, url } from './given.ts'

const argv = ['--config', '/c']

describe('the config file', () => {
  it('is YAML or JSON, with the names of the environment', () => {
    const yaml = `UPSTREAM_API_URL: ${url}\nMAX_BODY_BYTES: 1MiB\nIP_ALLOWLIST: [10.0.0.0/8]\nREDIS_URL:\n`
    const json = JSON.stringify({ UPSTREAM_API_URL: [url], MAX_BODY_BYTES: 1_048_576, IP_ALLOWLIST: '10.0.0.0/8' })
    for (const text of [yaml, json]) {
      const settings = settingsFrom({ argv, files: { '/c': text } })
      assert.equal(settings.maxBodyBytes, 1_048_576)
      assert.deepEqual(settings.ipAllowlist, ['10.0.0.0/8'])
    }
  })

  it('has the body of the probe as an object, or as the text of one', () => {
    const body = { model: 'tiny', messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 }
    const yaml = `
UPSTREAM_API_URL: ${url}
PROBE_BODY:
  model: tiny
  messages: [{ role: user, content: hi }]
  max_tokens: 1
`
    const files = [
      yaml,
      ...[body, JSON.stringify(body)].map((PROBE_BODY) => JSON.stringify({ UPSTREAM_API_URL: url, PROBE_BODY })),
    ]
    for (const text of files) {
      assert.deepEqual(JSON.parse(settingsFrom({ argv, files: { '/c': text } }).probeBody ?? ''), body)
    }
    const list = `UPSTREAM_API_URL: ${url}\nPROBE_BODY: [${JSON.stringify(body)}]\n`
    assert.match(String(faultsFrom({ argv, files: { '/c': list } })), /^PROBE_BODY: .* is not a JSON object$/)
  })

  it('lists upstreams with everything that can be said of one', () => {
    const text = `
upstreams:
  - { name: a, url: "https://a.example/v1?api-version=1", key: sk-a, weight: 3, priority: 1,
      models: { map: { x: y }, allow: [x] }, headers: { x-team: search }, limits: { concurrency: 9 } }
  - url: https://b.example/v1
`
    const { upstreams } = settingsFrom({ argv, files: { '/c': text } })
    assert.deepEqual(upstreams, [
      {
        name: 'a',
        url: 'https://a.example/v1?api-version=1',
        key: 'sk-a',
        weight: 3,
        priority: 1,
        models: { map: { x: 'y' }, allow: ['x'] },
        headers: { 'x-team': 'search' },
        limits: { concurrency: 9 },
      },
      { name: 'b.example', url: 'https://b.example/v1', weight: 1, priority: 0 },
    ])
  })

  it('lists keys with limits of their own, which PROXY_API_KEYS replaces', () => {
    const files = { '/c': 'keys: [{ name: a, key: k1, requests: 0, tokens: 5, concurrency: 1 }, { key: k2 }]' }
    const listed = settingsFrom({ argv, files, env: { UPSTREAM_API_URL: url } })
    assert.deepEqual(listed.proxyApiKeys, [
      { name: 'a', key: 'k1', requests: 0, tokens: 5, concurrency: 1 },
      { key: 'k2' },
    ])
    const env = { UPSTREAM_API_URL: url, PROXY_API_KEYS: 'b:k3, k4' }
    assert.deepEqual(settingsFrom({ argv, files, env }).proxyApiKeys, [{ name: 'b', key: 'k3' }, { key: 'k4' }])
  })

  it('may hold nothing but comments, and then everything else still counts', () => {
    assert.equal(settingsFrom({ argv, files: { '/c': '# later\n' }, env: { UPSTREAM_API_URL: url } }).port, 3000)
  })

  it('may not be empty: it might only be half written, and its keys be on their way', () => {
    const faults = faultsFrom({ argv, files: { '/c': '\n' }, env: { UPSTREAM_API_URL: url } })
    assert.deepEqual(faults, ['CONFIG_FILE: /c is empty; put settings into it, or at least a comment'])
  })

  it('reports each name and member that it does not know, with what was probably meant', () => {
    const text = `
port: 1
maxBodyBytes: 1
UPSTREAM: http://a
NODE_ENV: test
upstreams: [{ url: "http://a/v1", wieght: 1, models: { alow: [a] } }]
keys: [{ naem: a, key: k }]
`
    assert.deepEqual(faultsFrom({ argv, files: { '/c': text } }).sort(), [
      'CONFIG_FILE: NODE_ENV can only be set in the environment',
      'CONFIG_FILE: unknown setting UPSTREAM, did you mean upstreams?',
      'CONFIG_FILE: unknown setting maxBodyBytes, did you mean MAX_BODY_BYTES?',
      'CONFIG_FILE: unknown setting port, did you mean PORT?',
      'keys[0]: unknown member naem, did you mean name?',
      'upstreams[0].models: unknown member alow, did you mean allow?',
      'upstreams[0]: unknown member wieght, did you mean weight?',
    ])
  })

  it('reports what is wrong inside the lists by its place', () => {
    const text = `
upstreams:
  - { name: "a b", url: nonsense, weight: -1, priority: 1.5, key: "ä", headers: { "b c": d, e: "f\\n" } }
  - {}
`
    const faults = faultsFrom({ argv, files: { '/c': text } })
    const places = faults.map((fault) => fault.split(/[: ]/)[0])
    assert.deepEqual([...new Set(places)].sort(), [
      'upstreams[0].headers',
      'upstreams[0].headers.e',
      'upstreams[0].key',
      'upstreams[0].name',
      'upstreams[0].priority',
      'upstreams[0].url',
      'upstreams[0].weight',
      'upstreams[1]',
    ])
  })

  it('says of a name that cannot be one what would be right, and does not quote it', () => {
    const file = `
upstreams:
  - { name: "my upstream", url: "http://a/v1", headers: { "Authorization: Bearer header-key": "", x-team: "é" } }
  - { name: ${'x'.repeat(65)}, url: "http://b/v1" }
keys: [{ name: the search team, key: k }]
`
    const name = 'is not a name of 1 to 64 ASCII letters, digits, ".", "_",'
    assert.deepEqual(faultsFrom({ argv, files: { '/c': file } }), [
      `upstreams[0].name ${name} ":", "[", "]" and "-"`,
      'upstreams[0].headers: one of its names is not the name of a header, such as x-team',
      'upstreams[0].headers.x-team is not ASCII text in one line',
      `upstreams[1].name ${name} ":", "[", "]" and "-"`,
      `keys[0].name ${name} "@" and "-", a letter or a digit first`,
    ])
  })

  it('reports names that are given twice together with what else is wrong with the lists', () => {
    const text = 'upstreams: [{ name: a, url: http://a/v1 }, { name: a, url: nonsense }, 5]'
    const faults = faultsFrom({ argv, files: { '/c': text } })
    assert.ok(faults.some((fault) => fault.startsWith('upstreams[1].url')))
    assert.ok(faults.includes('upstreams: the name a is given twice; each needs its own'))
  })

  it('reports a file that cannot be read or is no mapping, without quoting it', () => {
    assert.deepEqual(faultsFrom({ argv, env: { UPSTREAM_API_URL: url } }), ['CONFIG_FILE: cannot read /c (ENOENT)'])
    const [broken] = faultsFrom({ argv, env: { UPSTREAM_API_URL: url }, files: { '/c': 'a: 1\nkey: "hunter2\n' } })
    assert.match(broken!, /^CONFIG_FILE: .*\(line \d\)$/)
    assert.doesNotMatch(broken!, /hunter2/)
    const faults = faultsFrom({ argv, env: { UPSTREAM_API_URL: url }, files: { '/c': '[1]' } })
    assert.deepEqual(faults, ['CONFIG_FILE: is no mapping of settings such as "PORT: 3000"'])
  })

  it('is not said to lack upstreams when nothing could be read of it', () => {
    for (const files of [{}, { '/c': 'upstreams:\n\t- url: x' }, { '/c': 'upstreams: *u' }, { '/c': '[1]' }]) {
      const faults = faultsFrom({ argv, files })
      assert.doesNotMatch(faults.join(), /UPSTREAM_API_URL/)
      assert.match(faults[0]!, /^CONFIG_FILE: /)
    }
  })

  it('reports an alias that names nothing, what it stands in, or what grows without bound, and goes on checking', () => {
    const tenfold = (name: string, of: string) => `${name}: &${name} [${Array(10).fill(of).join(', ')}]\n`
    const bomb = tenfold('a', 'x') + tenfold('b', '*a') + tenfold('c', '*b') + tenfold('d', '*c')
    for (const text of ['UPSTREAM_API_KEY: *hunter2\n', 'MAX_ATTEMPTS: &a { b: *a }\n', `${bomb}upstreams: *d\n`]) {
      const faults = faultsFrom({ argv, env: { UPSTREAM_API_URL: url, PORT: 'x' }, files: { '/c': text } })
      assert.match(faults[0]!, /^CONFIG_FILE: has an alias/)
      assert.match(faults[1]!, /^PORT: /)
      assert.doesNotMatch(faults.join(), /hunter2/)
    }
  })
})

describe('key files', () => {
  const env = { UPSTREAM_API_URL: 'http://a/v1,http://b/v1', UPSTREAM_API_KEY_FILE: '/u', PROXY_API_KEYS_FILE: '/p' }

  for (const [whose, end] of [
    ['Unix', '\n'],
    ['Windows', '\r\n'],
  ] as const) {
    it(`hold keys line by line, with comments, in lines as ${whose} ends them`, () => {
      const lines = ['# clients', 'web:k1 # the page', '', '#old', 'k#2', '']
      const { upstreams, proxyApiKeys } = settingsFrom({
        env,
        files: { '/u': ['sk-a', 'sk-b', ''].join(end), '/p': lines.join(end) },
      })
      assert.deepEqual(
        upstreams.map(({ key }) => key),
        ['sk-a', 'sk-b'],
      )
      assert.deepEqual(proxyApiKeys, [{ name: 'web', key: 'k1' }, { key: 'k#2' }])
    })
  }

  it('are checked as if the keys stood in the environment', () => {
    const faults = faultsFrom({ env, files: { '/u': 'hunter2 hunter2', '/p': 'a b:hunter2' } })
    assert.equal(faults.length, 2)
    assert.match(faults[0]!, /^UPSTREAM_API_KEY: entry 1 is not visible ASCII/)
    assert.match(faults[1]!, /^PROXY_API_KEYS: entry 1 is not KEY or NAME:KEY/)
    assert.doesNotMatch(faults.join('\n'), /hunter2/)
  })

  it('are a fault when there is no key in them, which would let everybody in', () => {
    for (const text of ['', '# to be filled in\n', ' \n,\n']) {
      const faults = faultsFrom({ env, files: { '/u': text, '/p': text } })
      assert.deepEqual(faults, [
        'UPSTREAM_API_KEY_FILE: /u has no key in it; write one, or leave the setting out',
        'PROXY_API_KEYS_FILE: /p has no key in it; write one, or leave the setting out',
      ])
    }
  })

  it('are a fault when they cannot be read, or when the keys are given as well', () => {
    const faults = faultsFrom({ env: { ...env, PROXY_API_KEYS: 'k' } })
    assert.deepEqual(faults, [
      'UPSTREAM_API_KEY_FILE: cannot read /u (ENOENT)',
      'PROXY_API_KEYS: is set, and PROXY_API_KEYS_FILE too; set one of them',
    ])
  })
})

describe('the keys of a file', () => {
  it('are each of one client only, and a fault does not show them', () => {
    const from = (second: string) => ({
      env: { UPSTREAM_API_URL: 'http://a/v1', CONFIG_FILE: '/c' },
      files: { '/c': `keys: [{ name: one, key: secret, requests: 5 }, { key: secret${second} }]` },
    })
    assert.deepEqual(faultsFrom(from(', name: two')), [
      'keys: the same key is that of "one" and "two"; whoever sends it can only be one of them',
    ])
    assert.deepEqual(faultsFrom(from('')), [
      'keys: the same key is that of "one" and one without a name; whoever sends it can only be one of them',
    ])
    assert.equal(settingsFrom(from(', name: one, requests: 5')).proxyApiKeys.length, 2)
  })

  it('may share a name, but not have different limits then', () => {
    const keys = (second: string) =>
      `keys: [{ name: team, key: k1, requests: 5 }, { name: team, key: k2${second} }, { key: k3 }, { key: k4, tokens: 1 }]`
    const from = (text: string) => ({
      env: { UPSTREAM_API_URL: 'http://a/v1', CONFIG_FILE: '/c' },
      files: { '/c': text },
    })
    assert.equal(settingsFrom(from(keys(', requests: 5'))).proxyApiKeys.length, 4)
    assert.deepEqual(faultsFrom(from(keys(''))), [
      'keys: those named "team" have different limits; give them the same, or two names',
    ])
  })
})
