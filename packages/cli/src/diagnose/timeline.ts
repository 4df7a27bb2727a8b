/** The history of one checkout for display: state changes, gateway calls, and operator actions, in order. */
import type { Diagnosis, TimelineEntry } from 'holdfast'
import { phaseOf, stateName } from 'holdfast'
import type { OperatorAction } from 'holdfast/operations'
import { formatDuration } from '../terminal/duration.ts'
import { cell } from '../terminal/table.ts'

export interface Moment {
  at: string
  /** Still in progress; sorted after everything that has ended. */
  isOpen?: boolean
  what: string
  /** Duration, milliseconds. */
  tookMs?: number | null
  note: string
  tone: 'good' | 'bad' | 'warning' | 'quiet' | null
}

type Operation = Record<string, unknown> & { intended_at: string; settled_at: string | null }

function ofTransition(entry: TimelineEntry, earlier: TimelineEntry | undefined): Moment {
  const { to, at, details, durationMs } = entry
  // The first lease starts the work; it is not a take-over.
  const isTakenOver = earlier !== undefined && earlier.epoch > 0 && entry.epoch > earlier.epoch
  const phase = phaseOf(to)
  const notes = [
    ...(phase === null ? [] : [phase]),
    ...(isTakenOver ? [`taken over, epoch ${entry.epoch}`] : []),
    ...notesOf(details),
  ]
  return {
    at,
    what: stateName(to),
    tookMs: durationMs,
    note: notes.join('; '),
    tone: to === 'completed' ? 'good' : to === 'failed' || to === 'rolling_back' ? 'bad' : null,
  }
}

/** The details that the engine stores with a transition, as text. Unknown details are printed unchanged. */
function notesOf(details: Record<string, unknown> | null): string[] {
  const { failure, phase, undone, ...more } = details ?? {}
  const notes: string[] = []
  if (typeof failure === 'string') notes.push(failure + (typeof phase === 'string' ? ` in ${phase}` : ''))
  if (Array.isArray(undone) && undone.length > 0) notes.push(`undone: ${undone.join(', ')}`)
  for (const [name, value] of Object.entries(more)) notes.push(`${name} ${cell(value)}`)
  return notes
}

/** True for an authorization of unknown outcome that a later void has settled. */
function isFenced({ kind, settled_at }: Operation, all: readonly Operation[]): boolean {
  return (
    kind === 'authorize' &&
    settled_at === null &&
    all.some(other => other.kind === 'void' && other.status === 'succeeded')
  )
}

/** A gateway call, at the time it settled: the states that follow from it come after. */
function ofOperation({ kind, attempt, status, answer, intended_at, settled_at }: Operation): Moment {
  const name = `gateway: ${kind}${attempt === 1 ? '' : ` ${attempt}`}`
  if (settled_at === null) return { at: intended_at, isOpen: true, what: name, note: 'no answer yet', tone: 'warning' }
  const { code, message } = (answer ?? {}) as { code?: unknown; message?: unknown }
  return {
    at: settled_at,
    what: `${name} ${status}`,
    tookMs: Date.parse(settled_at) - Date.parse(intended_at),
    note: status === 'declined' ? cell(code ?? message) : '',
    tone: status === 'declined' ? 'bad' : 'quiet',
  }
}

function ofAction({ action, actor, at, details }: OperatorAction): Moment {
  const { reason, ...more } = details
  const { type, listener } = more
  const about = typeof listener === 'string' ? `${type ?? ''} to ${listener}`.trim() : ''
  const notes = [about, typeof reason === 'string' ? `“${reason}”` : ''].filter(text => text !== '')
  return {
    at,
    what: `operator: ${action}`,
    note: [`by ${actor}`, ...notes].join(', '),
    tone: 'warning',
  }
}

/** All moments, oldest first. */
export function momentsOf(
  found: Pick<Diagnosis, 'timeline' | 'operations'>,
  actions: readonly OperatorAction[],
): Moment[] {
  const operations = found.operations as Operation[]
  const moments = [
    ...found.timeline.map((entry, index) => ofTransition(entry, found.timeline[index - 1])),
    ...operations.filter(operation => !isFenced(operation, operations)).map(ofOperation),
    ...actions.map(ofAction),
  ]
  const timeOf = ({ at, isOpen }: Moment) => (isOpen ? Number.POSITIVE_INFINITY : Date.parse(at))
  // The sort is stable: moments at the same time keep their order.
  return moments.sort((one, other) => (timeOf(one) === timeOf(other) ? 0 : timeOf(one) - timeOf(other)))
}

/** Rows of a table: time since the start, what happened, duration (of an open moment: until now), note. */
export function timelineRows(moments: readonly Moment[], now: string): string[][] {
  const start = Date.parse(moments.find(({ isOpen }) => !isOpen)?.at ?? now)
  return moments.map(({ at, isOpen = false, what, tookMs, note }) => [
    isOpen ? 'now' : `+${formatDuration(Date.parse(at) - start)}`,
    cell(what),
    isOpen ? formatDuration(Date.parse(now) - Date.parse(at)) : tookMs == null ? '' : formatDuration(tookMs),
    cell(note),
  ])
}
