/** Outcomes of a checkout as HTTP answers, with what only its buyer may see. */
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { CheckoutLock } from '../domain/lock.ts'
import type { Order } from '../domain/order.ts'
import type { Outcome } from '../domain/outcome.ts'
import { presentOrder } from '../domain/present.ts'
import type { HttpContext } from './context.ts'
import { refusalOfFailure } from './errors.ts'
import type { Shop } from './route-helpers.ts'

export const noStore = { 'Cache-Control': 'no-store' }

export function answerOrder(c: HttpContext, order: Order): Response {
  return c.json({ order: presentOrder(order) }, 201, {
    ...noStore,
    Location: `/checkout/confirmation/${order.id}`,
  })
}

const pollAfterMs = 1_000

function answerLater(c: HttpContext, lock: CheckoutLock, afterMs: number): Response {
  return c.json({ status: 'processing', lock_id: lock.id, poll_after_ms: afterMs }, 202, {
    ...noStore,
    'Retry-After': String(Math.max(1, Math.ceil(afterMs / 1000))),
  })
}

/** What the buyer must do, with what only this buyer may see. Null: the gateway does not say it now; ask again. */
async function actionFor({ engine }: Shop, { lock, action }: Extract<Outcome, { status: 'action_required' }>) {
  if (action.type === 'redirect') return action
  const known = await engine.getConfirmation(lock.id, { sessionId: lock.sessionId }).catch(() => null)
  if (known === null) return null
  const { redirectUrl: url, clientSecret, publishableKey } = known
  if (url !== null) return { type: 'redirect', url }
  return { ...action, client_secret: clientSecret, publishable_key: publishableKey }
}

/** Every outcome as an answer. */
export async function answerOutcome(shop: Shop, c: HttpContext, outcome: Outcome): Promise<Response> {
  switch (outcome.status) {
    case 'completed':
    case 'awaiting_capture':
      return answerOrder(c, outcome.order)
    case 'action_required': {
      const action = await actionFor(shop, outcome)
      if (action === null) return answerLater(c, outcome.lock, pollAfterMs)
      return c.json({ status: outcome.status, lock_id: outcome.lock.id, action }, 202, noStore)
    }
    case 'processing':
      return answerLater(c, outcome.lock, outcome.pollAfterMs)
    case 'failed': {
      const refusal = refusalOfFailure(outcome.failure, outcome.lock.id)
      return c.json(refusal.body, refusal.status as ContentfulStatusCode, { ...noStore, ...refusal.headers })
    }
    default:
      return outcome satisfies never
  }
}
