import type { FailureView } from './frame.ts'
import { createTable, element, type Tone } from './table.ts'
import { clockTime, duration, none } from './units.ts'
import type { Words } from './words.ts'

/** The last requests that went wrong; the function that is returned brings the table up to date. */
export function createFailures(section: HTMLElement, words: Words) {
  const hide = element('button', words.hideClients)
  hide.type = 'button'
  hide.ariaPressed = 'false'
  let all: readonly FailureView[] = []
  const update = () => {
    const shown = hide.ariaPressed === 'true' ? all.filter((failure) => toneOf(failure) === 'bad') : all
    show(shown, shown.length < all.length ? `${shown.length} ${words.ofRequests} ${all.length}` : '')
  }
  hide.addEventListener('click', () => {
    hide.ariaPressed = String(hide.ariaPressed !== 'true')
    update()
  })
  const show = createTable<FailureView>({
    section,
    tool: hide,
    title: words.failures,
    empty: words.noFailures,
    key: ({ id, at }) => `${id} ${at}`,
    columns: [
      {
        title: words.time,
        kinds: ['bare'],
        text: ({ at }) => clockTime(at),
        hint: ({ at }) => new Date(at).toISOString(),
      },
      { title: words.status, kinds: ['bare'], text: ({ status }) => String(status), tone: toneOf },
      { title: words.code, kinds: ['bare'], text: ({ code }) => code },
      { title: words.model, kinds: ['name'], text: ({ model }) => model ?? none, hint: ({ model }) => model ?? '' },
      { title: words.route, kinds: ['bare'], text: ({ route }) => route },
      {
        title: words.upstream,
        kinds: ['name'],
        text: ({ upstream }) => upstream ?? none,
        hint: ({ upstream }) => upstream ?? '',
      },
      { title: words.took, kinds: ['number'], text: ({ durationMs }) => duration(durationMs / 1000) },
      { title: words.requestId, kinds: ['id', 'name'], text: ({ id }) => id, hint: ({ id }) => id },
      { title: words.traceId, kinds: ['id'], text: ({ trace }) => trace ?? none },
    ],
  })
  return (failures: readonly FailureView[]): void => {
    all = failures
    update()
  }
}

/** A client that left is nobody's fault; a stream that broke off had 200 for its status. */
function toneOf({ status }: FailureView): Tone | undefined {
  if (status === 499) return undefined
  return status >= 400 && status < 500 ? 'warn' : 'bad'
}
