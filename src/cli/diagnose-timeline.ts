/** The history of one checkout as people read it: states, what was asked of the gateway, and what was done by hand, in order. */
import { phaseOf, stateName } from '../checkout/states.ts'
import type { Diagnosis, TimelineEntry } from '../checkout-engine.ts'
import type { ActionByHand } from '../observe/by-hand.ts'
import { span } from './span.ts'
import { cell, money } from './table.ts'

export interface Moment {
  at: string
  /** It is not over: it stands behind all that is. */
  isOpen?: boolean
  what: string
  phase?: string | null
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
  const notes = [...(isTakenOver ? [`taken over, epoch ${entry.epoch}`] : []), ...notesOf(details)]
  return {
    at,
    what: stateName(to),
    phase: phaseOf(to),
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

/** Where it came to an end: the states it leads to follow it. */
function ofOperation(operation: Operation): Moment {
  const { kind, attempt, status, amount_minor: amount, currency, answer, intended_at, settled_at } = operation
  const name = `gateway: ${kind}${attempt === 1 ? '' : ` ${attempt}`}`
  const sum = typeof amount === 'number' && amount > 0 && typeof currency === 'string' ? money(amount, currency) : ''
  const noteOf = (more: string) => [sum, more].filter(text => text !== '').join(', ')
  if (settled_at === null) {
    const note = noteOf('asked, and no certain answer yet')
    return { at: intended_at, isOpen: true, what: name, note, tone: 'warning' }
  }
  const { code, message } = (answer ?? {}) as { code?: unknown; message?: unknown }
  return {
    at: settled_at,
    what: `${name} ${status}`,
    tookMs: Date.parse(settled_at) - Date.parse(intended_at),
    note: noteOf(status === 'declined' ? cell(code ?? message) : ''),
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
  const moments = [
    ...found.timeline.map((entry, index) => ofTransition(entry, found.timeline[index - 1])),
    ...(found.operations as Operation[]).map(ofOperation),
    ...actions.map(ofAction),
  ]
  const placeOf = ({ at, isOpen }: Moment) => (isOpen ? Number.POSITIVE_INFINITY : Date.parse(at))
  // What is at the same time stays in the order of its history.
  return moments.sort((one, other) => (placeOf(one) === placeOf(other) ? 0 : placeOf(one) - placeOf(other)))
}

/** Rows of a table: since the start, what, phase, how long, note. */
export function timelineRows(moments: readonly Moment[]): string[][] {
  const start = Date.parse(moments[0]?.at ?? '')
  return moments.map(({ at, what, phase, tookMs, note }) => [
    `+${span(Date.parse(at) - start)}`,
    cell(what),
    phase ?? '',
    tookMs == null ? '' : span(tookMs),
    cell(note),
  ])
}
