import { all, chunks, framed, good, goodBody, type Malformed, post, raw, smuggled } from './shape.ts'

const length = Buffer.byteLength(goodBody)
const te = 'transfer-encoding: chunked'
const cl = (value: string | number) => `content-length: ${value}`
const hidden = `0\r\n\r\n${smuggled}`

/** Both lengths, or one that two readers could read in two ways: RFC 9112, sections 6.3 and 11.2. */
const lengths = all(['invalid_request'], {
  'both lengths, the chunked one last': framed([cl(hidden.length), te], hidden),
  'both lengths, the chunked one first': framed([te, cl(hidden.length)], hidden),
  'both lengths, of which the number is too short': framed([cl(4), te], chunks(goodBody) + smuggled),
  'both lengths that agree': framed([cl(chunks(goodBody).length), te], chunks(goodBody)),
  'two numbers that differ': framed([cl(length), cl(3)], goodBody + smuggled),
  'two numbers that agree': framed([cl(length), cl(length)], goodBody),
  'a list of numbers that differ': framed([cl(`${length}, 3`)], goodBody),
  'a list of numbers that agree': framed([cl(`${length}, ${length}`)], goodBody),
  'a number with a plus': framed([cl(`+${length}`)], goodBody),
  'a negative number': framed([cl(-1)], goodBody),
  'minus nothing': framed([cl('-0')], smuggled),
  'a hexadecimal number': framed([cl(`0x${length.toString(16)}`)], goodBody),
  'a decimal': framed([cl(`${length}.0`)], goodBody),
  'a number with an exponent': framed([cl('1e2')], goodBody),
  'a number with a space in it': framed([cl('1 0')], goodBody),
  'a number with a tab in it': framed([cl('1\t0')], goodBody),
  'a number with an underscore': framed([cl('1_0')], goodBody),
  'a number with text behind it': framed([cl(`${length}abc`)], goodBody),
  'a number in other digits': framed([cl('\xb2')], goodBody),
  'a number in quotes': framed([cl(`"${length}"`)], goodBody),
  'no number': framed([cl('')], goodBody),
  'a word as the number': framed([cl('many')], goodBody),
  'a number beyond 64 bits': framed([cl('18446744073709551617')], goodBody),
  'a number of 300 digits': framed([cl('9'.repeat(300))], goodBody),
  'a number with a space before the colon': framed([`content-length : ${length}`], goodBody),
  'a number on a folded line': framed([`content-length:\r\n ${length}`], goodBody),
})

/** Codings that hide the word, or that this proxy does not undo. */
const codings = all(['invalid_request'], {
  'the coding twice': framed([te, te], chunks(goodBody)),
  'the coding twice in one line': framed(['transfer-encoding: chunked, chunked'], chunks(goodBody)),
  'the coding, then identity': framed(['transfer-encoding: chunked, identity'], chunks(goodBody)),
  'identity, then the coding': framed(['transfer-encoding: identity, chunked'], chunks(goodBody)),
  'the coding and, in another line, identity': framed([te, 'transfer-encoding: identity'], chunks(goodBody)),
  'identity alone': framed(['transfer-encoding: identity'], chunks(goodBody)),
  'gzip before it': framed(['transfer-encoding: gzip, chunked'], chunks(goodBody)),
  'gzip alone': framed(['transfer-encoding: gzip'], goodBody),
  'a coding that nobody knows': framed(['transfer-encoding: cow'], goodBody),
  'a letter before the word': framed(['transfer-encoding: xchunked'], chunks(goodBody)),
  'a letter behind the word': framed(['transfer-encoding: chunkedx'], chunks(goodBody)),
  'the word in quotes': framed(['transfer-encoding: "chunked"'], chunks(goodBody)),
  'a vertical tab before the word': framed(['transfer-encoding: \x0bchunked'], chunks(goodBody)),
  'a null byte behind the word': framed(['transfer-encoding: chunked\0'], chunks(goodBody)),
  'a parameter behind the word': framed(['transfer-encoding: chunked;q=1'], chunks(goodBody)),
  'nothing as the coding': framed(['transfer-encoding:'], chunks(goodBody)),
  'a space before the colon': framed(['transfer-encoding : chunked'], chunks(goodBody)),
  'the coding on a folded line': framed(['transfer-encoding:\r\n chunked'], chunks(goodBody)),
  'the coding behind a bare carriage return': framed(['x: y\rtransfer-encoding: chunked'], chunks(goodBody)),
  'the coding behind a bare line feed': framed(['x: y\ntransfer-encoding: chunked'], chunks(goodBody)),
  'the coding in HTTP/1.0': raw('POST /v1/chat/completions HTTP/1.0', ['host: x', te], chunks(goodBody)),
})

const chunked = (body: string) => framed([te], body)
const size = length.toString(16)

