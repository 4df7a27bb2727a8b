/** Broken tracing in the host does not affect checkouts. */
import { trace } from '@opentelemetry/api'
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, expect, test } from 'vitest'
import { describeStore } from '../support/test-store.ts'

const quiet = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} }
const broken = (): never => {
  throw new Error('the tracing of the host is broken')
}

function traceBy(processor: SpanProcessor): void {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }))
}

describeStore('broken traces', store => {
  afterEach(() => trace.disable())

  test.each([
    ['starts', { ...quiet, onStart: broken }],
    ['ends', { ...quiet, onEnd: broken }],
  ])('a checkout is paid once and completes if the tracer throws when a span %s', async (_, processor) => {
    const { lockId } = await store.begin({ [await store.article()]: 1 })
    traceBy(processor)
    const outcome = await store.engine.processCheckout(lockId, { method: 'card', token: 'tok_approve' })
    expect(outcome.status).toBe('completed')
  })
})
