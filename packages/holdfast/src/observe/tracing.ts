/**
 * Traces, where the host has OpenTelemetry: a span for what was asked of a checkout, in it one for each phase, and in
 * those one for each call to the gateway. Checkouts are worked on in sets, where nobody knows who asked for what: so the
 * work under way is remembered by checkout, and phases are told of once they are committed. What the host's tracing
 * throws (a sampler, a processor of spans) costs spans, never a checkout.
 */
import type { Context, Span, Tracer } from '@opentelemetry/api'
import type { Move, Moved } from '../database/checkout-moves.ts'
import type { CheckoutRow } from '../database/checkout-row.ts'
import { passagesOf, phaseAtGateway } from './finished-phases.ts'

type Api = typeof import('@opentelemetry/api')

/** What is asked of a gateway, as far as a trace tells it. */
interface Call {
  gateway: string
  operation: string
  lockId: string
  state: CheckoutRow['state']
  currency: string | null
  totalMinor: number | null
}

export interface Tracing {
  work<Result>(name: string, lockId: string, run: () => Promise<Result>): Promise<Result>
  call<Answer extends { outcome: string }>(call: Call, run: () => Promise<Answer>): Promise<Answer>
  observeMoves(moved: Moved): void
}

/** Work under way on a checkout. */
interface Work {
  span: Span
  context: Context
  /** At the gateway: what is asked there belongs to it. */
  phase: { span: Span; context: Context } | null
}

let loading: Promise<Api | null> | null = null

/** Null where the host has no `@opentelemetry/api`. Where it has no tracer, spans cost next to nothing. */
export async function openTracing(): Promise<Tracing | null> {
  loading ??= import('@opentelemetry/api').catch(() => null)
  const api = await loading
  return api === null ? null : createTracing(api, api.trace.getTracer('holdfast'))
}

/** From times of `performance.now()` to those of the wall clock, without jumps between two spans. */
function wallClock(): (at: number) => number {
  let anchor = Date.now() - performance.now()
  return at => {
    const now = Date.now() - performance.now()
    // The machine slept, or its clock was set.
    if (Math.abs(now - anchor) > 500) anchor = now
    return anchor + at
  }
}

/** Gives null where it throws; the process warns once. */
function createHarmless(): <Result>(run: () => Result) => Result | null {
  let hasWarned = false
  return run => {
    try {
      return run()
    } catch (error) {
      const name = error instanceof Error ? error.name : typeof error
      if (!hasWarned)
        process.emitWarning(`The tracing of this process throws (${name}); spans are missing.`, 'HoldfastWarning')
      hasWarned = true
      return null
    }
  }
}

function createTracing(
  { context: contexts, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace }: Api,
  tracer: Tracer,
): Tracing {
  const works = new Map<string, Work>()
  const wall = wallClock()
  const ERROR = SpanStatusCode.ERROR
  const harmless = createHarmless()

  function fail(span: Span, code: string): void {
    span.setAttribute('error.type', code)
    span.setStatus({ code: ERROR, message: code })
  }

  function beginPhase(work: Work, phase: string, lockId: string, at: number): void {
    const attributes = { 'holdfast.phase': phase, 'holdfast.lock.id': lockId }
    const span = tracer.startSpan(`checkout.phase.${phase}`, { startTime: wall(at), attributes }, work.context)
    work.phase = { span, context: trace.setSpan(work.context, span) }
  }

  function endPhase(work: Work, at: number, code: string | null): void {
    const { phase } = work
    work.phase = null
    if (phase === null) return
    if (code !== null) fail(phase.span, code)
    phase.span.end(wall(at))
  }

  function follow(work: Work, move: Move, moved: Moved): void {
    const { row } = move
    const code = row.failure?.code ?? null
    endPhase(work, moved.startedAt, code)
    const passages = passagesOf(move, moved)
    for (const [index, { phase, startedAt, endedAt }] of passages.entries()) {
      beginPhase(work, phase, row.id, startedAt)
      endPhase(work, endedAt, index === passages.length - 1 ? code : null)
    }
    const next = phaseAtGateway(row.state)
    if (next !== null) beginPhase(work, next, row.id, moved.committedAt)
    work.span.setAttribute('holdfast.checkout.state', row.state)
    if (row.currency !== null && row.total_minor !== null) {
      work.span.setAttributes({ 'holdfast.currency': row.currency, 'holdfast.total_minor': row.total_minor })
    }
    if (code !== null) fail(work.span, code)
  }

  function beginWork(name: string, lockId: string): Work {
    // Nobody asked for a recovery, whoever's request happened to set it off.
    const parent = name === 'recover' ? ROOT_CONTEXT : contexts.active()
    const options = { startTime: wall(performance.now()), attributes: { 'holdfast.lock.id': lockId } }
    const span = tracer.startSpan(`checkout.${name}`, options, parent)
    const work: Work = { span, context: trace.setSpan(parent, span), phase: null }
    if (span.isRecording() && !works.has(lockId)) works.set(lockId, work)
    return work
  }

  function beginCall({
    gateway,
    operation,
    lockId,
    state,
    currency,
    totalMinor,
  }: Call): Pick<Work, 'span' | 'context'> {
    const work = works.get(lockId)
    const phase = phaseAtGateway(state)
    // It was at the gateway before this work began.
    if (work !== undefined && work.phase === null && phase !== null) {
      beginPhase(work, phase, lockId, performance.now())
    }
    const parent = work?.phase?.context ?? work?.context ?? contexts.active()
    const attributes = {
      'holdfast.lock.id': lockId,
      'holdfast.gateway': gateway,
      ...(currency === null ? {} : { 'holdfast.currency': currency }),
      ...(totalMinor === null ? {} : { 'holdfast.total_minor': totalMinor }),
    }
    const startTime = wall(performance.now())
    const options = { kind: SpanKind.CLIENT, startTime, attributes }
    const span = tracer.startSpan(`checkout.gateway.${operation}`, options, parent)
    return { span, context: trace.setSpan(parent, span) }
  }

  return {
    async work(name, lockId, run) {
      const work = harmless(() => beginWork(name, lockId))
      if (work === null) return run()
      try {
        return await contexts.with(work.context, run)
      } catch (error) {
        harmless(() => {
          const { name: kind, code = kind } = error as { name: string; code?: unknown }
          fail(work.span, String(code))
        })
        throw error
      } finally {
        if (works.get(lockId) === work) works.delete(lockId)
        const endedAt = performance.now()
        harmless(() => endPhase(work, endedAt, null))
        harmless(() => work.span.end(wall(endedAt)))
      }
    },

    async call(call, run) {
      const begun = harmless(() => beginCall(call))
      if (begun === null) return run()
      const { span, context } = begun
      try {
        const answer = await contexts.with(context, run)
        harmless(() => {
          span.setAttribute('holdfast.gateway.outcome', answer.outcome)
          // A refusal is an answer; no answer is an error.
          if (answer.outcome === 'unknown' || answer.outcome === 'not_executed') fail(span, answer.outcome)
        })
        return answer
      } finally {
        harmless(() => span.end(wall(performance.now())))
      }
    },

    observeMoves(moved) {
      if (works.size === 0) return
      for (const move of moved.moves) {
        const work = works.get(move.row.id)
        if (work !== undefined) harmless(() => follow(work, move, moved))
      }
    },
  }
}
