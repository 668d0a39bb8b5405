import fc from 'fast-check'

/** Numbers as anybody might spell them: `-0`, `1.0`, `1E+5`, 20 digits, `0.0000001`. */
export const numberText: fc.Arbitrary<string> = fc.oneof(
  fc.stringMatching(/^-?(0|[1-9]\d{0,22})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/),
  fc.constantFrom('0', '-0', '1.0', '0.10', '1e5', '1E999', '9007199254740993', '12345678901234567890', '0.0000001'),
  fc.integer().map(String),
)

/** A string literal, now and then with characters escaped that need not be. */
export const stringText: fc.Arbitrary<string> = fc
  .tuple(fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('\\', '"', '\\"', '{', '],')), fc.nat(3))
  .map(([text, plainly]) => {
    const literal = JSON.stringify(text)
    return plainly > 0 ? literal : `"${[...text].flatMap(unitsOf).map(inHex).join('')}"`
  })

const unitsOf = (character: string) => Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
const inHex = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`

/**
 * JSON.parse of V8 13.6 (Node 24) gives a wrong name: once it has read `{"a":1,"\\":2}`, it takes the quote in
 * `{"a":1,"\"":2}` for a backslash too. Names with a backslash are left out, so that only our own faults show.
 */
const isReadRight = (name: string) => !name.includes('\\')

/** Member names that collide, that need care, and any others. */
export const nameText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('"stream"', '"str\\u0065am"', '"a"', '"__proto__"', '"constructor"', '"stream_options"', '""', '"}"'),
  stringText.filter((literal) => isReadRight(JSON.parse(literal))),
)

/** White space that JSON allows between tokens, mostly none. */
export const space: fc.Arbitrary<string> = fc.oneof(fc.constant(''), fc.stringMatching(/^[ \n\r\t]{1,3}$/))

/** Any JSON value, with white space and duplicate names anywhere. */
export const { value: valueText } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leafText(), tie('array'), tie('object')),
  array: fc
    .array(fc.tuple(space, tie('value'), space), { maxLength: 4 })
    .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
  object: fc
    .array(fc.tuple(space, nameText, space, space, tie('value'), space), { maxLength: 4 })
    .map((members) => `{${members.map(([a, name, b, c, value, d]) => `${a}${name}${b}:${c}${value}${d}`).join(',')}}`),
}))

/** A value without white space and with names in their order, which JSON.stringify writes back as it was. */
export const { value: canonicalText } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, canonicalLeaf(), tie('array'), tie('object')),
  array: fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
  object: fc
    .uniqueArray(fc.tuple(canonicalName(), tie('value')), { maxLength: 4, selector: ([name]) => name })
    .map((members) => `{${members.map(([name, value]) => `${name}:${value}`).join(',')}}`),
}))

function leafText(): fc.Arbitrary<string> {
  return fc.oneof(fc.constantFrom('null', 'true', 'false'), numberText, stringText)
}

function canonicalLeaf(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom('null', 'true', 'false'),
    numberText,
    fc.string({ unit: 'binary', maxLength: 8 }).map((text) => JSON.stringify(text)),
  )
}

function canonicalName(): fc.Arbitrary<string> {
  // The underscore keeps names from looking like array indices, which would be moved to the front.
  const other = fc.string({ unit: 'binary', maxLength: 5 }).map((name) => `_${name}`)
  return fc
    .oneof(fc.constantFrom('__proto__', 'constructor', 'a'), other.filter(isReadRight))
    .map((name) => JSON.stringify(name))
}
