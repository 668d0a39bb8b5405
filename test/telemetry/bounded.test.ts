import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { Bounded, methodLabel, NONE, OTHER, statusLabel } from '../../src/telemetry/bounded.ts'

describe('bounded labels', () => {
  it('the first hundred unknown values keep their names, and all later ones are other', () => {
    const models = new Bounded(['known'])
    const labels = Array.from({ length: 150 }, (_, index) => models.label(`m${index}`))
    assert.deepEqual(labels.slice(98, 102), ['m98', 'm99', OTHER, OTHER])
    assert.equal(models.label('m7'), 'm7', 'a value seen in time keeps its label')
  })

  it('a configured value has its label however many others came before', () => {
    const models = new Bounded(['known', 'late'], 1)
    models.label('first')
    assert.equal(models.label('second'), OTHER)
    assert.equal(models.label('late'), 'late')
  })

  it('nothing to name is none, and takes no room', () => {
    const models = new Bounded([], 1)
    assert.equal(models.label(undefined), NONE)
    assert.equal(models.label(''), NONE)
    assert.equal(models.label('first'), 'first')
  })

  it('a value too long for a label is other, and takes no room', () => {
    const models = new Bounded([], 1)
    assert.equal(models.label('x'.repeat(129)), OTHER)
    assert.equal(models.label('x'.repeat(128)), 'x'.repeat(128))
  })

  it('values that are told apart by half a character only are one: a scrape could not tell them apart', () => {
    const models = new Bounded([])
    assert.deepEqual(
      ['\ud800x', '\ud801x', '\ufffdx'].map((value) => models.label(value)),
      Array(3).fill('\ufffdx'),
    )
  })

  it('a key that is taken for a value is no label', () => {
    assert.equal(new Bounded([]).label('sk-proj-abcdefghijklmnop'), '[redacted]')
  })

  it('values that become known later have their label, and take no room', () => {
    const models = new Bounded([], 1)
    models.know(['late', 'late'])
    assert.deepEqual(
      ['first', 'second', 'late'].map((value) => models.label(value)),
      ['first', OTHER, 'late'],
    )
  })

  it("of all methods that Node's parser knows, the common ones are labels", () => {
    const labels = new Set(METHODS.map(methodLabel))
    assert.deepEqual([...labels].sort(), ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', OTHER])
  })

  it('registered statuses, 499 and 529 are labels; invented ones are other', () => {
    assert.deepEqual([200, 429, 499, 504, 529].map(statusLabel), ['200', '429', '499', '504', '529'])
    assert.deepEqual([0, 299, 456, 599, 999].map(statusLabel), [OTHER, OTHER, OTHER, OTHER, OTHER])
  })
})
