/** Loaded by `--import` ahead of all else: writes the address of every module that is loaded, one a line. */

import { writeSync } from 'node:fs'
import { registerHooks } from 'node:module'

registerHooks({
  load(url, context, next) {
    write(Buffer.from(`${url}\n`))
    return next(url, context)
  },
})

/** A pipe whose reader is slow is full now and then, and says so by an error. */
function write(bytes: Buffer): void {
  for (let left = bytes; left.length > 0; ) {
    try {
      left = left.subarray(writeSync(1, left))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    }
  }
}
