import assert from 'node:assert/strict'
import { type ModelRules, translateModel } from '../../src/upstream/models.ts'

describe('which models an upstream takes', () => {
  const map = { 'gpt-4o': 'my-deployment' }
  const table: [name: string, rules: ModelRules | undefined, model: string, expected: string | undefined][] = [
    ['no rules: every model, by its own name', undefined, 'any/thing', 'any/thing'],
    ['empty rules are no rules', {}, 'any/thing', 'any/thing'],
    ['an allowed name', { allow: ['gpt-4o'] }, 'gpt-4o', 'gpt-4o'],
    ['an allowed name is no prefix', { allow: ['gpt-4o'] }, 'gpt-4o-mini', undefined],
    ['an allowed prefix', { allow: ['gemini', 'gpt-4o*'] }, 'gpt-4o-mini', 'gpt-4o-mini'],
    ['a prefix allows itself', { allow: ['gpt-4o*'] }, 'gpt-4o', 'gpt-4o'],
    ['a star alone allows everything', { allow: ['*'] }, 'gpt-4o', 'gpt-4o'],
    ['a star within a name is a letter like others', { allow: ['a*b'] }, 'axb', undefined],
    ['an empty list allows nothing', { allow: [] }, 'gpt-4o', undefined],
    ['a mapped name', { map }, 'gpt-4o', 'my-deployment'],
    ['a map alone offers only what it maps', { map }, 'gpt-4', undefined],
    ['a mapped name need not be allowed as well', { map, allow: ['o3'] }, 'gpt-4o', 'my-deployment'],
    ['an allowed name beside a map', { map, allow: ['o3'] }, 'o3', 'o3'],
    ['names are compared with their case', { allow: ['gpt-4o'] }, 'GPT-4o', undefined],
    ['what every object inherits is not in the map', { map }, 'constructor', undefined],
    ['nor is its prototype', { map }, '__proto__', undefined],
  ]
  for (const [name, rules, model, expected] of table) {
    it(name, () => assert.equal(translateModel(rules, model), expected))
  }
})
