/** Loaded by `--import` ahead of all else: writes the address of every module that is loaded, one a line. */

import { writeSync } from 'node:fs'
import { registerHooks } from 'node:module'

registerHooks({
  load(url, context, next) {
    writeSync(1, `${url}\n`)
    return next(url, context)
  },
})
