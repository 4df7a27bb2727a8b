/** Stripe's books for reconciliation: one payment with its disputes, or all payments since a time. */
import type { GatewayPayment, PaymentGateway } from '../gateway.ts'
import { type StripeClient, withSafeErrors } from './client.ts'
import { bookOfFreeOrder, isFreeOrder } from './free-order.ts'
import { bookOf, type Intent } from './intent.ts'
import { isMissing } from './refusals.ts'

const pageSize = 100

export type StripeBooks = Required<Pick<PaymentGateway, 'inspect' | 'list'>>

export function stripeBooks({ stripe, retrieve }: StripeClient): StripeBooks {
  async function inspect(reference: string): Promise<GatewayPayment | null> {
    if (isFreeOrder(reference)) return bookOfFreeOrder(reference)
    try {
      return await bookWithDisputes(await retrieve(reference))
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  async function bookWithDisputes(intent: Intent): Promise<GatewayPayment> {
    const { latest_charge: charge } = intent
    const isDisputed = typeof charge === 'object' && charge?.disputed === true
    const disputes = isDisputed ? await stripe.disputes.list({ payment_intent: intent.id, limit: pageSize }) : null
    return bookOf(intent, disputes?.data ?? [])
  }

  return {
    inspect: reference => withSafeErrors(() => inspect(reference)),
    list: ({ since, after }) =>
      withSafeErrors(async () => {
        const { data } = await stripe.paymentIntents.list({
          created: { gte: Math.floor(since.getTime() / 1_000) },
          limit: pageSize,
          expand: ['data.latest_charge'],
          ...(after === null ? {} : { starting_after: after }),
        })
        return Promise.all(data.map(bookWithDisputes))
      }),
  }
}
