import assert from 'node:assert/strict'
import * as configDocs from '../../scripts/docs-config.ts'
import * as errorDocs from '../../scripts/docs-errors.ts'
import { outdated } from '../../scripts/generated.ts'
import { parseSize } from '../../src/config/rows.ts'
import { faultsIn } from '../../src/config/schema.ts'
import { isMember, memberOf } from '../../src/config/settings.ts'
import { rowOf, settingNames } from '../../src/config/table.ts'
import { settingsFrom, url } from './given.ts'

describe('the table of settings', () => {
  it('is what the documents and .env.example say; npm run docs writes them anew', () => {
    assert.deepEqual(outdated([...configDocs.generated, ...errorDocs.generated]), [])
  })

  it('finds a document out of date that differs by one letter', () => {
    const [page] = configDocs.generated
    assert.deepEqual(outdated([{ path: page!.path, text: `${page!.text}x` }]), ['docs/configuration.md'])
  })

  it('says every setting in a sentence, and every default passes its own check', () => {
    for (const name of settingNames) {
      const row = rowOf(name)
      assert.match(row.says, /^[A-Z#].*\.$/, name)
      if (row.default !== undefined) assert.deepEqual(faultsIn({ [name]: row.default }), [], name)
    }
  })

  it('becomes a member for each setting that is not meant for Node or for the lists', () => {
    const settings = settingsFrom({ env: { UPSTREAM_API_URL: url } })
    const members = [...settingNames.filter(isMember).map(memberOf), 'upstreams', 'proxyApiKeys']
    assert.deepEqual(Object.keys(settings).sort(), members.sort())
  })

  it('names members as the code does', () => {
    assert.equal(memberOf('MAX_BODY_BYTES'), 'maxBodyBytes')
    assert.equal(memberOf('UPSTREAM_HTTP2'), 'upstreamHttp2')
  })
})

describe('sizes', () => {
  it('are bytes, or have a unit of 1000 or 1024', () => {
    assert.equal(parseSize('512'), 512)
    assert.equal(parseSize('20MiB'), 20 * 1024 * 1024)
    assert.equal(parseSize('1 gb'), 1e9)
    for (const none of ['', 'MiB', '1.5MiB', '-1', '5 bananas', '0x10']) assert.equal(parseSize(none), undefined, none)
  })
})
