/**
 * OpenTelemetry traces: a span per operation on a checkout, in it one per phase, and in those one per gateway call.
 * Batches mix the checkouts of many requests, so running operations are tracked by checkout, and phases become spans once
 * they are committed. Errors of the host's tracing lose spans, and never affect a checkout.
 */
import type { Context, Span, Tracer } from '@opentelemetry/api'
import type { Move, Moved } from '../database/checkout-moves.ts'
import type { CheckoutRow } from '../database/checkout-row.ts'
import { finishedPhasesOf, phaseAtGateway } from './finished-phases.ts'
import { createHostGuard } from './host-guard.ts'

type Api = typeof import('@opentelemetry/api')

/** A gateway call as a span describes it. */
interface GatewayCall {
  gateway: string
  operation: string
  lockId: string
  state: CheckoutRow['state']
  currency: string | null
  totalMinor: number | null
}

export interface Tracing {
  /** Runs an operation on a checkout (`process`, `recover`, …) in a span. */
  work<Result>(name: string, lockId: string, run: () => Promise<Result>): Promise<Result>
  /** Runs a gateway call in a span of the checkout's current phase. */
  call<Answer extends { outcome: string }>(call: GatewayCall, run: () => Promise<Answer>): Promise<Answer>
  /** Adds spans for the phases that a committed transaction finished. */
  observeMoves(moved: Moved): void
}

/** A running operation on a checkout. */
interface Operation {
  span: Span
  context: Context
  /** The phase that is waiting for the gateway: the parent of its calls. */
  phase: { span: Span; context: Context } | null
}

let loading: Promise<Api | null> | null = null

/** Null if `@opentelemetry/api` is not installed. Without a tracer in the host, spans cost next to nothing. */
export async function openTracing(): Promise<Tracing | null> {
  loading ??= import('@opentelemetry/api').catch(() => null)
  const api = await loading
  return api === null ? null : createTracing(api, api.trace.getTracer('holdfast'))
}

/** Converts times of `performance.now()` to wall clock times, without jumps between two spans. */
function wallClock(): (at: number) => number {
  let anchor = Date.now() - performance.now()
  return at => {
    const now = Date.now() - performance.now()
    // The machine slept, or its clock was changed.
    if (Math.abs(now - anchor) > 500) anchor = now
    return anchor + at
  }
}

function createTracing(
  { context: contexts, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace }: Api,
  tracer: Tracer,
): Tracing {
  const operations = new Map<string, Operation>()
  const wall = wallClock()
  const ERROR = SpanStatusCode.ERROR
  const guard = createHostGuard(name => `the tracing of this process throws (${name}); some spans are missing`)

  function fail(span: Span, code: string): void {
    span.setAttribute('error.type', code)
    span.setStatus({ code: ERROR, message: code })
  }

  function startPhase(operation: Operation, phase: string, lockId: string, at: number): void {
    const attributes = { 'holdfast.phase': phase, 'holdfast.lock.id': lockId }
    const span = tracer.startSpan(`checkout.phase.${phase}`, { startTime: wall(at), attributes }, operation.context)
    operation.phase = { span, context: trace.setSpan(operation.context, span) }
  }

  function endPhase(operation: Operation, at: number, code: string | null): void {
    const { phase } = operation
    operation.phase = null
    if (phase === null) return
    if (code !== null) fail(phase.span, code)
    phase.span.end(wall(at))
  }

  function addPhases(operation: Operation, move: Move, moved: Moved): void {
    const { row } = move
    const code = row.failure?.code ?? null
    endPhase(operation, moved.startedAt, code)
    const phases = finishedPhasesOf(move, moved)
    for (const [index, { phase, startedAt, endedAt }] of phases.entries()) {
      startPhase(operation, phase, row.id, startedAt)
      endPhase(operation, endedAt, index === phases.length - 1 ? code : null)
    }
    const next = phaseAtGateway(row.state)
    if (next !== null) startPhase(operation, next, row.id, moved.committedAt)
    operation.span.setAttribute('holdfast.checkout.state', row.state)
    if (row.currency !== null && row.total_minor !== null) {
      operation.span.setAttributes({ 'holdfast.currency': row.currency, 'holdfast.total_minor': row.total_minor })
    }
    if (code !== null) fail(operation.span, code)
  }

  function startOperation(name: string, lockId: string): Operation {
    // A recovery belongs to no request, even if a request triggered it.
    const parent = name === 'recover' ? ROOT_CONTEXT : contexts.active()
    const options = { startTime: wall(performance.now()), attributes: { 'holdfast.lock.id': lockId } }
    const span = tracer.startSpan(`checkout.${name}`, options, parent)
    const operation: Operation = { span, context: trace.setSpan(parent, span), phase: null }
    if (span.isRecording() && !operations.has(lockId)) operations.set(lockId, operation)
    return operation
  }

  function startGatewayCall(call: GatewayCall): Pick<Operation, 'span' | 'context'> {
    const { gateway, lockId, currency, totalMinor } = call
    const operation = operations.get(lockId)
    const phase = phaseAtGateway(call.state)
    // The checkout was waiting for the gateway before this operation started.
    if (operation !== undefined && operation.phase === null && phase !== null) {
      startPhase(operation, phase, lockId, performance.now())
    }
    const parent = operation?.phase?.context ?? operation?.context ?? contexts.active()
    const attributes = {
      'holdfast.lock.id': lockId,
      'holdfast.gateway': gateway,
      ...(currency === null ? {} : { 'holdfast.currency': currency }),
      ...(totalMinor === null ? {} : { 'holdfast.total_minor': totalMinor }),
    }
    const startTime = wall(performance.now())
    const options = { kind: SpanKind.CLIENT, startTime, attributes }
    const span = tracer.startSpan(`checkout.gateway.${call.operation}`, options, parent)
    return { span, context: trace.setSpan(parent, span) }
  }

  return {
    async work(name, lockId, run) {
      const operation = guard(() => startOperation(name, lockId))
      if (operation === null) return run()
      try {
        return await contexts.with(operation.context, run)
      } catch (error) {
        guard(() => {
          const { name: kind, code = kind } = error as { name: string; code?: unknown }
          fail(operation.span, String(code))
        })
        throw error
      } finally {
        if (operations.get(lockId) === operation) operations.delete(lockId)
        const endedAt = performance.now()
        guard(() => endPhase(operation, endedAt, null))
        guard(() => operation.span.end(wall(endedAt)))
      }
    },

    async call(call, run) {
      const started = guard(() => startGatewayCall(call))
      if (started === null) return run()
      const { span, context } = started
      try {
        const answer = await contexts.with(context, run)
        guard(() => {
          span.setAttribute('holdfast.gateway.outcome', answer.outcome)
          // A decline is a regular answer; a missing answer is an error.
          if (answer.outcome === 'unknown' || answer.outcome === 'not_executed') fail(span, answer.outcome)
        })
        return answer
      } finally {
        guard(() => span.end(wall(performance.now())))
      }
    },

    observeMoves(moved) {
      if (operations.size === 0) return
      for (const move of moved.moves) {
        const operation = operations.get(move.row.id)
        if (operation !== undefined) guard(() => addPhases(operation, move, moved))
      }
    },
  }
}
