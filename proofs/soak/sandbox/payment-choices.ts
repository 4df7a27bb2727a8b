/** The payments of buyers at the sandbox: a random token, and the decision on the payment page. */
import type { Payment } from '../../buyers/buyer.ts'
import type { Random } from '../../random.ts'

/** The weight of each sandbox token; the sum is about 100. */
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

/** The weights of the decisions of buyers who must confirm. */
const confirmations = { approve: 7, refuse: 1, never: 2 } as const

export const surePayment: Payment = { token: 'tok_approve' }

/** Sends the decision to the payment page. If the page is unreachable, the next poll of the checkout repeats it. */
async function confirmAt(url: string, decision: 'approve' | 'refuse'): Promise<void> {
  const response = await fetch(`${url}/${decision}`, { method: 'POST', signal: AbortSignal.timeout(3_000) }).catch(
    () => null,
  )
  await response?.body?.cancel()
}

export function choosePayment(random: Random): Payment {
  const decision = random.weighted(confirmations)
  return {
    token: random.weighted(tokens),
    async confirm(action) {
      if (decision !== 'never' && action.type === 'redirect') await confirmAt(action.url, decision)
    },
  }
}
