import assert from 'node:assert/strict'
import { allowList } from '../../src/limit/addresses.ts'
import { faultsFrom, settingsFrom, url } from './given.ts'

describe('settings', () => {
  it('need nothing but an upstream', () => {
    const settings = settingsFrom({ env: { UPSTREAM_API_URL: url } })
    assert.equal(settings.port, 3000)
    assert.equal(settings.workers, 6)
    assert.equal(settings.maxBodyBytes, 20 * 1024 * 1024)
    assert.equal(settings.redisUrl, undefined)
    assert.deepEqual(settings.upstreams, [{ name: '127.0.0.1:9000', url, weight: 1, priority: 0 }])
  })

  it('say which variable is missing, and what shows the proxy without it', () => {
    const faults = faultsFrom({})
    assert.equal(faults.length, 1)
    assert.match(faults[0]!, /^UPSTREAM_API_URL: is missing;.*npm run demo$/)
  })

  it('have the types that their rows say, whatever the environment spells', () => {
    const settings = settingsFrom({
      env: {
        UPSTREAM_API_URL: url,
        PORT: ' 8080 ',
        RETRY_BUDGET: '0.35',
        UPSTREAM_HTTP2: 'yes',
        MAX_BODY_BYTES: '5MiB',
        MAX_ANSWER_BYTES: '64kB',
        MAX_EVENT_BYTES: '4096',
        IP_ALLOWLIST: '10.0.0.0/8, fd00::/8',
        LOAD_BALANCING: 'least-busy',
      },
    })
    assert.equal(settings.port, 8080)
    assert.equal(settings.retryBudget, 0.35)
    assert.equal(settings.upstreamHttp2, true)
    assert.equal(settings.maxBodyBytes, 5 * 1024 * 1024)
    assert.equal(settings.maxAnswerBytes, 64_000)
    assert.equal(settings.maxEventBytes, 4096)
    assert.deepEqual(settings.ipAllowlist, ['10.0.0.0/8', 'fd00::/8'])
    assert.equal(settings.loadBalancing, 'least-busy')
  })

  it('come from flags first, then the environment, then the file, then the table', () => {
    const files = { '/c.yaml': 'PORT: 1001\nMAX_ATTEMPTS: 5\nTRUST_PROXY: 2\n' }
    const env = { UPSTREAM_API_URL: url, CONFIG_FILE: '/c.yaml', PORT: '1002', MAX_ATTEMPTS: '6' }
    const settings = settingsFrom({ env, files, argv: ['--port', '1003'] })
    assert.deepEqual(
      [settings.port, settings.maxAttempts, settings.trustProxy, settings.maxConcurrency],
      [1003, 6, 2, 2000],
    )
  })

  it('count an empty variable as not set', () => {
    assert.equal(settingsFrom({ env: { UPSTREAM_API_URL: url, PORT: '', REDIS_URL: ' ' } }).port, 3000)
  })

  it('log for people on a terminal, and JSON elsewhere', () => {
    const env = { UPSTREAM_API_URL: url }
    assert.equal(settingsFrom({ env, terminal: true }).logFormat, 'pretty')
    assert.equal(settingsFrom({ env, terminal: false }).logFormat, 'json')
    assert.equal(settingsFrom({ env: { ...env, LOG_FORMAT: 'json' }, terminal: true }).logFormat, 'json')
  })

  it('take the forward proxy by either name, the lower-case one first', () => {
    const env = { UPSTREAM_API_URL: url, HTTPS_PROXY: 'http://a:1', http_proxy: 'http://b:2', HTTP_PROXY: 'http://c:3' }
    const settings = settingsFrom({ env })
    assert.deepEqual([settings.httpsProxy, settings.httpProxy], ['http://a:1', 'http://b:2'])
  })

  it('report everything that is wrong at once, each with its name and what would be right', () => {
    const faults = faultsFrom({
      env: {
        UPSTREAM_API_URL: 'ftp://a.example, http://user:pass@b.example/v1',
        PORT: '70000',
        MAX_BODY_BYTES: '5 bananas',
        RETRY_BUDGET: '2',
        LOAD_BALANCING: 'rnd',
        UPSTREAM_HTTP2: 'maybe',
        IP_ALLOWLIST: '10.0.0.0/33',
        CONNECT_TIMEOUT_MS: '1e3',
        UPSTREAM_API_KEYS: 'k',
      },
      argv: ['--prot', '3', '--config'],
    })
    const expected = [
      /^unknown flag --prot, did you mean --port\?$/,
      /^unexpected argument 3; see --help$/,
      /^--config needs a value; see --help$/,
      /^unknown setting UPSTREAM_API_KEYS, did you mean UPSTREAM_API_KEY\?$/,
      /^UPSTREAM_API_URL: "ftp:\/\/a.example" is not an http:\/\/ or https:\/\/ address/,
      /^UPSTREAM_API_URL: entry 2 is not an http:/,
      /^UPSTREAM_HTTP2: "maybe" is not true or false$/,
      /^LOAD_BALANCING: "rnd" is not one of random, round-robin,/,
      /^RETRY_BUDGET: 2 is not a number from 0 to 1$/,
      /^CONNECT_TIMEOUT_MS: "1e3" is not a number of milliseconds from 1 to/,
      /^PORT: 70000 is not a whole number from 0 to 65535$/,
      /^MAX_BODY_BYTES: "5 bananas" is not a size from 1 to \d+ bytes, such as 20MiB$/,
      /^IP_ALLOWLIST: "10.0.0.0\/33" is not an IP address or a CIDR range/,
    ]
    assert.equal(faults.length, expected.length, faults.join('\n'))
    for (const fault of expected)
      assert.ok(
        faults.some((line) => fault.test(line)),
        `no ${fault} in\n${faults.join('\n')}`,
      )
  })

  it('do not take several addresses for one, where something else than a comma is between them', () => {
    for (const between of [' ', '\n', ' , http://c/v1 ']) {
      const [fault, ...others] = faultsFrom({ env: { UPSTREAM_API_URL: `http://a/v1${between}http://b/v1` } })
      assert.match(fault ?? '', /^UPSTREAM_API_URL: ".*http:\/\/b\/v1" is not an http:.* without spaces/s)
      assert.deepEqual(others, [])
    }
  })

  it('quote no secret in a fault', () => {
    const faults = faultsFrom({
      env: {
        UPSTREAM_API_URL: 'https://user:hunter2@a.example/v1',
        UPSTREAM_API_KEY: 'sk-hunter2 with space',
        PROXY_API_KEYS: 'bad name:hunter2',
        ADMIN_TOKEN: 'hunter2 hunter2',
        REDIS_URL: 'http://:hunter2@redis',
        HTTPS_PROXY: 'socks://hunter2@proxy',
      },
    })
    assert.equal(faults.length, 6)
    assert.doesNotMatch(faults.join('\n'), /hunter2/)
  })

  it('hold each other to what only fits together', () => {
    const faults = faultsFrom({
      env: {
        UPSTREAM_API_URL: url,
        PORT: '9464',
        ADMIN_HOST: '0.0.0.0',
        RATE_LIMIT_STORE: 'redis',
        HEADERS_TIMEOUT_MS: '40000',
        MAX_HEAP_MB: '64',
      },
    })
    const names = faults.map((fault) => fault.split(':')[0])
    assert.deepEqual(names, ['ADMIN_PORT', 'ADMIN_TOKEN', 'HEADERS_TIMEOUT_MS', 'MAX_HEAP_MB', 'REDIS_URL'])
  })

  it('do not ask for a second upstream beside the first where none may ever be asked', () => {
    const env = { UPSTREAM_API_URL: url, HEDGE_AFTER_MS: '500' }
    settingsFrom({ env })
    settingsFrom({ env: { ...env, HEDGE_AFTER_MS: '0', RETRY_BUDGET: '0', MAX_ATTEMPTS: '1' } })
    for (const [name, value] of [
      ['RETRY_BUDGET', '0'],
      ['MAX_ATTEMPTS', '1'],
    ] as const) {
      const [fault, ...rest] = faultsFrom({ env: { ...env, [name]: value } })
      assert.match(fault ?? '', new RegExp(`^HEDGE_AFTER_MS: is 500, but ${name} is ${value}, .*; raise that, or set`))
      assert.deepEqual(rest, [])
    }
  })

  it('are none where what keeps strangers out holds nothing but commas', () => {
    const faults = faultsFrom({ env: { UPSTREAM_API_URL: url, PROXY_API_KEYS: ',', IP_ALLOWLIST: ' , ' } })
    assert.deepEqual(
      faults.map((fault) => fault.slice(0, 40)),
      ['PROXY_API_KEYS: has nothing but commas, ', 'IP_ALLOWLIST: has nothing but commas, wh'],
    )
  })

  it('are none where the keys of a config file are all empty, and do without where there are none', () => {
    const given = (text: string) => ({ env: { UPSTREAM_API_URL: url, CONFIG_FILE: 'c' }, files: { c: text } })
    const [fault] = faultsFrom(given('PROXY_API_KEYS: ["", ""]'))
    assert.match(fault ?? '', /^PROXY_API_KEYS: has nothing but empty entries, which would let everybody in/)
    for (const text of ['PROXY_API_KEYS: []', 'PROXY_API_KEYS: ""']) settingsFrom(given(text))
  })

  it('find a password that no client could decode, and quote nothing of it', () => {
    for (const name of ['REDIS_URL', 'HTTP_PROXY', 'HTTPS_PROXY']) {
      const scheme = name === 'REDIS_URL' ? 'redis' : 'http'
      const given = (password: string) => ({ env: { UPSTREAM_API_URL: url, [name]: `${scheme}://u:${password}@h:1` } })
      for (const password of ['hun%ter2', '%fe']) {
        const [fault, ...rest] = faultsFrom(given(password))
        assert.match(
          fault ?? '',
          new RegExp(`^${name}: its value is not an address .* % in its password written as %25$`),
        )
        assert.deepEqual(rest, [])
      }
      settingsFrom(given('hun%25ter2'))
    }
  })

  it('find ranges that are of both families, which the address list cannot hold', () => {
    const given = (range: string) => ({ env: { UPSTREAM_API_URL: url, IP_ALLOWLIST: range } })
    for (const range of ['::ffff:10.0.0.0/8', '::ffff:a00:0/95']) {
      assert.match(faultsFrom(given(range)).join(), /^IP_ALLOWLIST: ".*" is not an IP address or a CIDR range/)
    }
    for (const range of ['::ffff:10.0.0.0/104', '::ffff:a00:0', '::ffff:0:a00:0/32', '::/0']) {
      const { ipAllowlist } = settingsFrom(given(range))
      assert.doesNotThrow(() => allowList(ipAllowlist))
    }
  })

  it('need no admin token on any loopback address', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
      settingsFrom({ env: { UPSTREAM_API_URL: url, ADMIN_HOST: host } })
    }
    assert.equal(faultsFrom({ env: { UPSTREAM_API_URL: url, ADMIN_HOST: 'admin.internal' } }).length, 1)
  })
})

