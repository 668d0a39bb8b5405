import { readFileSync } from 'node:fs'
import { type Generated, writeOrCheck } from './generated.ts'

/** What was measured of one target: the cells of its row in `bench/RESULTS.md`. */
interface Measured {
  readonly who: string
  readonly job: string
  readonly cpuUs: string
  /** As a multiple of the floor's, taken round by round. */
  readonly ratio: string
  readonly perSecond: string
}

interface Words {
  readonly head: string
  readonly measured: (title: string) => string
  readonly job: (job: string) => string
  readonly who: (who: string) => string
}

export const english: Words = {
  head: '| job | CPU of a request | of the floor | × floor | requests/s | others in the same run |',
  measured: (title) => `Measured ${title}; one worker, and the load generator and the upstream on the same cores:`,
  job: (job) => job,
  who: (who) => who,
}

const chinese: Words = {
  head: '| 工作 | 每个请求的 CPU | 下限 | 相对下限 | 请求/秒 | 同一轮里的其他程序 |',
  measured: (title) =>
    `测量于 ${title.replaceAll(', ', '，').replace('cores', '核')}；单个工作进程，压测工具和上游也在同样的核上：`,
  job: (job) =>
    job
      .replace('un-stream', '合并流')
      .replace('pass-through', '透传')
      .replace(/(\d+) events,?/, '$1 个事件，')
      .replace('one by one', '逐个到达')
      .replace('plain JSON', '普通 JSON')
      .replace('tokens', '个 token')
      .replace(/[,，] ?/g, '，')
      .replace(/，$/, ''),
  who: (who) => who.replace('koa alone', '仅 koa').replace('nginx as it comes', 'nginx 默认配置'),
}

/** The title and the rows of the newest table of the whole proxy. */
function newest(results: string): { title: string; rows: Measured[] } {
  const section = results.split(/^## /m).findLast((part) => part.startsWith('The whole proxy: '))
  if (section === undefined) throw new Error('bench/RESULTS.md has no table of the whole proxy')
  const title =
    section
      .split('\n', 1)[0]
      ?.replace('The whole proxy: ', '')
      .replace(/ with load.*/, '') ?? ''
  const rows = section
    .split('\n')
    .filter((line) => /^\| [^|]+: /.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, target = '', cpuUs = '', ratio = '', perSecond = '']) => {
      const [who = '', job = ''] = target.split(': ')
      return { who, job, cpuUs, ratio, perSecond }
    })
  return { title, rows }
}

/** The table of the newest measurement, as the READMEs show it. */
export function benchTable(results: string, words: Words): string {
  const { title, rows } = newest(results)
  const lines = rows.filter(({ who }) => who === 'openai-proxy').map((row) => lineOf(row, rows, words))
  const rule = words.head.replaceAll(/[^|]+/g, '---')
  return `${words.measured(title)}\n\n${[words.head, rule, ...lines].join('\n')}`
}

function lineOf(proxy: Measured, rows: readonly Measured[], words: Words): string {
  const floor = rows.find(({ who, job }) => who === 'floor' && job === proxy.job)
  const cells = [
    words.job(proxy.job),
    `${proxy.cpuUs} µs`,
    `${floor?.cpuUs ?? '–'} µs`,
    proxy.ratio,
    proxy.perSecond,
    othersBeside(proxy, rows, words),
  ]
  return `| ${cells.join(' | ')} |`
}

/** Portkey cannot un-stream: its row, plain JSON of ten tokens, stands beside the stream of as many. */
function othersBeside({ job }: Measured, rows: readonly Measured[], words: Words): string {
  const beside = rows.filter(
    ({ who, job: other }) =>
      (/^(?:nginx|koa)\b/.test(who) && other === job) || (who.startsWith('Portkey') && job === 'un-stream, 13 events'),
  )
  return beside
    .map(
      ({ who, cpuUs, job: other }) => `${words.who(who)}${other === job ? '' : ` (${words.job(other)})`}: ${cpuUs} µs`,
    )
    .join(', ')
}

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

function page(path: string, words: Words): Generated {
  const table = benchTable(read('bench/RESULTS.md'), words)
  const text = read(path).replace(
    /(<!-- bench, by npm run docs -->\n)[\s\S]*?(<!-- \/bench -->)/,
    (_, start: string, end: string) => `${start}\n${table}\n\n${end}`,
  )
  return { path, text }
}

export const generated: readonly Generated[] = [page('README.md', english), page('README.zh-CN.md', chinese)]

if (import.meta.main) writeOrCheck(generated, process.argv)
