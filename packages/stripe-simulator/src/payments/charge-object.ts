/** A charge, in Stripe's shape. */
import type { Stripe } from 'stripe'
import type { MethodRecord, World } from '../world/world.ts'
import type { Decline } from './test-methods.ts'

/** How long a card authorization can be captured when the buyer is present. */
export const authorizationSeconds = 7 * 24 * 60 * 60

interface ChargeTerms {
  intent: Stripe.PaymentIntent
  method: MethodRecord
  /** Null: paid or pending. */
  decline: Decline | null
  status: 'succeeded' | 'pending' | 'failed'
  isCaptured: boolean
  isAuthenticated: boolean
}

function outcome({ decline, status }: ChargeTerms): Stripe.Charge['outcome'] {
  const isBlocked = decline?.declineCode === 'fraudulent'
  return {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    network_status:
      decline === null ? 'approved_by_network' : isBlocked ? 'not_sent_to_network' : 'declined_by_network',
    reason: decline === null ? null : (decline.declineCode ?? decline.code),
    seller_message:
      decline === null
        ? status === 'pending'
          ? 'Payment pending.'
          : 'Payment complete.'
        : 'The bank did not return any further details with this decline.',
    type: decline === null ? 'authorized' : isBlocked ? 'blocked' : 'issuer_declined',
  } as Stripe.Charge['outcome']
}

function cardDetails(world: World, terms: ChargeTerms): Stripe.Charge.PaymentMethodDetails {
  const { intent, method, isCaptured, decline, isAuthenticated } = terms
  const { test } = method
  const { card } = method.method
  const unavailable = { status: 'unavailable' as const }
  return {
    card: {
      amount_authorized: decline === null ? intent.amount : null,
      authorization_code: decline === null ? '123456' : null,
      brand: test.brand,
      ...(isCaptured || decline !== null ? {} : { capture_before: world.now() + authorizationSeconds }),
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: test.country,
      electronic_commerce_indicator: null,
      exp_month: card?.exp_month ?? 12,
      exp_year: card?.exp_year ?? 2_034,
      extended_authorization: { status: 'disabled' },
      fingerprint: card?.fingerprint ?? null,
      funding: test.funding,
      incremental_authorization: unavailable,
      installments: null,
      last4: test.last4,
      mandate: null,
      multicapture: unavailable,
      network: test.brand,
      network_token: { used: false },
      network_transaction_id: decline === null ? world.id('ntx').slice(4, 19) : null,
      overcapture: { maximum_amount_capturable: intent.amount, status: 'unavailable' },
      regulated_status: 'unregulated',
      three_d_secure: isAuthenticated
        ? {
            authentication_flow: 'challenge',
            electronic_commerce_indicator: '05',
            exemption_indicator: null,
            result: 'authenticated',
            result_reason: null,
            transaction_id: world.id('tds').slice(4, 24),
            version: '2.2.0',
          }
        : null,
      transaction_link_id: null,
      wallet: null,
    } as NonNullable<Stripe.Charge.PaymentMethodDetails['card']>,
    type: 'card',
  }
}

function otherDetails(world: World, method: MethodRecord): Stripe.Charge.PaymentMethodDetails {
  if (method.test.type === 'paypal') {
    const details = {
      country: 'US',
      payer_email: 'buyer@example.com',
      payer_id: 'SIMULATEDPAYER',
      payer_name: 'Simulated Buyer',
      seller_protection: { dispute_categories: null, status: 'not_eligible' },
      transaction_id: world.id('ppl').slice(4, 21),
    }
    return { paypal: details, type: 'paypal' } as unknown as Stripe.Charge.PaymentMethodDetails
  }
  const { type, us_bank_account: bank, sepa_debit: sepa } = method.method
  return { [type]: { ...(bank ?? sepa), mandate: null }, type } as unknown as Stripe.Charge.PaymentMethodDetails
}

/** Creates the charge of an attempt, with a copy of the intent's current metadata. */
export function addCharge(world: World, terms: ChargeTerms): Stripe.Charge {
  const { intent, method, decline, status, isCaptured } = terms
  const isCard = method.test.type === 'card'
  const charge: Stripe.Charge = {
    id: world.id(method.test.debit === undefined ? 'ch' : 'py'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: isCaptured ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: isCaptured && status === 'succeeded' ? world.id('txn') : null,
    billing_details: structuredClone(method.method.billing_details),
    calculated_statement_descriptor: 'HOLDFAST SIMULATOR',
    captured: isCaptured,
    created: world.now(),
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: { ...intent.metadata },
    on_behalf_of: null,
    outcome: outcome(terms),
    paid: status === 'succeeded',
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: isCard ? cardDetails(world, terms) : otherDetails(world, method),
    radar_options: {},
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status,
    transfer_data: null,
    transfer_group: intent.transfer_group,
  }
  world.charges.add(charge)
  intent.latest_charge = charge.id
  return charge
}
