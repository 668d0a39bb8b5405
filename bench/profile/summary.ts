import { heading, table } from '../table.ts'
import { type Frame, selfBy } from './stacks.ts'

export interface Account {
  readonly title: string
  /** What the column of figures is, with its unit. */
  readonly unit: string
  /** A request's part of a sum over all. */
  perRequest(sum: number): number
  readonly notes: readonly string[]
}

const functionsShown = 30

/** Where a request's time or bytes went, by whose code it was and by function, without what these called. */
export function summary(root: Frame, { title, unit, perRequest, notes }: Account): string {
  const head = (what: string) => [what, unit, '%']
  const rows = (sums: readonly (readonly [string, number])[]) =>
    sums.map(([what, self]) => [what, perRequest(self), ((self / root.total) * 100).toFixed(1)])
  const functions = selfBy(root, ({ name, place }) => (place === '' ? name : `${name} ${place}`))
  return [
    heading(title),
    ...notes,
    `In all: ${perRequest(root.total).toFixed(1)} ${unit}.`,
    table(head('whose code'), rows(selfBy(root, ({ group }) => group))),
    table(head('function, without what it calls'), rows(functions.slice(0, functionsShown))),
    '',
  ].join('\n\n')
}
