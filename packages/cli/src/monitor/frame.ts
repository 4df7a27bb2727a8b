/** The lines of `holdfast monitor`, for a terminal of a given size or for a pipe. */
import type { HealthCheck, HealthReport, Statistics } from 'holdfast'
import { type RestingState, stateName } from 'holdfast'
import type { Throughput } from 'holdfast/operations'
import type { Caller } from '../command.ts'
import { formatDuration } from '../terminal/duration.ts'
import { cell, cut, paint, type Tone, table, widthOf } from '../terminal/table.ts'

/** One reading. */
export interface Figures {
  health: HealthReport
  statistics: Statistics
  throughput: Throughput
}

export interface Frame extends Figures {
  /** Text of the last line. */
  foot?: string
  /** Why the latest reading is missing. */
  problem?: string | null
}

type Look = Pick<Caller, 'colours' | 'columns'>

const toneOf = { ok: 'good', warning: 'warning', critical: 'bad' } as const
const healthTone = { healthy: 'good', degraded: 'warning', unhealthy: 'bad' } as const
const levels = '▁▂▃▄▅▆▇█'
/** Maximum number of bars, also used if the width is unknown. */
const barsMax = 60

/** One bar per number, scaled to the highest. Every number above 0 gets a visible bar. */
export function sparkline(values: readonly number[], highest = Math.max(...values)): string {
  return values
    .map(value =>
      value === 0 ? '·' : levels[Math.max(0, Math.ceil((value / Math.max(highest, 1)) * levels.length) - 1)],
    )
    .join('')
}

const lines = (text: string) => text.split('\n').slice(0, -1)

export function healthLines(look: Look, { checks }: HealthReport, only: (check: HealthCheck) => boolean = () => true) {
  const rows = Object.entries(checks)
    .filter(([, check]) => only(check))
    .map(([name, { status, message }]) => [name, paint(look, toneOf[status], status), cell(message)])
  return rows.length === 0 ? [] : lines(table(look, ['check', 'status', ''], rows))
}

export function healthWord(look: Look, { status }: HealthReport): string {
  return paint(look, healthTone[status], status)
}

const count = (number: number) => number.toLocaleString('en')

function figureRows(look: Look, figures: Statistics): string[][] {
  const { successRate, durationMs } = figures
  const tone: Tone = successRate === null || successRate >= 0.9 ? 'good' : successRate >= 0.5 ? 'warning' : 'bad'
  return [
    ['active now', count(figures.active)],
    ['completed', count(figures.completed)],
    ['failed', count(figures.failed)],
    ['of which expired', count(figures.expired)],
    ['success rate', successRate === null ? '–' : paint(look, tone, `${(successRate * 100).toFixed(1)} %`)],
    ['duration p50', durationMs === null ? '–' : formatDuration(durationMs.p50)],
    ['duration p95', durationMs === null ? '–' : formatDuration(durationMs.p95)],
    ['duration p99', durationMs === null ? '–' : formatDuration(durationMs.p99)],
  ]
}

const pad = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - widthOf(text)))

/** Statistics on the left, the number of checkouts per state beside them. */
function figureLines(look: Look, figures: Statistics): string[] {
  const left = lines(table({ colours: look.colours }, ['', ''], figureRows(look, figures), { right: [1] }))
  const states = Object.entries(figures.byState)
    .sort(([, one], [, other]) => other - one)
    .map(([state, many]) => [stateName(state as RestingState), count(many)])
  if (states.length === 0) return left
  const right = lines(table({ colours: look.colours }, ['', ''], states, { right: [1] }))
  const width = Math.max(...left.map(widthOf)) + 6
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) =>
    `${pad(left[index] ?? '', width)}${right[index] ?? ''}`.trimEnd(),
  )
}

function reasonLines(look: Look, figures: Statistics): string[] {
  if (figures.failureReasons.length === 0) return []
  const rows = figures.failureReasons.map(({ code, phase, count: many }) => [
    cell(code),
    cell(phase ?? '–'),
    count(many),
  ])
  return lines(table(look, ['failure', 'phase', 'checkouts'], rows, { right: [2] }))
}

