import assert from 'node:assert/strict'
import fc from 'fast-check'
import { allowList, canonicalAddress, clientAddress, networkOf } from '../../src/limit/addresses.ts'

describe('the canonical form of an address', () => {
  const forms: [text: string, canonical: string | undefined][] = [
    ['192.0.2.1', '192.0.2.1'],
    [' 192.0.2.1 ', '192.0.2.1'],
    ['192.0.2.1:8080', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:80', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['', undefined],
    ['unknown', undefined],
    ['_hidden', undefined],
    ['192.0.2', undefined],
    ['192.0.2.256', undefined],
    ['0192.0.2.1', undefined],
    ['0x7f.0.0.1', undefined],
    ['3221225985', undefined],
    ['192.0.2.1:', undefined],
    ['192.0.2.1, 192.0.2.2', undefined],
    ['[192.0.2.1', undefined],
    ['2001:db8::1::2', undefined],
    ['example.org', undefined],
  ]
  for (const [text, canonical] of forms) {
    it(`"${text}" is ${canonical ?? 'no address'}`, () => {
      assert.equal(canonicalAddress(text), canonical)
    })
  }

  it('every IPv4 address is the same mapped and plain', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        assert.equal(canonicalAddress(`::ffff:${address}`), address)
      }),
    )
  })

  it('is its own canonical form', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const canonical = canonicalAddress(address)
        assert.ok(canonical !== undefined)
        assert.equal(canonicalAddress(canonical), canonical)
      }),
    )
  })
})

describe('what one client has to itself', () => {
  const networks: [address: string, network: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['2001:db8::2:3:4:5:6', '2001:db8:0:2::/64'],
    ['1:2:3::', '1:2:3::/64'],
    ['::1', '::/64'],
    ['::', '::/64'],
    ['::2:3:4:5:6:7', '0:0:2:3::/64'],
  ]
  for (const [address, network] of networks) {
    it(`is ${network} for ${address}`, () => assert.equal(networkOf(address), network))
  }

  it('is the same for two addresses exactly when their first 64 bits are', () => {
    const half = fc.array(fc.constantFrom('0', '1', 'ab', 'ffff'), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(half, half, half, half, (one, other, end, tail) => {
        const network = (start: string[], rest: string[]) =>
          networkOf(canonicalAddress([...start, ...rest].join(':')) ?? assert.fail())
        fc.pre(!isMapped(one, end) && !isMapped(other, tail))
        assert.equal(network(one, end) === network(other, tail), one.join() === other.join())
      }),
    )
    function isMapped(start: string[], rest: string[]): boolean {
      return start.join() === '0,0,0,0' && rest[0] === '0' && rest[1] === 'ffff'
    }
  })
})

describe('the client behind trusted proxies', () => {
  const peer = '10.0.0.1'
  const cases: [name: string, forwarded: string | undefined, hops: number, client: string][] = [
    ['without trust the header is nothing', '192.0.2.1', 0, peer],
    ['without a header it is the socket', undefined, 1, peer],
    ['an empty header is as none', '', 1, peer],
    ['one trusted proxy: the last entry', '192.0.2.9, 192.0.2.1', 1, '192.0.2.1'],
    ['two trusted proxies: the last but one', '192.0.2.9, 192.0.2.1, 10.0.0.2', 2, '192.0.2.1'],
    ['fewer entries than proxies: the first of them', '192.0.2.1', 3, '192.0.2.1'],
    ['no space is needed', '192.0.2.9,192.0.2.1', 1, '192.0.2.1'],
    ['garbage in the entry: the socket', '192.0.2.1, unknown', 1, peer],
    ['garbage in a proxy’s entry: the socket', '192.0.2.1, <script>', 2, peer],
    ['garbage to the left of what is believed is not looked at', 'garbage, 192.0.2.1', 1, '192.0.2.1'],
    ['an empty last entry: the socket', '192.0.2.1,', 1, peer],
    ['an empty first entry: the socket', ',192.0.2.1', 2, peer],
    ['only commas: the socket', ',,,', 3, peer],
    ['an entry with a port', '192.0.2.1:1234', 1, '192.0.2.1'],
    ['a mapped entry', '::ffff:192.0.2.1', 1, '192.0.2.1'],
    ['an IPv6 entry', '"x", 2001:DB8::1', 1, '2001:db8::1'],
  ]
  for (const [name, forwarded, hops, client] of cases) {
    it(name, () => {
      assert.equal(clientAddress(peer, forwarded, hops), client)
    })
  }

  it('the socket’s own address is canonical too', () => {
    assert.equal(clientAddress('::ffff:10.0.0.1', undefined, 0), '10.0.0.1')
  })

  it('a socket that is gone has no address', () => {
    assert.equal(clientAddress(undefined, undefined, 0), undefined)
  })

  it('whatever a client writes before it, the entry of the trusted proxy counts', () => {
    fc.assert(
      fc.property(fc.string(), fc.ipV4(), (forged, real) => {
        assert.equal(clientAddress(peer, `${forged}, ${real}`, 1), real)
      }),
    )
  })
})

