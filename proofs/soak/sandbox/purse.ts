/** How buyers pay at the sandbox: each with a token that asks for something, and what they do on its page. */
import type { Payment } from '../../buyers/buyer.ts'
import type { Random } from '../../random.ts'

/** How often each token of the sandbox is used, of about a hundred. */
const tokens = {
  tok_approve: 46,
  tok_action_required: 9,
  tok_pending: 6,
  tok_late: 4,
  tok_slow: 3,
  tok_decline: 3,
  tok_decline_insufficient_funds: 2,
  tok_decline_expired_card: 1,
  tok_error_after: 4,
  tok_error_before: 3,
  tok_timeout_after: 3,
  tok_timeout_before: 2,
  tok_capture_decline: 4,
  tok_capture_timeout_after: 4,
  tok_void_fails: 3,
  tok_wrong_amount: 2,
} as const

/** Of ten who have to confirm. */
const confirmations = { approve: 7, refuse: 1, never: 2 } as const

export const surePayment: Payment = { token: 'tok_approve' }

/** Goes to the gateway's page; where that is away, it is asked to again with the next look at the checkout. */
async function confirmAt(url: string, word: 'approve' | 'refuse'): Promise<void> {
  const response = await fetch(`${url}/${word}`, { method: 'POST', signal: AbortSignal.timeout(3_000) }).catch(
    () => null,
  )
  await response?.body?.cancel()
}

export function paymentBy(random: Random): Payment {
  const word = random.weighted(confirmations)
  return {
    token: random.weighted(tokens),
    async confirm(action) {
      if (word !== 'never' && action.type === 'redirect') await confirmAt(action.url, word)
    },
  }
}
