/** The history of one checkout as people read it: states, what was asked of the gateway, and what was done by hand, in order. */

import type { Diagnosis, TimelineEntry } from 'holdfast'
import { phaseOf, stateName } from 'holdfast'
import type { ActionByHand } from 'holdfast/operations'
import { span } from '../terminal/span.ts'
import { cell } from '../terminal/table.ts'

export interface Moment {
  at: string
  /** It is not over: it stands behind all that is. */
  isOpen?: boolean
  what: string
  /** How long it took, milliseconds. */
  tookMs?: number | null
  note: string
  tone: 'good' | 'bad' | 'warning' | 'quiet' | null
}

type Operation = Record<string, unknown> & { intended_at: string; settled_at: string | null }

function ofTransition(entry: TimelineEntry, earlier: TimelineEntry | undefined): Moment {
  const { to, at, details, durationMs } = entry
  // The first claim is no take-over: somebody began.
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

/** What the engine writes beside a transition, in words; whatever else is there, as it is. */
function notesOf(details: Record<string, unknown> | null): string[] {
  const { failure, phase, undone, ...more } = details ?? {}
  const notes: string[] = []
  if (typeof failure === 'string') notes.push(failure + (typeof phase === 'string' ? ` in ${phase}` : ''))
  if (Array.isArray(undone) && undone.length > 0) notes.push(`undone: ${undone.join(', ')}`)
  for (const [name, value] of Object.entries(more)) notes.push(`${name} ${cell(value)}`)
  return notes
}

/** An authorization of which the gateway never said what became of it is done with once its void is. */
function isFenced({ kind, settled_at }: Operation, all: readonly Operation[]): boolean {
  return (
    kind === 'authorize' &&
    settled_at === null &&
    all.some(other => other.kind === 'void' && other.status === 'succeeded')
  )
}

/** Where it came to an end: the states it leads to follow it. */
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

function ofAction({ action, actor, at, details }: ActionByHand): Moment {
  const { reason, ...more } = details
  const { type, listener } = more
  const about = typeof listener === 'string' ? `${type ?? ''} to ${listener}`.trim() : ''
  const notes = [about, typeof reason === 'string' ? `“${reason}”` : ''].filter(text => text !== '')
  return {
    at,
    what: `by hand: ${action}`,
    note: [`by ${actor}`, ...notes].join(', '),
    tone: 'warning',
  }
}

/** Everything that happened, oldest first. */
export function momentsOf(
  found: Pick<Diagnosis, 'timeline' | 'operations'>,
  actions: readonly ActionByHand[],
): Moment[] {
  const operations = found.operations as Operation[]
  const moments = [
    ...found.timeline.map((entry, index) => ofTransition(entry, found.timeline[index - 1])),
    ...operations.filter(operation => !isFenced(operation, operations)).map(ofOperation),
    ...actions.map(ofAction),
  ]
  const placeOf = ({ at, isOpen }: Moment) => (isOpen ? Number.POSITIVE_INFINITY : Date.parse(at))
  // What is at the same time stays in the order of its history.
  return moments.sort((one, other) => (placeOf(one) === placeOf(other) ? 0 : placeOf(one) - placeOf(other)))
}

/** Rows of a table: since the start, what, how long (or, of what is open, for how long by now), note. */
export function timelineRows(moments: readonly Moment[], now: string): string[][] {
  const start = Date.parse(moments.find(({ isOpen }) => !isOpen)?.at ?? now)
  return moments.map(({ at, isOpen = false, what, tookMs, note }) => [
    isOpen ? 'now' : `+${span(Date.parse(at) - start)}`,
    cell(what),
    isOpen ? span(Date.parse(now) - Date.parse(at)) : tookMs == null ? '' : span(tookMs),
    cell(note),
  ])
}
