import { createFailures } from './failures.ts'
import { type Connection, follow } from './feed.ts'
import type { Frame } from './frame.ts'
import { History } from './history.ts'
import { createPlots } from './plots.ts'
import { ratesBetween, upstreamRates } from './rates.ts'
import { createRequests } from './requests.ts'
import { askForToken, offerSignOut } from './sign-in.ts'
import { write } from './table.ts'
import { createTheme } from './theme.ts'
import { createTiles } from './tiles.ts'
import { span } from './units.ts'
import { createUpstreams } from './upstreams.ts'
import { type Word, type Words, wordsFor } from './words.ts'
import { createWorkers } from './workers.ts'

const chartSeconds = 300

const words = wordsFor(navigator.language)
const main = find('main')
const form = find<HTMLFormElement>('#sign-in')
const history = new History({ keptMs: chartSeconds * 1000, smoothMs: 10_000, recentMs: 60_000 })
const plots = createPlots(find('#charts'), words, chartSeconds)
const showTiles = createTiles(find('#tiles'), words)
const showUpstreams = createUpstreams(find('#upstreams'), words)
const showWorkers = createWorkers(find('#workers'), words)
const showRequests = createRequests(find('#requests'), words)
const showFailures = createFailures(find('#failures'), words)

translate(words)
createTheme(find('#theme'), () => {
  for (const plot of plots) plot.repaint()
})
showConnection({ state: 'away' })
await follow({ frame: show, connection: showConnection }, () => askForToken(form, words))

function show(frame: Frame): void {
  // Before anything is drawn: what is hidden has no size.
  main.hidden = false
  history.add(frame)
  const then = history.recent()
  write(find('#version'), frame.version)
  write(find('#uptime'), `${words.uptime} ${span(frame.uptime)}`)
  showTiles(frame, then && ratesBetween(then, frame))
  for (const plot of plots) plot.show(history.points)
  showUpstreams(
    frame.upstreams.map((upstream) => ({ ...upstream, rates: then && upstreamRates(then, frame, upstream.name) })),
  )
  showWorkers(frame.workers)
  showRequests(frame)
  showFailures(frame.failures)
}

function showConnection(connection: Connection): void {
  const { state } = connection
  document.body.dataset.connection = state
  const pill = find('#connection')
  pill.className = `pill ${state === 'live' ? 'good' : state === 'away' ? 'warn' : 'bad'}`
  write(pill, words[state])
  const refusal = find('#refusal')
  refusal.hidden = state !== 'refused'
  write(refusal, connection.state === 'refused' ? connection.why : '')
  // Whoever may not look must not go on reading what was shown before.
  if (state === 'locked' || state === 'refused') main.hidden = true
  if (state === 'live') offerSignOut(find('#sign-out'))
}

/** Puts in the words that the document leaves open. */
function translate(words: Words): void {
  document.documentElement.lang = words.live === 'live' ? 'en' : 'zh'
  for (const each of document.querySelectorAll<HTMLElement>('[data-word]')) {
    write(each, words[each.dataset.word as Word])
  }
  for (const each of document.querySelectorAll<HTMLElement>('[data-title]')) {
    each.title = words[each.dataset.title as Word]
    each.ariaLabel = each.title
  }
}

function find<Found extends HTMLElement>(selector: string): Found {
  const found = document.querySelector<Found>(selector)
  if (found === null) throw new Error(`page.html has no ${selector}`)
  return found
}
