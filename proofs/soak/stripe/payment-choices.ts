/** The payments of buyers at Stripe: its published test payment methods, sent by the server or typed in the browser. */
import type { Action, Payment } from '../../buyers/buyer.ts'
import type { Random } from '../../random.ts'
import type { Journal } from '../journal.ts'

/** The fields of a form in the browser. */
type Form = Readonly<Record<string, string>>

interface Choice {
  token: string | null
  method?: 'card' | 'bank_transfer'
  /** Forms typed in the browser: the next one if the last was declined. */
  typed?: readonly Form[]
}

const card = (name: string): Form => ({ payment_method: `pm_card_${name}` })
const debit = (iban: string): Form => ({
  'payment_method_data[type]': 'sepa_debit',
  'payment_method_data[sepa_debit][iban]': iban,
  'payment_method_data[billing_details][name]': 'Ada Lovelace',
  'payment_method_data[billing_details][email]': 'ada@example.com',
  'mandate_data[customer_acceptance][type]': 'online',
  'mandate_data[customer_acceptance][online][ip_address]': '127.0.0.1',
  'mandate_data[customer_acceptance][online][user_agent]': 'soak',
})
const sent = (token: string): Choice => ({ token })
const typed = (...forms: readonly Form[]): Choice => ({ token: null, typed: forms })

const choices = {
  approved: sent('pm_card_visa'),
  'another brand': sent('pm_card_mastercard'),
  'an old token': sent('tok_visa'),
  'refunded slowly': sent('pm_card_pendingRefund'),
  declined: sent('pm_card_chargeDeclined'),
  'without funds': sent('pm_card_chargeDeclinedInsufficientFunds'),
  expired: sent('pm_card_chargeDeclinedExpiredCard'),
  unknown: sent('pm_card_unknown'),
  '3-D Secure': sent('pm_card_threeDSecure2Required'),
  '3-D Secure, then declined': sent('pm_card_threeDSecureRequiredChargeDeclined'),
  'card in the browser': typed(card('visa')),
  'second card in the browser': typed(card('chargeDeclined'), card('visa')),
  '3-D Secure in the browser': typed(card('threeDSecure2Required')),
  'debit in the browser': { ...typed(debit('DE89370400440532013000')), method: 'bank_transfer' },
  'debit that bounces': { ...typed(debit('AT861904300235473202')), method: 'bank_transfer' },
} as const satisfies Record<string, Choice>

/** The weight of each choice; the sum is about 100. */
const weights: Readonly<Record<keyof typeof choices, number>> = {
  ...{ approved: 38, 'another brand': 4, 'an old token': 5, 'refunded slowly': 4 },
  ...{ declined: 3, 'without funds': 2, expired: 1, unknown: 1 },
  ...{ '3-D Secure': 16, '3-D Secure, then declined': 3 },
  ...{ 'card in the browser': 9, 'second card in the browser': 5, '3-D Secure in the browser': 3 },
  ...{ 'debit in the browser': 5, 'debit that bounces': 2 },
}

/** The weights of the decisions of buyers who must authenticate. */
const decisions = { complete: 6, fail: 2, never: 2 } as const

/** The confirmations that must occur in a soak. */
export const confirmations: readonly string[] = [
  ...['3-D Secure approved', '3-D Secure failed', '3-D Secure abandoned'],
  ...['card in the browser', 'second card in the browser', 'debit in the browser'],
]

const answerMs = 3_000
const asForm = { 'content-type': 'application/x-www-form-urlencoded' }

/** The status of the answer. Null: no answer; the buyer repeats it at the next poll of the checkout. */
async function post(url: string, form: Form, headers: Form = {}): Promise<number | null> {
  const response = await fetch(url, {
    ...{ method: 'POST', redirect: 'manual', signal: AbortSignal.timeout(answerMs) },
    ...{ headers: { ...asForm, ...headers }, body: new URLSearchParams(form) },
  }).catch(() => null)
  await response?.body?.cancel().catch(() => {})
  return response?.status ?? null
}

export const surePayment: Payment = choices.approved

/** Chooses payments, and records confirmations in the journal. `apiUrl` is the URL of Stripe for browsers. */
export function paymentsAt(apiUrl: string, journal: Journal): (random: Random) => Payment {
  return random => {
    const choice: Choice = choices[random.weighted(weights)]
    const decision = random.weighted(decisions)
    const left = [...(choice.typed ?? [])]
    let isGone = false

    async function authenticate(url: string): Promise<void> {
      if (decision === 'never') {
        if (!isGone) journal.note('confirmed 3-D Secure abandoned')
        isGone = true
        return
      }
      if ((await post(url, { outcome: decision })) !== 303) return
      journal.note(`confirmed 3-D Secure ${decision === 'complete' ? 'approved' : 'failed'}`)
    }

    async function typeIn(action: Extract<Action, { type: 'confirm' }>): Promise<void> {
      const [form] = left
      if (form === undefined) return
      const status = await post(
        `${apiUrl}/v1/payment_intents/${action.payment}/confirm`,
        { ...form, client_secret: action.client_secret, return_url: 'https://shop.example/checkout' },
        { authorization: `Bearer ${action.publishable_key}` },
      )
      if (status !== 200 && status !== 402) return
      left.shift()
      const what =
        choice.method === 'bank_transfer'
          ? 'debit'
          : left.length < (choice.typed?.length ?? 0) - 1
            ? 'second card'
            : 'card'
      journal.note(`confirmed ${what} in the browser`)
    }

    return {
      ...choice,
      confirm: action => (action.type === 'redirect' ? authenticate(action.url) : typeIn(action)),
    }
  }
}
