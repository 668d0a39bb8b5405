import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { all, bearer, cap, chunks, framed, goodBody, host, type Malformed, path, post, raw } from './shape.ts'

const bytes = (...values: number[]) => Buffer.from(values)
const content = (inner: string | Buffer) =>
  post(
    Buffer.concat([
      Buffer.from('{"model":"m","messages":[{"role":"user","content":"'),
      Buffer.from(inner),
      Buffer.from('"}]}'),
    ]),
  )

const texts = all(['invalid_json'], {
  'an empty body': post(''),
  'white space alone': post(' \r\n\t'),
  'an open brace': post('{'),
  'a closed brace': post('}'),
  'an open bracket': post('['),
  'an open string': post('"'),
  'half a word': post('nul'),
  undefined: post('undefined'),
  NaN: post('NaN'),
  'a member without a value': post('{"model":}'),
  'a member without a name': post('{:1}'),
  'a comma at the end': post(`${goodBody.slice(0, -1)},}`),
  'single quotes': post(goodBody.replaceAll('"', "'")),
  'names without quotes': post('{model:"m",messages:[]}'),
  'a comment': post(`${goodBody}// done`),
  'two values': post(goodBody + goodBody),
  'text behind the value': post(`${goodBody} done`),
  'a null byte behind the value': post(`${goodBody}\0`),
  'a hexadecimal number': post('{"model":"m","n":0x1}'),
  'a number with a zero before it': post('{"model":"m","n":01}'),
  'a number with a plus': post('{"model":"m","n":+1}'),
  'a raw line feed in a string': content('a\nb'),
  'a raw null byte in a string': content('a\0b'),
  'an escape that is none': content('\\x41'),
  'half an escape': content('\\u12'),
  'a form': post('model=m&messages=hello'),
  'a page': post('<html></html>'),
  'a stream of events': post('data: {"model":"m"}\n\n'),
  'lines of JSON': post(`${goodBody}\n${goodBody}\n`),
  'a mark alone': post(bytes(0xef, 0xbb, 0xbf)),
  'two marks': post(Buffer.concat([bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf), Buffer.from(goodBody)])),
  'a mark behind the value': post(Buffer.concat([Buffer.from(goodBody), bytes(0xef, 0xbb, 0xbf)])),
  'UTF-16, little end first': post(Buffer.from(`\ufeff${goodBody}`, 'utf16le')),
  'UTF-16, big end first': post(Buffer.from(`\ufeff${goodBody}`, 'utf16le').swap16()),
  'Latin-1': content(bytes(0xe9)),
  'a byte that is never UTF-8': content(bytes(0xff)),
  'an encoding longer than need be': content(bytes(0xc0, 0xaf)),
  'half a surrogate in three bytes': content(bytes(0xed, 0xa0, 0x80)),
  'a character beyond Unicode': content(bytes(0xf4, 0x90, 0x80, 0x80)),
  'half a character': content(bytes(0xe2, 0x82)),
  'gzip that nobody announced': post(gzipSync(goodBody)),
})

const nested = (open: string, depth: number, close = '') => open.repeat(depth) + close.repeat(depth)

const shapes = all(['invalid_request'], {
  'a list': post('[]'),
  'a string': post('"hello"'),
  'a number': post('42'),
  true: post('true'),
  null: post('null'),
  'an empty object': post('{}'),
  'a list of requests': post(`[${goodBody}]`),
  '2000 brackets': post(nested('[', 2000, ']')),
  '2000 brackets that stay open': post(nested('[', 2000)),
  '15 000 objects in each other': post(nested('{"a":', 15_000)),
  '90 000 brackets': post(nested('[', 45_000, ']')),
  'a prototype in place of the members': post('{"__proto__":{"model":"m","messages":[{"role":"user","content":"a"}]}}'),
})

const passing = all(['ok'], {
  'a mark before the value': post(Buffer.concat([bytes(0xef, 0xbb, 0xbf), Buffer.from(goodBody)])),
  'half a surrogate, escaped': content('\\ud800'),
  'a null byte, escaped': content('\\u0000'),
  'a member twice': post(goodBody.replace('{', '{"model":"other",')),
  'a prototype beside the members': post(goodBody.replace('{', '{"__proto__":{"messages":5},"constructor":1,')),
  'an integer that no double holds': post(goodBody.replace('{', '{"seed":12345678901234567890,')),
  '900 brackets in a member that nobody knows': post(goodBody.replace('{', `{"x":${nested('[', 900, ']')},`)),
  'no content type': raw(`POST ${path} HTTP/1.1`, [host, bearer, `content-length: ${goodBody.length}`], goodBody),
})

