/** The calls about one checkout: start, process, resume, cancel, release, capture, and its status. */
import type { CheckoutRow } from '../database/checkout-row.ts'
import { lockOf, readHoldersOf, readRows } from '../database/checkouts.ts'
import { CheckoutError } from '../domain/failure.ts'
import { describeLock } from '../domain/lock.ts'
import { recordAdminAction } from '../saga/admin-actions.ts'
import { checkCartId, checkPayment, checkStart, checkUuid } from '../saga/check-input.ts'
import { cancelled, released } from '../saga/failures.ts'
import { preview } from '../saga/preview.ts'
import { readOrdersOf } from '../shop/orders/orders.ts'
import type { CheckoutEngine } from './checkout-engine.ts'
import type { EngineParts } from './engine-parts.ts'

type ChangingCalls = Pick<
  CheckoutEngine,
  'startCheckout' | 'processCheckout' | 'resumeCheckout' | 'cancelCheckout' | 'releaseCheckout' | 'captureCheckout'
>

export function checkoutCalls({ admission, config, context, lanes, conductor, database }: EngineParts): ChangingCalls {
  const { gateway } = context
  const { admitFor } = admission
  return {
    startCheckout: (cartId, options) =>
      admitFor([cartId, options?.requestId], async () => {
        const started = await lanes.start.submit(checkStart(cartId, options, config))
        if (!started.ok) throw started.error
        context.announce([started.row])
        return lockOf(started.row)
      }),

    processCheckout: (lockId, payment = {}, { sessionId, requestId } = {}) =>
      admitFor([lockId, requestId], () => {
        const item = checkPayment(lockId, payment, sessionId ?? null, gateway, config.capture === 'later')
        return conductor.process(item)
      }),

    resumeCheckout: (lockId, { sessionId, requestId } = {}) =>
      admitFor([lockId, requestId], async () => {
        const row = await conductor.rowOf(checkUuid(lockId, 'lock id'), sessionId)
        if (row.state === 'pending' && !row.expired) {
          throw new CheckoutError('checkout_not_active', 'You have not been charged. Send the payment first.')
        }
        return conductor.resume(row.id)
      }),

    cancelCheckout: (lockId, { sessionId, reason, requestId } = {}) =>
      admitFor([lockId, requestId], async () => {
        const { id } = await conductor.rowOf(checkUuid(lockId, 'lock id'), sessionId)
        return conductor.undo(id, row => cancelled(row.state, reason))
      }),

    releaseCheckout: (lockId, { actor, reason, requestId }) =>
      admitFor([lockId, requestId], async () => {
        const { id } = await conductor.rowOf(checkUuid(lockId, 'lock id'), undefined)
        await recordAdminAction(database, { action: 'release', checkoutId: id, actor, details: { reason } })
        return conductor.undo(id, row => released(row.state, reason))
      }),

    captureCheckout: (lockId, { actor, requestId } = {}) =>
      admitFor([lockId, requestId], async () => {
        const { id } = await conductor.rowOf(checkUuid(lockId, 'lock id'), undefined)
        if (actor !== undefined) {
          await recordAdminAction(database, { action: 'capture', checkoutId: id, actor, details: {} })
        }
        return conductor.capture(id)
      }),
  }
}

type ReadingCalls = Pick<
  CheckoutEngine,
  'getCheckoutStatus' | 'getConfirmation' | 'getActiveLock' | 'isCartLocked' | 'quoteCart'
>

export function checkoutReads({ admission, context, conductor, database }: EngineParts): ReadingCalls {
  const { gateway, numbers } = context

  async function activeLock(cartId: string): Promise<CheckoutRow | null> {
    const [row] = await readHoldersOf(database, [checkCartId(cartId)])
    if (row === undefined || row.state === 'completed') return null
    const isIdle = row.state === 'pending' || row.state === 'awaiting_action' || row.state === 'rolling_back'
    return row.expired && isIdle ? null : row
  }

  return {
    async getCheckoutStatus(lockId, { sessionId } = {}) {
      const [row] = await readRows(database, [checkUuid(lockId, 'lock id')])
      if (row === undefined || (sessionId !== undefined && row.session_id !== sessionId)) return null
      const lock = lockOf(row)
      const status = describeLock(lock, new Date(row.now))
      const { currency, total_minor: totalMinor } = row
      return {
        lock,
        stateName: status.stateName,
        isExpired: status.isExpired,
        canResume: status.isResumable,
        totals: currency === null || totalMinor === null ? null : { currency, totalMinor },
        order: (await readOrdersOf(database, [row.id])).get(row.id) ?? null,
      }
    },

    getConfirmation: (lockId, { sessionId } = {}) =>
      admission.admit(async () => {
        const row = await conductor.rowOf(checkUuid(lockId, 'lock id'), sessionId)
        // `authorizing`: a webhook made a worker look the payment up. Meanwhile the buyer can still confirm.
        const isOpen = row.state === 'awaiting_action' || row.state === 'authorizing'
        if (!isOpen || row.action?.type !== 'confirm') return null
        const signal = AbortSignal.timeout(numbers.gatewayTimeoutMs)
        return (await gateway.confirmation?.(row.action.payment, signal)) ?? null
      }),

    async getActiveLock(cartId) {
      const row = await activeLock(cartId)
      return row === null ? null : lockOf(row)
    },

    isCartLocked: async cartId => (await activeLock(cartId)) !== null,
    quoteCart: (cartId, overrides = {}) => preview(context, checkCartId(cartId), overrides),
  }
}
