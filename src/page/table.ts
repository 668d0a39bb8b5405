/** How a cell speaks: a state by its dot, or a figure that is not as it should be. */
export type Tone = 'good' | 'warn' | 'bad'

export interface Column<Row> {
  readonly title: string
  text(row: Row): string
  /** `number` aligns right, `name` may be cut off, `id` is selected as a whole, `bare` needs no title on a phone. */
  readonly kinds?: readonly ('number' | 'name' | 'id' | 'bare' | 'pill')[]
  tone?(row: Row): Tone | undefined
  /** All of it, where the cell may be cut off. */
  hint?(row: Row): string
}

export interface TableParts<Row> {
  readonly section: HTMLElement
  readonly title: string
  readonly columns: readonly Column<Row>[]
  /** The same for the same thing in the next frame, so that a selection in its row stays. */
  key(row: Row): string
  /** What stands there instead of no rows. */
  readonly empty: string
  /** Stands beside the title. */
  readonly tool?: HTMLElement
}

/**
 * A table that is brought up to date in place. Everything goes in as text: names of models and upstreams are whatever
 * strangers have written.
 */
export function createTable<Row>({ section, title, columns, key, empty, tool }: TableParts<Row>) {
  const heading = element('h2', title)
  const header = document.createElement('header')
  header.append(heading, ...(tool ? [element('span', '', 'gap'), tool] : []))
  const table = document.createElement('table')
  const body = table.createTBody()
  const note = element('p', empty, 'empty')
  const head = table.createTHead().insertRow()
  for (const { title, kinds } of columns) head.append(element('th', title, kinds?.includes('number') ? 'number' : ''))
  section.replaceChildren(header, table, note)
  let shown = new Map<string, HTMLTableRowElement>()

  return (rows: readonly Row[], aside = ''): void => {
    write(heading, aside === '' ? title : `${title} · ${aside}`)
    table.hidden = rows.length === 0
    note.hidden = rows.length > 0
    const next = new Map<string, HTMLTableRowElement>()
    for (const row of rows) {
      let name = key(row)
      // Clients choose request ids, and may choose one twice.
      while (next.has(name)) name += '+'
      const line = shown.get(name) ?? newLine(columns)
      fill(line, row, columns)
      if (body.rows[next.size] !== line) body.insertBefore(line, body.rows[next.size] ?? null)
      next.set(name, line)
    }
    while (body.rows.length > next.size) body.deleteRow(-1)
    shown = next
  }
}

function newLine<Row>(columns: readonly Column<Row>[]): HTMLTableRowElement {
  const line = document.createElement('tr')
  for (const { title } of columns) line.insertCell().dataset.label = title
  return line
}

function fill<Row>(line: HTMLTableRowElement, row: Row, columns: readonly Column<Row>[]): void {
  columns.forEach((column, index) => {
    const cell = line.cells[index]
    if (cell === undefined) return
    const tone = column.tone?.(row) ?? ''
    const kinds = column.kinds ?? []
    // A dot needs an element of its own: a cell that is a flex box is no cell any more.
    const pill = kinds.includes('pill') ? (cell.firstElementChild ?? cell.appendChild(element('span', ''))) : undefined
    write(pill ?? cell, column.text(row))
    style(cell, [...kinds.filter((kind) => kind !== 'pill'), pill ? '' : tone].join(' ').trim())
    if (pill) style(pill, `pill ${tone}`.trim())
    const hint = column.hint?.(row) ?? ''
    if (cell.title !== hint) cell.title = hint
  })
}

export function element<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, text: string, className = '') {
  const made = document.createElement(tag)
  made.textContent = text
  made.className = className
  return made
}

/** Only what has changed: a write of the same text would take a selection away. */
export function write(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

function style(target: Element, className: string): void {
  if (target.className !== className) target.className = className
}
