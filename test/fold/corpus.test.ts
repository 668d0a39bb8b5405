import { cutAtRandom, cutPerByte, seededRandom } from '../support/split.ts'
import { encoders, foldCompressed } from './collecting.ts'
import { assertFolded } from './expectation.ts'
import { foldChunks } from './folding.ts'
import { loadSamples } from './samples.ts'

const samples = loadSamples()

/** The ways in which a body arrives. */
const arrivals: Readonly<Record<string, (body: Buffer) => Buffer[]>> = {
  whole: (body) => [body],
  'event by event': cutPerEvent,
  'in random pieces': (body) => cutAtRandom(body, seededRandom(body.length), 60),
  'byte by byte': cutPerByte,
}

function cutPerEvent(body: Buffer): Buffer[] {
  const events = body.toString('latin1').split(/(?<=\r\n\r\n|\n\n)/)
  return events.map((event) => Buffer.from(event, 'latin1'))
}

describe('streams recorded from real providers', () => {
  if (samples.length === 0) {
    it('are not at hand here (../shared/streams): only the fixtures of this repository were run', () => {})
  }

  for (const { file, api, body, expected } of samples) {
    describe(file, () => {
      for (const [arrival, cut] of Object.entries(arrivals)) {
        it(`is folded when it comes ${arrival}`, () => assertFolded(foldChunks(api, cut(body)), expected))
      }

      for (const encoding of Object.keys(encoders) as (keyof typeof encoders)[]) {
        it(`is folded when it comes compressed with ${encoding}`, async () => {
          assertFolded(await foldCompressed(api, encoding, body), expected)
        })
      }
    })
  }
})
