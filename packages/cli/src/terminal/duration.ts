/** Durations for people: the two largest units. */

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** `850 ms`, `4.2 s`, `3 m 12 s`, `2 h 5 m`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  const length = Math.max(0, ms)
  if (length === 0) return '0 ms'
  if (length < 0.95) return `${length.toFixed(1)} ms`
  if (length < 999.5) return `${Math.round(length)} ms`
  if (length < 59_950) return `${length % 1_000 === 0 ? length / 1_000 : (length / 1_000).toFixed(1)} s`
  // Round to whole seconds first, so that the result is never "3 m 60 s".
  let rest = Math.round(length / 1_000) * 1_000
  const parts: string[] = []
  for (const [name, size] of units) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0 || parts.length > 0) parts.push(`${count} ${name}`)
  }
  return parts
    .slice(0, 2)
    .filter((part, index) => index === 0 || !part.startsWith('0 '))
    .join(' ')
}

/** `49 s`, `14 m`, `3 h`, `5 d`: for narrow columns. */
export function brief(ms: number): string {
  const length = Math.max(0, ms)
  if (length < 100_000) return `${Math.round(length / 1_000)} s`
  if (length < 100 * 60_000) return `${Math.round(length / 60_000)} m`
  return length < 48 * 3_600_000 ? `${Math.round(length / 3_600_000)} h` : `${Math.round(length / 86_400_000)} d`
}

/** `in 4.2 s`, `3 m ago`, relative to `now`. */
export function when(time: string, now: string): string {
  const ms = Date.parse(time) - Date.parse(now)
  return ms > 0 ? `in ${formatDuration(ms)}` : `${formatDuration(-ms)} ago`
}
