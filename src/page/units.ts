/** What stands where nothing is known. */
export const none = '–'

/** A rate or a count with about three digits that say something: 0.25, 3.1, 42, 1,240. */
export function amount(value: number | undefined): string {
  if (value === undefined) return none
  if (value === 0) return '0'
  if (value < 0.01) return '<0.01'
  if (value < 1) return value.toFixed(2)
  if (value < 10) return value.toFixed(1)
  return grouped(value)
}

/** A whole number with its thousands apart. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** A time in the unit that suits it: 85 µs, 240 ms, 1.24 s, 2 min 5 s. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return none
  if (seconds === 0) return '0'
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  return span(Math.round(seconds))
}

/** A round time at an axis, without the digits that would all be 0: 250 ms, 1.5 s, 2 min. */
export function roundDuration(seconds: number): string {
  if (seconds === 0) return '0'
  if (seconds < 1) return `${short(seconds * 1000)} ms`
  return seconds < 60 ? `${short(seconds)} s` : `${short(seconds / 60)} min`
}

/** How far apart the marks of a time axis may be, in seconds: where they are minutes, decimal steps are not round. */
export const timeSteps: readonly number[] = [
  ...[-6, -5, -4, -3, -2, -1, 0].flatMap((power) => [1, 2, 2.5, 5].map((digit) => Number(`${digit}e${power}`))),
  ...[10, 15, 30, 60, 120, 180, 300, 600, 1200, 3000, 6000],
]

/** A round number at an axis: 0.25, 5, 1200. */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** A length of time of a minute and more, by its two largest units: 2 min 5 s, 3 h 12 min, 4 d 2 h. */
export function span(seconds: number): string {
  const whole = Math.floor(seconds)
  const units: readonly (readonly [size: number, name: string])[] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ]
  const first = units.findIndex(([size]) => whole >= size)
  if (first === -1) return '0 s'
  const shown = units.slice(first, first + 2).map(([size, name], index) => {
    const above = index === 0 ? Number.POSITIVE_INFINITY : (units[first]?.[0] ?? Number.POSITIVE_INFINITY)
    return [Math.floor((whole % above) / size), name] as const
  })
  return shown
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${count} ${name}`)
    .join(' ')
}

/** Bytes as the tools of an operator show them, in powers of 1024: 820 B, 14 kB, 96 MB, 1.2 GB. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(count < 10 * 1024 ? 1 : 0)} kB`
  if (count < 1024 ** 3) return `${Math.round(count / 1024 ** 2)} MB`
  return `${(count / 1024 ** 3).toFixed(1)} GB`
}

/** A share, 0 to 1, in per cent; a failure among thousands must not look like none. */
export function percent(share: number | undefined): string {
  if (share === undefined) return none
  const value = share * 100
  if (value > 0 && value < 0.1) return '<0.1 %'
  return `${value < 10 && value !== 0 ? value.toFixed(1) : Math.round(value)} %`
}

/** Local time of day of epoch milliseconds: 14:03:59. */
export function clockTime(at: number): string {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}