const badChunks = all(['invalid_request'], {
  'a size that is no number': chunked(`xyz\r\n${goodBody}\r\n0\r\n\r\n`),
  'a size of two numbers': chunked(`${size} ${size}\r\n${goodBody}\r\n0\r\n\r\n`),
  'a size with 0x': chunked(`0x${size}\r\n${goodBody}\r\n0\r\n\r\n`),
  'a size with a plus': chunked(`+${size}\r\n${goodBody}\r\n0\r\n\r\n`),
  'a negative size': chunked(`-1\r\n${goodBody}\r\n0\r\n\r\n`),
  'a size with a space before': chunked(` ${size}\r\n${goodBody}\r\n0\r\n\r\n`),
  'a size with a space behind': chunked(`${size} \r\n${goodBody}\r\n0\r\n\r\n`),
  'a size beyond 64 bits': chunked(`fffffffffffffffff\r\n${goodBody}\r\n0\r\n\r\n`),
  'no size': chunked(`\r\n${goodBody}\r\n0\r\n\r\n`),
  'a size that ends in a line feed': chunked(`${size}\n${goodBody}\r\n0\r\n\r\n`),
  'a size that ends in a carriage return': chunked(`${size}\r${goodBody}\r\n0\r\n\r\n`),
  'data that is longer than its size': chunked(`1\r\n${goodBody}\r\n0\r\n\r\n`),
  'data that is shorter than its size': chunked(`${(length + 1).toString(16)}\r\n${goodBody}\r\n0\r\n\r\n`),
  'data without its end of line': chunked(`${size}\r\n${goodBody}0\r\n\r\n`),
  'data that ends in a line feed': chunked(`${size}\r\n${goodBody}\n0\r\n\r\n`),
  'an end with a line feed': chunked(`${size}\r\n${goodBody}\r\n0\n\r\n`),
  'an extension with a line feed': chunked(`${size};a\n${goodBody}\r\n0\r\n\r\n`),
  'an extension with a null byte': chunked(`${size};a\0b\r\n${goodBody}\r\n0\r\n\r\n`),
  'a trailer that is a length': chunked(`${size}\r\n${goodBody}\r\n0\r\ncontent-length: 5\r\n\r\n`),
  'a trailer that is a coding': chunked(`${size}\r\n${goodBody}\r\n0\r\ntransfer-encoding: chunked\r\n\r\n`),
  'a trailer without a colon': chunked(`${size}\r\n${goodBody}\r\n0\r\nhello\r\n\r\n`),
})

/** The client closes its side before its request is whole. */
const cutShort = all(['invalid_request'], {
  'a body that is shorter than its length': framed([cl(length + 1)], goodBody),
  'a body that never begins': framed([cl(5)], ''),
  'chunks without an end': chunked(`${size}\r\n${goodBody}\r\n`),
  'half a chunk': chunked(`${size}\r\n{"model"`),
  'half a size': chunked('1'),
  'half a trailer': chunked(`${size}\r\n${goodBody}\r\n0\r\nx: `),
  'half a header': 'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconte',
  'half a request line': 'POST /v1/chat',
}).map((row): Malformed => ({ ...row, ends: true }))

/** What comes behind a whole request must not be taken for a part of it, nor its answer be taken away by it. */
const pipelined: Malformed[] = [
  ...all(['ok'], {
    'garbage behind a good request': Buffer.concat([good, Buffer.from('\x01\x02garbage\r\n\r\n')]),
    'a body that is longer than its length': framed([cl(length)], `${goodBody}}}}}`),
    'a request with both lengths behind a good one': Buffer.concat([good, framed([cl(5), te], hidden)]),
    'an end of line too many, then garbage': Buffer.concat([good, Buffer.from('\r\n\r\n<xml>\r\n\r\n')]),
    'an extension of a chunk': chunked(`${size};name=value\r\n${goodBody}\r\n0\r\n\r\n`),
    'an extension whose name is missing': chunked(`${size};=b\r\n${goodBody}\r\n0\r\n\r\n`),
    'a trailer': chunked(`${size}\r\n${goodBody}\r\n0\r\nx-checksum: 1\r\n\r\n`),
    'a length with zeros before it': framed([cl(`000${length}`)], goodBody),
    'a length with space about it': framed([`content-length: \t ${length} \t `], goodBody),
    'empty lines before the request': Buffer.concat([Buffer.from('\r\n\r\n'), good]),
    'the coding in capitals': framed(['TRANSFER-ENCODING: CHUNKED'], chunks(goodBody)),
  }),
  ...all(['ok', 'ok'], {
    'two good requests at once': Buffer.concat([good, good]),
    'garbage behind two good requests': Buffer.concat([good, good, Buffer.from('\x01\x02garbage\r\n\r\n')]),
    'broken chunks behind two good requests': Buffer.concat([good, good, framed([te], 'xyz\r\n')]),
  }),
  ...all(['invalid_json', 'ok'], { 'a good request behind one that is no JSON': Buffer.concat([post('{'), good]) }),
  ...all(['invalid_json'], {
    'a body of no length, and the rest as the next request': framed([cl(0)], goodBody),
    'no framing at all, and the body as the next request': framed([], goodBody),
  }),
  ...all(['ok', 'ok', 'not_found'], {
    'an unknown route behind two good requests': Buffer.concat([good, good, raw('GET /x HTTP/1.1', ['host: x'])]),
  }),
]

export const framing = {
  'a length that can be read in two ways': lengths,
  'a transfer coding that can be read in two ways': codings,
  'broken chunks': badChunks,
  'a request that is cut short': cutShort,
  'what comes behind a request': pipelined,
}
