declare module 'pino-roll' {
  import type { destination } from 'pino'
  import type { SonicBoomOpts } from 'sonic-boom'

  interface RollOptions extends SonicBoomOpts {
    file: string
    size?: string
    frequency?: 'daily' | 'hourly'
    dateFormat?: string
    limit?: { count: number; removeOtherLogFiles?: boolean }
  }

  /** A SonicBoom that changes its file when it has grown too large or the day is over. */
  export default function roll(options: RollOptions): Promise<ReturnType<typeof destination>>
}
