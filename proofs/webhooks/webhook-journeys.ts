/** Payment journeys through Stripe, step by step. Each step makes the simulator send the webhooks that belong to it. */
import type Stripe from 'stripe'
import type { CheckoutEngine } from '../../packages/holdfast/src/engine/checkout-engine.ts'
import type { StripeSimulator } from '../../packages/stripe-simulator/src/stripe-simulator.ts'

export interface Traveller {
  /** Any process of the shop, a different one for each step. */
  engine: CheckoutEngine
  simulator: StripeSimulator
  /** The official SDK with the secret key, as the shop's operator uses it. */
  stripe: Stripe
  /** Sends a request as Stripe's script in a browser does. */
  send(path: string, form: Record<string, string>): Promise<unknown>
  lockId: string
  reference(): Promise<string>
}

type Step = (traveller: Traveller) => Promise<unknown>

export const stripeKeys = { secretKey: 'sk_test_simulated1234', publishableKey: 'pk_test_simulated1234' } as const
const returnUrl = 'http://shop.invalid/checkout?returned=1'

const pay =
  (token: string | null, method: 'card' | 'bank_transfer' = 'card', captureLater = false): Step =>
  ({ engine, lockId }) =>
    engine.processCheckout(lockId, { method, token, returnUrl, captureLater })

const authenticate =
  (word: 'complete' | 'fail'): Step =>
  async ({ simulator, reference }) =>
    simulator.authenticate(await reference(), word)

const confirm =
  (form: Record<string, string>): Step =>
  async ({ stripe, send, reference }) => {
    const id = await reference()
    // The browser received the secret when the form was opened.
    const { client_secret: secret } = await stripe.paymentIntents.retrieve(id)
    const opened = { key: stripeKeys.publishableKey, client_secret: secret ?? '', return_url: returnUrl }
    await send(`/v1/payment_intents/${id}/confirm`, { ...opened, ...form })
  }

const card = (name: string) => confirm({ payment_method: `pm_card_${name}` })
const account = (iban: string) =>
  confirm({
    'payment_method_data[type]': 'sepa_debit',
    'payment_method_data[sepa_debit][iban]': iban,
    'mandate_data[customer_acceptance][type]': 'offline',
  })

const pass: Step = async ({ simulator }) => simulator.advance(5_000)
const cancel: Step = ({ engine, lockId }) => engine.cancelCheckout(lockId)
const capture: Step = ({ engine, lockId }) => engine.captureCheckout(lockId)
const comeBack: Step = ({ engine, lockId }) => engine.resumeCheckout(lockId)

const refund =
  (amountMinor?: number): Step =>
  async ({ engine, lockId }) => {
    const order = (await engine.getCheckoutStatus(lockId))?.order
    await engine.refundOrder(order?.id ?? '', amountMinor === undefined ? {} : { amountMinor })
  }

const refundAtStripe: Step = async ({ stripe, reference }) =>
  stripe.refunds.create({ payment_intent: await reference(), amount: 700 })

export const webhookJourneys = {
  purchase: [pay('pm_card_visa')],
  decline: [pay('pm_card_visa_chargeDeclinedInsufficientFunds')],
  '3-D Secure, passed': [pay('pm_card_authenticationRequired'), authenticate('complete'), comeBack],
  '3-D Secure, failed': [pay('pm_card_authenticationRequired'), authenticate('fail'), comeBack],
  '3-D Secure, cancelled': [pay('pm_card_authenticationRequired'), cancel],
  'Payment Element': [pay(null), card('visa'), comeBack],
  'Payment Element, second card': [pay(null), card('visa_chargeDeclined'), card('mastercard'), comeBack],
  'Payment Element, cancelled': [pay(null), card('visa_chargeDeclined'), cancel],
  'pending, then paid': [pay(null, 'bank_transfer'), account('AT611904300234573201'), pass, comeBack],
  'pending, then failed': [pay(null, 'bank_transfer'), account('AT861904300235473202'), pass, comeBack, cancel],
  'captured later': [pay('pm_card_visa', 'card', true), capture],
  'cancelled before its capture': [pay('pm_card_visa', 'card', true), cancel],
  refund: [pay('pm_card_visa'), refund()],
  'refund in parts': [pay('pm_card_visa'), refund(400), refund(600)],
  'refund that stays pending': [pay('pm_card_pendingRefund'), refund(), pass],
  'refund made at Stripe': [pay('pm_card_visa'), refundAtStripe],
} as const satisfies Readonly<Record<string, readonly Step[]>>

export type WebhookJourney = keyof typeof webhookJourneys

/** A change that only a webhook reports must not be lost: Stripe repeats such a webhook for days. */
export function mustCome(journey: WebhookJourney, type: string): boolean {
  return journey === 'refund made at Stripe' && type === 'charge.refunded'
}
