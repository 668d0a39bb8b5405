import { isText, type JsonObject, own } from './record.ts'

/**
 * Closes the gaps in audio data where a provider pads each piece by itself: a decoder stops at the first padding. Done
 * once at the end, since to look at the end of what has come before for each piece would copy all of it each time.
 */
export function finishAudio(audio: JsonObject): void {
  const data = own(audio, 'data')
  if (isText(data) && /=[^=]/.test(data)) audio.data = rejoined(data)
}

/** The bytes of all pieces as one; what is no base64 stays as it came. */
function rejoined(data: string): string {
  if (!/^[\w+/=-]*$/.test(data)) return data
  const bytes = Buffer.allocUnsafe((data.length / 4) * 3)
  let size = 0
  for (let start = 0, end = 0; start < data.length; start = end) {
    end = endOfPadded(data, start)
    if ((end - start) % 4 !== 0) return data
    size += bytes.write(data.slice(start, end), size, 'base64')
  }
  return bytes.toString('base64', 0, size)
}

/** Where the text from `start` on has been padded, or ends. */
function endOfPadded(data: string, start: number): number {
  let end = data.indexOf('=', start)
  if (end < 0) return data.length
  while (data[end] === '=') end++
  return end
}