describe('variables of other programs', () => {
  it('are left alone, those that Kubernetes adds for a service named proxy or upstream too', () => {
    settingsFrom({
      env: {
        UPSTREAM_API_URL: url,
        PATH: '/bin',
        PROXY_PORT: 'tcp://10.0.0.1:80',
        PROXY_SERVICE_HOST: '10.0.0.1',
        PROXY_SERVICE_PORT_HTTP: '80',
        UPSTREAM_PORT_3000_TCP_ADDR: '10.0.0.1',
        MAX_OLD_SPACE: '1',
        LOG_STUFF: '1',
        REDIS_URI: 'redis://elsewhere',
        HOSTNAME: 'here',
        SHUTDOWN_TIMEOUT: '1',
      },
    })
  })

  it('are faults where they look like a slip of one of these settings', () => {
    for (const [slip, meant] of [
      ['UPSTREAM_API_URI', 'UPSTREAM_API_URL'],
      ['UPSTREAM_URL', 'UPSTREAM_API_URL'],
      ['PROXY_KEYS', 'PROXY_API_KEYS'],
      ['RATE_LIMIT_REQUEST', 'RATE_LIMIT_REQUESTS'],
      ['BREAKER_OPEN', 'BREAKER_OPEN_MS'],
      ['MAX_BODY_BYTSE', 'MAX_BODY_BYTES'],
      ['UPSTREM_API_URL', 'UPSTREAM_API_URL'],
      ['FIRST_EVNT_TIMEOUT_MS', 'FIRST_EVENT_TIMEOUT_MS'],
    ]) {
      const faults = faultsFrom({ env: { UPSTREAM_API_URL: url, [slip!]: '1' } })
      assert.deepEqual(faults, [`unknown setting ${slip}, did you mean ${meant}?`])
    }
  })
})
