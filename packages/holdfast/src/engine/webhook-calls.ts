/** The calls about webhooks of the gateway: receiving them, and the inbox of those received. */
import { redactText } from '../observe/log/redact.ts'
import { storeWebhook } from '../payments/webhooks/receive-webhook.ts'
import { createWebhookInbox } from '../payments/webhooks/webhook-inbox.ts'
import type { CheckoutEngine } from './checkout-engine.ts'
import type { EngineParts } from './engine-parts.ts'

type WebhookCalls = Pick<CheckoutEngine, 'receiveWebhook' | 'webhooks'>

export function webhookCalls({ admission, context, database, log, recoverer }: EngineParts): WebhookCalls {
  const { gateway } = context

  /** Processes stored webhooks. The gateway gets its answer before this ends: what fails is retried by the workers. */
  const processStored = () =>
    recoverer
      .runOnce()
      .then(() => {})
      .catch((error: unknown) => log.error('[Checkout] processing a webhook failed; will retry', { err: error }))

  return {
    receiveWebhook: (name, headers, rawBody, { requestId } = {}) =>
      admission.admit(async () => {
        if (name !== gateway.name) return false
        const event = await storeWebhook(database, gateway, headers, rawBody)
        if (event === null) {
          log.warn('[Checkout] webhook refused: signature missing, wrong, or too old', { gateway: name, requestId })
          return false
        }
        const { id: eventId, type, reference, checkoutId: lockId } = event
        log.info('[Checkout] webhook received', { gateway: name, eventId, type, reference, lockId, requestId })
        admission.background([lockId ?? '', requestId], processStored)
        return true
      }),

    webhooks: createWebhookInbox(database, redactText, [gateway.name]),
  }
}
