import zlib from 'node:zlib'

/** Counts what zlib's streams give out from now on; koa-body makes them through these two functions. */
export function countInflated(): () => number {
  let bytes = 0
  for (const name of ['createUnzip', 'createBrotliDecompress'] as const) {
    const original = Object.getOwnPropertyDescriptor(zlib, name)!
    const make = zlib[name]
    const counting = (options?: object) => {
      const stream = make(options)
      const push = stream.push.bind(stream)
      stream.push = (data: Buffer | null) => {
        bytes += data?.length ?? 0
        return push(data)
      }
      Object.defineProperty(zlib, name, original)
      return stream
    }
    Object.defineProperty(zlib, name, { ...original, value: counting })
  }
  return () => bytes
}
