import { limitsPage } from '../deploy/grafana/source/limits.ts'
import { overview } from '../deploy/grafana/source/overview.ts'
import { build, type Page } from '../deploy/grafana/source/page.ts'
import { runtime } from '../deploy/grafana/source/runtime.ts'
import { streamsAndTokens } from '../deploy/grafana/source/streams.ts'
import { upstreams } from '../deploy/grafana/source/upstreams.ts'
import { type Generated, writeOrCheck } from './generated.ts'

export const pages: readonly Page[] = [overview, upstreams, streamsAndTokens, runtime, limitsPage]

/** The files that Grafana's provisioning reads. */
export const generated: readonly Generated[] = pages.map((page) => ({
  path: `deploy/grafana/dashboards/${page.uid.replace('openai-proxy-', '')}.json`,
  text: `${JSON.stringify(build(page), null, 2)}\n`,
}))

if (import.meta.main) writeOrCheck(generated, process.argv)
