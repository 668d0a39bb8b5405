import { styleText } from 'node:util'
import { clip, type Ink, type Line, widthOf } from './line.ts'

/** Where the demo writes: a terminal of some size, or a file. */
export interface Screen {
  /** Columns of the terminal; infinite in a file, whose readers have their own. */
  readonly columns: number
  readonly rows: number
  /** Whether what is written already can be written over. */
  readonly movable: boolean
  ink(ink: Ink, text: string): string
  /** Writes a line. */
  print(...line: Line): void
  /** Writes text as it is. */
  write(text: string): void
}

/** Looks at the stream once; colours and movement depend on the terminal, NO_COLOR and FORCE_COLOR, as Node reads them. */
export function openScreen(stream: NodeJS.WriteStream): Screen {
  const terminal = stream.isTTY === true
  const ink = (format: Ink, text: string) => styleText(format, text, { stream })
  const write = (text: string) => void stream.write(text)
  return {
    // A terminal that does not know its size says 0.
    columns: terminal ? stream.columns || 80 : Number.POSITIVE_INFINITY,
    rows: terminal ? stream.rows || 24 : Number.POSITIVE_INFINITY,
    // Who wants no colours wants no other escape codes either, and a terminal without colours may know none.
    movable: terminal && stream.getColorDepth() > 2,
    ink,
    write,
    print: (...line) => write(`${inked(ink, line)}\n`),
  }
}

export function inked(ink: Screen['ink'], line: Line): string {
  return line.map(([text, format]) => (format === undefined || text === '' ? text : ink(format, text))).join('')
}

/** Two columns next to each other, of which the left one is written first, line by line as things happen. */
export interface Columns {
  readonly leftWidth: number
  readonly rightWidth: number
  left(line: Line): void
  /** Fills the right column, and ends both. */
  right(title: Line, lines: readonly Line[]): void
}

/** Below this many columns, two of them would be too narrow to be read. */
const twoColumns = 110
const indent = '   '
const between = ' │ '

/** Side by side where the cursor can be moved and there is room; else the right column follows below the left. */
export function openColumns(screen: Screen, leftTitle: Line, meanwhile: Line): Columns {
  return screen.movable && screen.columns >= twoColumns
    ? sideBySide(screen, leftTitle, meanwhile)
    : stacked(screen, leftTitle)
}

function stacked(screen: Screen, leftTitle: Line): Columns {
  const width = screen.columns - indent.length
  const print = (line: Line) => screen.print([indent], ...clip(line, width))
  print(leftTitle)
  return {
    leftWidth: width,
    rightWidth: width,
    left: print,
    right(title, lines) {
      screen.print()
      print(title)
      for (const line of lines) print(line)
    },
  }
}

function sideBySide(screen: Screen, leftTitle: Line, meanwhile: Line): Columns {
  const room = screen.columns - indent.length - between.length
  const leftWidth = Math.floor(room * 0.52)
  const rightWidth = room - leftWidth
  const rightStart = indent.length + leftWidth + between.length + 1
  let height = 0
  const row = (left: Line, right: Line) => {
    const padding = ' '.repeat(leftWidth - widthOf(left))
    screen.print([indent], ...left, [padding], [between, 'dim'], ...right)
    height++
  }
  row(clip(leftTitle, leftWidth), clip(meanwhile, rightWidth))
  return {
    leftWidth,
    rightWidth,
    left: (line) => row(clip(line, leftWidth), []),
    right(title, lines) {
      const all = [title, ...lines].map((line) => clip(line, rightWidth))
      // What has been scrolled out at the top cannot be reached any more.
      const above = height < screen.rows ? height : 0
      if (above > 0) screen.write(up(above))
      for (const line of all.slice(0, above)) screen.write(`${toColumn(rightStart)}${inked(screen.ink, line)}${rest}\n`)
      if (all.length < above) screen.write(down(above - all.length))
      for (const line of all.slice(above)) row([], line)
    },
  }
}

// ECMA-48: cursor up and down by lines, to a column, and erase to the end of the line.
const up = (lines: number) => `\x1b[${lines}A\r`
const down = (lines: number) => `\x1b[${lines}B\r`
const toColumn = (column: number) => `\x1b[${column}G`
const rest = '\x1b[K'
