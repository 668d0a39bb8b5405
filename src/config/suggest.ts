/** The fewest edits from one word to the other: a letter added, removed, replaced, or two neighbours swapped. */
export function distance(from: string, to: string): number {
  let above: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? above[j - 2]! + 1 : replaced
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1))
    }
    above = row
    row = next
  }
  return row[to.length]!
}

/**
 * The known name that was probably meant, or undefined when none is near. `maxBodyBytes` and `max-body-bytes` are
 * as near to `MAX_BODY_BYTES` as can be.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = plain(name)
  const [best] = known
    .map((candidate) => ({ candidate, edits: distance(wanted, plain(candidate)) }))
    .sort((a, b) => a.edits - b.edits)
  // A third of the letters: further than that, a suggestion sends its reader the wrong way.
  return best && best.edits <= Math.max(1, Math.floor(wanted.length / 3)) ? best.candidate : undefined
}

/** A fault's sentence for a name that nobody knows. */
export function unknown(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return meant === undefined ? `unknown ${what} ${name}` : `unknown ${what} ${name}, did you mean ${meant}?`
}

function plain(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
}
