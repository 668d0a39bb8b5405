import type { styleText } from 'node:util'

export type Ink = Parameters<typeof styleText>[0]

/** Text with the way it is shown kept apart, so that its width can be counted. */
export type Span = readonly [text: string, ink?: Ink]

export type Line = readonly Span[]

/** Characters, each counted as one column: the demo writes none that are wider. */
export function widthOf(line: Line): number {
  return line.reduce((width, [text]) => width + text.length, 0)
}

/** The line, or as much of it as fits with an ellipsis behind. */
export function clip(line: Line, width: number): Line {
  if (widthOf(line) <= width) return line
  const kept: Span[] = []
  let room = width - 1
  for (const [text, ink] of line) {
    kept.push(ink === undefined ? [text.slice(0, room)] : [text.slice(0, room), ink])
    room -= text.length
    if (room <= 0) break
  }
  return [...kept, ['…', 'dim']]
}

/** Cuts text into lines, at a space where one is near the end of the line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width - 1)
    const end = space > width / 2 ? space + 1 : width
    lines.push(rest.slice(0, end))
    rest = rest.slice(end)
  }
  return [...lines, rest]
}