function throughputLines(look: Look, { bucketSeconds, ...ends }: Throughput, columns?: number): string[] {
  const bars = columns === undefined ? barsMax : Math.max(1, Math.min(barsMax, columns - 24))
  const shown = { completed: ends.completed.slice(-bars), failed: ends.failed.slice(-bars) }
  const highest = Math.max(1, ...shown.completed, ...shown.failed)
  const overMs = Math.min(bars, shown.completed.length) * bucketSeconds * 1_000
  const row = (name: 'completed' | 'failed', tone: Tone) => {
    const perMinute = (shown[name].reduce((sum, value) => sum + value, 0) * 60_000) / Math.max(overMs, 1)
    const rate = `${perMinute >= 99.5 ? count(Math.round(perMinute)) : perMinute.toFixed(1)}/min`
    return `${pad(name, 10)}${paint(look, tone, sparkline(shown[name], highest))}  ${rate}`
  }
  return [
    paint(
      look,
      'strong',
      `ended in the last ${formatDuration(overMs)}, one bar per ${formatDuration(bucketSeconds * 1_000)}`,
    ),
    row('completed', 'good'),
    row('failed', 'bad'),
  ]
}

const title = (look: Look, { hours }: Statistics) =>
  paint(look, 'strong', `started in the last ${hours === 1 ? 'hour' : `${hours} hours`}`)

/** Health and its time. Without a current reading: the problem, and the time of the last reading. */
function headLines(look: Look, { health, problem }: Frame): string[] {
  const time = timeOf(health.timestamp)
  return problem == null
    ? [`${healthWord(look, health)}  ${paint(look, 'quiet', time)}`]
    : [paint(look, 'bad', problem), paint(look, 'quiet', `last reading: ${time}`)]
}

/** All lines, without a limit on their number. */
export function wholeFrame(look: Look, frame: Frame, barColumns = look.columns): string[] {
  const { health, statistics, throughput, foot } = frame
  const reasons = reasonLines(look, statistics)
  return [
    ...headLines(look, frame),
    '',
    ...healthLines(look, health),
    '',
    title(look, statistics),
    ...figureLines(look, statistics),
    '',
    ...throughputLines(look, throughput, barColumns),
    ...(reasons.length === 0 ? [] : ['', ...reasons]),
    ...(foot === undefined ? [] : ['', paint(look, 'quiet', foot)]),
  ]
}

export const timeOf = (timestamp: string) => timestamp.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')

/**
 * The lines that fit into `rows` × `columns` cells. If there are too many, healthy checks become one line and lines are cut
 * from the bottom: first the failure reasons, then the statistics. The first and the last line always remain.
 */
export function fittedFrame({ colours }: Look, frame: Frame, size: { columns: number; rows: number }): string[] {
  // Lay out without a width limit and cut afterwards, so no line wraps.
  const all = wholeFrame({ colours }, frame, size.columns)
  const shown = all.length <= size.rows ? all : shortFrame({ colours }, frame, size)
  return shown.map(line => cut(line, size.columns))
}

function shortFrame(look: Look, frame: Frame, { columns, rows }: { columns: number; rows: number }): string[] {
  const { health, statistics, throughput, foot = '' } = frame
  const well = Object.values(health.checks).filter(check => check.status === 'ok').length
  const head = [
    ...headLines(look, frame),
    ...healthLines(look, health, check => check.status !== 'ok'),
    paint(look, 'quiet', `${well} ${well === 1 ? 'check is' : 'checks are'} ok`),
  ]
  const body = [
    '',
    ...throughputLines(look, throughput, columns),
    '',
    title(look, statistics),
    ...figureLines(look, statistics),
    '',
    ...reasonLines(look, statistics),
  ]
  // In a low terminal, omit the empty line before the last.
  const gap = rows > 12 ? [''] : []
  return [...[...head, ...body].slice(0, Math.max(0, rows - 1 - gap.length)), ...gap, paint(look, 'quiet', foot)].slice(
    0,
    rows,
  )
}
