/** Checkout outcomes as HTTP responses. Only the session of the buyer receives the secrets that confirm a payment. */
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { CheckoutLock } from '../domain/lock.ts'
import type { Order } from '../domain/order.ts'
import type { Outcome } from '../domain/outcome.ts'
import { presentOrder } from '../domain/present.ts'
import type { HttpContext } from './context.ts'
import { refusalOfFailure } from './errors.ts'
import { noStore } from './no-store.ts'
import type { ShopParts } from './shop-parts.ts'

export function respondWithOrder(c: HttpContext, order: Order): Response {
  return c.json({ order: presentOrder(order) }, 201, {
    ...noStore,
    Location: `/checkout/confirmation/${order.id}`,
  })
}

const pollAfterMs = 1_000

function respondProcessing(c: HttpContext, lock: CheckoutLock, afterMs: number): Response {
  return c.json({ status: 'processing', lock_id: lock.id, poll_after_ms: afterMs }, 202, {
    ...noStore,
    'Retry-After': String(Math.max(1, Math.ceil(afterMs / 1000))),
  })
}

/** What the buyer must do next, with secrets if needed. Null if the gateway does not answer now: the client polls. */
async function actionFor({ engine }: ShopParts, { lock, action }: Extract<Outcome, { status: 'action_required' }>) {
  if (action.type === 'redirect') return action
  const confirmation = await engine.getConfirmation(lock.id, { sessionId: lock.sessionId }).catch(() => null)
  if (confirmation === null) return null
  const { redirectUrl: url, clientSecret, publishableKey } = confirmation
  if (url !== null) return { type: 'redirect', url }
  return { ...action, client_secret: clientSecret, publishable_key: publishableKey }
}

export async function respondWithOutcome(shop: ShopParts, c: HttpContext, outcome: Outcome): Promise<Response> {
  switch (outcome.status) {
    case 'completed':
    case 'awaiting_capture':
      return respondWithOrder(c, outcome.order)
    case 'action_required': {
      const action = await actionFor(shop, outcome)
      if (action === null) return respondProcessing(c, outcome.lock, pollAfterMs)
      return c.json({ status: outcome.status, lock_id: outcome.lock.id, action }, 202, noStore)
    }
    case 'processing':
      return respondProcessing(c, outcome.lock, outcome.pollAfterMs)
    case 'failed': {
      const refusal = refusalOfFailure(outcome.failure, outcome.lock.id)
      return c.json(refusal.body, refusal.status as ContentfulStatusCode, { ...noStore, ...refusal.headers })
    }
    default:
      return outcome satisfies never
  }
}
