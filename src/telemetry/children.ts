/** So many label sets are found by a look at each; a metric of the hot path has about ten. */
const MOST_LISTED = 16

interface Entry<Child> {
  readonly values: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly child: Child
}

/** What a metric keeps for each set of label values. */
export class Children<Child> {
  private readonly names: readonly string[]
  private readonly make: () => Child
  private readonly listed: Entry<Child>[] = []
  private readonly all = new Map<string, Entry<Child>>()

  /** A metric without labels has its one child from the start: a total of 0 is something to show. */
  constructor(names: readonly string[], make: () => Child) {
    this.names = names
    this.make = make
    if (names.length === 0) this.find([])
  }

  /** The child of these values, in the order of the names. */
  of(values: readonly string[]): Child {
    // Label values are mostly the very same strings, so that comparing them costs less than making a key of them.
    for (const entry of this.listed) if (isSame(entry.values, values)) return entry.child
    return this.find(values)
  }

  /** @param lines what there is to say of one child */
  map<Line>(lines: (labels: Readonly<Record<string, string>>, child: Child) => readonly Line[]): Line[] {
    return [...this.all.values()].flatMap(({ labels, child }) => lines(labels, child))
  }

  private find(values: readonly string[]): Child {
    const key = JSON.stringify(values)
    const known = this.all.get(key)
    if (known) return known.child
    const labels = Object.fromEntries(this.names.map((name, index) => [name, values[index] ?? '']))
    const entry = { values, labels, child: this.make() }
    this.all.set(key, entry)
    if (this.listed.length < MOST_LISTED) this.listed.push(entry)
    return entry.child
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}
