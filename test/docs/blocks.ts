/** A fenced block of a Markdown page. */
export interface Block {
  readonly language: string
  /** The word behind the language, which says how the block is tested. */
  readonly mark: string
  readonly code: string
  /** Where its code begins, counted from 1. */
  readonly line: number
}

export function blocksIn(page: string): Block[] {
  return [...page.matchAll(/^```(\w+)(?: (\w+))?\n(.*?)^```$/gms)].map(({ 1: language, 2: mark, 3: code, index }) => ({
    language: language ?? '',
    mark: mark ?? '',
    code: code ?? '',
    line: page.slice(0, index).split('\n').length + 1,
  }))
}

/** What the page's links and pictures point to, code left out. */
export function linksIn(page: string): string[] {
  const prose = page.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '')
}

/** The anchors that GitHub makes of a page's headings. */
export function anchorsIn(page: string): Set<string> {
  const prose = page.replaceAll(/^```.*?^```$/gms, '')
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading ?? '')
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
