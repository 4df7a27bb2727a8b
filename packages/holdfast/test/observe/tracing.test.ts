/** The spans that a host with the real OpenTelemetry SDK gets from a checkout. */
import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describeStore } from '../support/test-store.ts'

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const names = (spans: readonly ReadableSpan[]) => spans.map(({ name }) => name)
const microseconds = ([seconds, nanoseconds]: readonly [number, number]) => seconds * 1e6 + nanoseconds / 1e3

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(provider)
})
afterAll(async () => {
  await provider.shutdown()
  trace.disable()
  context.disable()
})

describeStore('traces', store => {
  afterEach(() => exporter.reset())

  /** Runs work as a host's request does: inside its own span. */
  async function asRequest<Result>(name: string, work: (span: Span) => Promise<Result>): Promise<Result> {
    return trace.getTracer('host').startActiveSpan(name, async span => {
      try {
        return await work(span)
      } finally {
        span.end()
      }
    })
  }

  const spansOf = (lockId: string) =>
    exporter
      .getFinishedSpans()
      .filter(({ attributes }) => attributes['holdfast.lock.id'] === lockId)
      .toSorted((a, b) => microseconds(a.startTime) - microseconds(b.startTime))
  const childrenOf = (spans: readonly ReadableSpan[], parent: ReadableSpan | undefined) =>
    spans.filter(span => span.parentSpanContext?.spanId === parent?.spanContext().spanId)

  test('a checkout is a span of its request, with a span per phase, and in those the gateway calls', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    const request = await asRequest('POST /checkout', async span => {
      await store.engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
      return span.spanContext()
    })
    const spans = spansOf(lockId)
    const root = spans.find(({ name }) => name === 'checkout.process')
    expect(root?.parentSpanContext?.spanId).toBe(request.spanId)
    expect(root?.status.code).toBe(SpanStatusCode.UNSET)
    expect(root?.attributes).toMatchObject({
      'holdfast.checkout.state': 'completed',
      'holdfast.currency': 'USD',
      'holdfast.total_minor': 1_500,
    })
    const phases = childrenOf(spans, root)
    expect(names(phases)).toEqual([
      'checkout.phase.cart_validation',
      'checkout.phase.inventory_reservation',
      'checkout.phase.price_lock',
      'checkout.phase.payment_authorization',
      'checkout.phase.order_creation',
      'checkout.phase.payment_capture',
      'checkout.phase.stock_commit',
    ])
    const [, , , authorization, , capture] = phases
    expect(names(childrenOf(spans, authorization))).toEqual(['checkout.gateway.authorize'])
    expect(names(childrenOf(spans, capture))).toEqual(['checkout.gateway.capture'])
    const [call] = childrenOf(spans, authorization)
    expect(call?.kind).toBe(SpanKind.CLIENT)
    expect(call?.attributes).toMatchObject({ 'holdfast.gateway': 'sandbox', 'holdfast.gateway.outcome': 'succeeded' })
    expect(spans.every(span => span.spanContext().traceId === request.traceId)).toBe(true)
  })

  test('phase spans do not overlap and lie within the span of the operation', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    const spans = spansOf(lockId)
    const [root] = spans
    const phases = childrenOf(spans, root)
    for (const [index, { startTime, endTime }] of phases.entries()) {
      expect(microseconds(endTime)).toBeGreaterThanOrEqual(microseconds(startTime))
      const before = phases[index - 1]
      if (before !== undefined) expect(microseconds(startTime)).toBeGreaterThanOrEqual(microseconds(before.endTime))
    }
    expect(microseconds(phases[0]?.startTime ?? [0, 0])).toBeGreaterThanOrEqual(microseconds(root?.startTime ?? [0, 0]))
    expect(microseconds(phases.at(-1)?.endTime ?? [0, 0])).toBeLessThanOrEqual(microseconds(root?.endTime ?? [0, 0]))
  })

  test('two checkouts processed in one batch belong to the traces of their own requests', async () => {
    const sku = await store.article()
    const begun = await Promise.all([store.begin({ [sku]: 1 }), store.begin({ [sku]: 1 })])
    const traces = await Promise.all(
      begun.map(({ lockId }, index) =>
        asRequest(`request ${index}`, async span => {
          await store.engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
          return span.spanContext().traceId
        }),
      ),
    )
    expect(traces[0]).not.toBe(traces[1])
    for (const [index, { lockId }] of begun.entries()) {
      const spans = spansOf(lockId)
      expect(spans).toHaveLength(10)
      expect(new Set(spans.map(span => span.spanContext().traceId))).toEqual(new Set([traces[index]]))
    }
  })

  test('a failed checkout and the phase in which it failed are marked as errors', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { method: 'card', token: 'tok_decline' })
    const spans = spansOf(lockId)
    const failed = spans.filter(({ status }) => status.code === SpanStatusCode.ERROR)
    expect(names(failed)).toEqual(['checkout.process', 'checkout.phase.payment_authorization'])
    for (const { attributes } of failed) expect(attributes['error.type']).toBe('payment_declined')
    // The gateway answered, so its span is not an error.
    expect(spans.find(({ name }) => name === 'checkout.gateway.authorize')?.attributes).toMatchObject({
      'holdfast.gateway.outcome': 'declined',
    })
  })

  test('a gateway call without an answer is marked as an error', async () => {
    const engine = await store.open({ numbers: { gatewayTimeoutMs: 30 } })
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
    await engine.processCheckout(lockId, { method: 'card', token: 'tok_timeout_after' })
    await store.drain(engine)
    const calls = spansOf(lockId).filter(({ name }) => name.startsWith('checkout.gateway.'))
    expect(calls[0]?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'unknown' })
    expect(calls[0]?.attributes['error.type']).toBe('unknown')
    expect(names(calls)).toContain('checkout.gateway.lookup')
  })

  test('a recovery has no parent span, even if a request triggered it', async () => {
    const engine = await store.open({ numbers: { answerWithinMs: 0 } })
    const { lockId } = await store.begin({ [await store.article()]: 1 }, { engine })
    await engine.processCheckout(lockId, { method: 'card', token: 'tok_pending' })
    exporter.reset()
    await store.pass(60_001)
    await store.wake(lockId)
    const request = await asRequest('POST /webhooks', async span => {
      await engine.recover()
      return span.spanContext().traceId
    })
    const spans = spansOf(lockId)
    const [root] = spans
    expect(root?.name).toBe('checkout.recover')
    expect(root?.parentSpanContext).toBeUndefined()
    expect(root?.spanContext().traceId).not.toBe(request)
    expect(root?.attributes['holdfast.checkout.state']).toBe('completed')
    expect(names(childrenOf(spans, root))).toEqual([
      'checkout.phase.payment_authorization',
      'checkout.phase.order_creation',
      'checkout.phase.payment_capture',
      'checkout.phase.stock_commit',
    ])
  })

  test('spans of the host’s instrumentation are children of the gateway call', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    store.faults.with = () => {
      trace.getTracer('host').startSpan('GET api.stripe.example').end()
      return null
    }
    await store.engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    const calls = spansOf(lockId).filter(({ name }) => name.startsWith('checkout.gateway.'))
    const seen = exporter.getFinishedSpans().filter(({ name }) => name === 'GET api.stripe.example')
    expect(seen.length).toBeGreaterThanOrEqual(1)
    const ids = new Set(calls.map(span => span.spanContext().spanId))
    expect(seen.every(span => ids.has(span.parentSpanContext?.spanId ?? ''))).toBe(true)
  })

  test('a rejected operation is an error with its code, and leaves no span open', async () => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    await expect(
      store.engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' }, { sessionId: 'a stranger' }),
    ).rejects.toThrow()
    const [span] = spansOf(lockId)
    expect(span?.attributes['error.type']).toBe('checkout_not_found')
    await store.engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    expect(spansOf(lockId).filter(({ name }) => name.startsWith('checkout.phase.'))).toHaveLength(7)
  })

  test('no span contains a secret', async () => {
    const { lockId, sessionId } = await store.begin({ [await store.article()]: 1 })
    await store.engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    const exported = JSON.stringify(
      exporter.getFinishedSpans().map(({ name, attributes, events }) => [name, attributes, events]),
    )
    for (const secret of ['tok_approve', sessionId, '@example.com']) expect(exported).not.toContain(secret)
  })
})
