import { colours } from './groups.ts'
import { type Frame, selfBy } from './stacks.ts'

const width = 1200
const rowHeight = 15
const characterWidth = 6.2
const top = 62
/** GitHub shows larger pictures only after a click. */
const mostBytes = 200_000

export interface Picture {
  readonly title: string
  /** How much of a request a frame is, such as `12.3 µs`. */
  amount(total: number): string
}

/**
 * A flame graph, callers above what they call: a box is as wide as what it cost with all that it called. Narrow boxes
 * are left out, and wider ones until the file is small enough.
 */
export function flameGraph(root: Frame, picture: Picture, leastShare = 0.002): string {
  const boxes: string[] = []
  const depth = draw(root, {
    left: 0,
    row: 0,
    scale: width / root.total,
    least: root.total * leastShare,
    picture,
    boxes,
  })
  const height = top + (depth + 1) * rowHeight + 4
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="monospace" font-size="10">
<title>${escaped(picture.title)}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="6" y="18" font-size="14">${escaped(picture.title)}</text>
${legend(root)}
${boxes.join('\n')}
</svg>
`
  return Buffer.byteLength(svg) < mostBytes ? svg : flameGraph(root, picture, Math.max(leastShare * 1.3, 0.0005))
}

interface Drawing {
  readonly left: number
  readonly row: number
  readonly scale: number
  readonly least: number
  readonly picture: Picture
  readonly boxes: string[]
}

/** Draws a frame and what it called; says how deep it went. */
function draw(frame: Frame, drawing: Drawing): number {
  const { row, scale, least, boxes } = drawing
  if (!(frame.total >= least)) return row - 1
  boxes.push(box(frame, drawing))
  let { left } = drawing
  let deepest = row
  const children = [...frame.children.values()].sort((one, other) => other.total - one.total)
  for (const child of children) {
    deepest = Math.max(deepest, draw(child, { ...drawing, left, row: row + 1 }))
    left += child.total * scale
  }
  return deepest
}

function box(frame: Frame, { left, row, scale, picture }: Drawing): string {
  const wide = frame.total * scale
  const place = frame.place === '' ? '' : ` (${frame.place})`
  const share = ((wide / width) * 100).toFixed(1)
  const title = `${frame.name}${place}: ${picture.amount(frame.total)}, ${share} %; itself ${picture.amount(frame.self)}`
  const y = top + row * rowHeight
  const colour = colours[frame.group] ?? '#ccc'
  return `<g><title>${escaped(title)}</title><rect x="${left.toFixed(1)}" y="${y}" width="${Math.max(0.3, wide - 0.4).toFixed(1)}" height="${rowHeight - 1}" fill="${colour}"/>${label(frame.name, left, y, wide)}</g>`
}

/** As much of the name as fits into the box, and none of one that would say nothing. */
function label(name: string, left: number, y: number, wide: number): string {
  const room = Math.floor((wide - 4) / characterWidth)
  if (room < 3) return ''
  const text = name.length > room ? `${name.slice(0, room - 1)}…` : name
  return `<text x="${(left + 2).toFixed(1)}" y="${y + 10}">${escaped(text)}</text>`
}

function legend(root: Frame): string {
  let x = 6
  let y = 28
  return selfBy(root, ({ group }) => group)
    .map(([group, self]) => {
      const text = `${group} ${((self / root.total) * 100).toFixed(1)} %`
      const wide = 22 + text.length * characterWidth
      if (x + wide > width) [x, y] = [6, y + 16]
      const entry = `<rect x="${x.toFixed(0)}" y="${y}" width="10" height="10" fill="${colours[group] ?? '#ccc'}"/><text x="${(x + 14).toFixed(0)}" y="${y + 9}">${escaped(text)}</text>`
      x += wide
      return entry
    })
    .join('\n')
}

/** For text and titles in XML, which has no way at all to write most control characters. */
export function escaped(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}