const typed = (type: string, body: string | Buffer = goodBody) =>
  raw(`POST ${path} HTTP/1.1`, [host, bearer, `content-length: ${Buffer.byteLength(body)}`, type], body)
const coded = (coding: string, body: string | Buffer = goodBody) => post(body, `content-encoding: ${coding}`)

const types: Malformed[] = [
  ...all(['unsupported_media_type'], {
    'plain text': typed('content-type: text/plain'),
    'a form': typed('content-type: application/x-www-form-urlencoded'),
    parts: typed('content-type: multipart/form-data; boundary=x'),
    XML: typed('content-type: application/xml'),
    bytes: typed('content-type: application/octet-stream'),
    nothing: typed('content-type:'),
    'a word': typed('content-type: json'),
    'a type that only begins alike': typed('content-type: application/jsonx'),
    'two types': typed('content-type: application/json, text/plain'),
    'lines of JSON': typed('content-type: application/x-ndjson'),
    'UTF-16': typed('content-type: application/json; charset=utf-16', Buffer.from(goodBody, 'utf16le')),
    'Latin-1': typed('content-type: application/json; charset=iso-8859-1'),
    'a set that nobody knows': typed('content-type: application/json; charset=\\"x'),
    'a coding that nobody knows': coded('cow'),
    zstd: coded('zstd'),
    compress: coded('compress'),
    'gzip twice': coded('gzip, gzip', gzipSync(gzipSync(goodBody))),
    'a coding with a weight': coded('gzip;q=1', gzipSync(goodBody)),
    'no coding': coded(''),
  }),
  ...all(['ok'], {
    'JSON by another name': typed('content-type: application/vnd.api+json'),
    'JSON in capitals': typed('CONTENT-TYPE: APPLICATION/JSON; CHARSET="UTF-8"'),
    'no coding, said': coded('identity'),
    gzip: coded('gzip', gzipSync(goodBody)),
    deflate: coded('deflate', deflateSync(goodBody)),
    brotli: coded('br', brotliCompressSync(goodBody)),
    'gzip in capitals': coded('GZip', gzipSync(goodBody)),
  }),
]

const noise = randomBytes(3 * cap)

const compressed: Malformed[] = [
  ...all(['invalid_json'], {
    'gzip that is none': coded('gzip'),
    'deflate that is none': coded('deflate'),
    'brotli that is none': coded('br'),
    'gzip cut short': coded('gzip', gzipSync(goodBody).subarray(0, -9)),
    'gzip of its head alone': coded('gzip', gzipSync(goodBody).subarray(0, 10)),
    'gzip with a wrong sum': coded('gzip', Buffer.concat([gzipSync(goodBody).subarray(0, -8), Buffer.alloc(8)])),
    'deflate cut short': coded('deflate', deflateSync(goodBody).subarray(0, -9)),
    'brotli cut short': coded('br', brotliCompressSync(goodBody).subarray(0, -9)),
    'gzip of nothing': coded('gzip', gzipSync('')),
    'gzip in gzip': coded('gzip', gzipSync(gzipSync(goodBody))),
    'gzip of no JSON': coded('gzip', gzipSync('<html>')),
    'gzip as brotli': coded('br', gzipSync(goodBody)),
    'deflate without its head as brotli': coded('br', deflateRawSync(goodBody)),
    'an empty body under gzip': coded('gzip', ''),
    'an empty body under brotli': coded('br', ''),
  }),
  ...all(['request_too_large'], {
    'a gzip bomb': coded('gzip', gzipSync(Buffer.alloc(200 * cap))),
    'a deflate bomb': coded('deflate', deflateSync(Buffer.alloc(200 * cap))),
    'a brotli bomb': coded('br', brotliCompressSync(Buffer.alloc(200 * cap))),
    'a gzip bomb of spaces behind a good request': coded('gzip', gzipSync(goodBody + ' '.repeat(2 * cap))),
    'a length over the cap': framed([`content-length: ${cap + 1}`], ''),
    'a length far over the cap': framed(['content-length: 999999999999999'], ''),
    'chunks over the cap': framed(['transfer-encoding: chunked'], chunks('x'.repeat(cap + 1))),
    'noise over the cap': post(noise.subarray(0, cap + 1)),
    'a good request and white space over the cap': post(goodBody + ' '.repeat(cap)),
  }),
]

export const bodies = {
  'text that is no JSON': texts,
  'JSON of another shape': shapes,
  'bodies that are strange and right': passing,
  'content types and codings': types,
  'bodies that are compressed or too large': compressed,
}