describe('the allow-list', () => {
  const cases: [list: string[], admitted: string[], refused: string[]][] = [
    [[], ['192.0.2.1', '2001:db8::1'], []],
    [['192.0.2.1'], ['192.0.2.1'], ['192.0.2.2', '::1']],
    [['192.0.2.0/24'], ['192.0.2.0', '192.0.2.255'], ['192.0.3.0', '192.0.1.255']],
    [['192.0.2.77/25'], ['192.0.2.0', '192.0.2.127'], ['192.0.2.128']],
    [['192.0.2.6/31'], ['192.0.2.6', '192.0.2.7'], ['192.0.2.5', '192.0.2.8']],
    [['0.0.0.0/0'], ['192.0.2.1', '255.255.255.255'], ['2001:db8::1', '::1']],
    [['::/0'], ['2001:db8::1', '::1'], ['192.0.2.1']],
    [['2001:db8::/32'], ['2001:db8::1', '2001:db8:ffff::'], ['2001:db9::', '192.0.2.1']],
    [['2001:db8::1'], ['2001:db8::1'], ['2001:db8::2']],
    [['::ffff:192.0.2.0/120'], ['192.0.2.1'], ['192.0.3.1']],
    [['::ffff:192.0.2.1'], ['192.0.2.1'], ['192.0.2.2']],
    [
      ['10.0.0.0/8', ' 192.0.2.1 ', '2001:db8::/64'],
      ['10.255.0.1', '192.0.2.1', '2001:db8::9'],
      ['11.0.0.1', '2001:db8:0:1::'],
    ],
  ]
  for (const [list, admitted, refused] of cases) {
    it(`[${list}] admits [${admitted}] and not [${refused}]`, () => {
      const allowed = allowList(list)
      for (const address of admitted) assert.equal(allowed(address), true, address)
      for (const address of refused) assert.equal(allowed(address), false, address)
    })
  }

  it('refuses a client without an address only when there is a list', () => {
    assert.equal(allowList([])(undefined), true)
    assert.equal(allowList(['0.0.0.0/0', '::/0'])(undefined), false)
  })

  for (const entry of [
    '',
    'localhost',
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/-1',
    '192.0.2.0/2x',
    '192.0.2.0/24/8',
    '192.0.2.1:80',
    '192.0.2/24',
    '2001:db8::/129',
    '::ffff:192.0.2.0/24',
  ]) {
    it(`"${entry}" is refused with its name`, () => {
      assert.throws(() => allowList(['192.0.2.1', entry]), { message: new RegExp(`^"${entry}" is no IP address`) })
    })
  }

  it('a range holds exactly the addresses that share its first bits', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(32), (base, other, prefix) => {
        const shared = prefix === 0 || base >>> (32 - prefix) === other >>> (32 - prefix)
        assert.equal(allowList([`${dotted(base)}/${prefix}`])(dotted(other)), shared)
      }),
    )
  })
})

function dotted(bits: number): string {
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}
