/** Payment methods from test IDs, tokens, test numbers, and IBANs. Numbers are neither stored nor shown. */
import type { Stripe } from 'stripe'
import {
  anything,
  choice,
  emptyable,
  flag,
  hash,
  mergedMetadata,
  metadata,
  positive,
  text,
  texts,
} from '../api/parameters.ts'
import { cardError, invalid, missing } from '../api/refusal.ts'
import type { MethodRecord, World } from '../world/world.ts'
import {
  cardTestMethod,
  type Decline,
  ibanTestMethod,
  namedTestMethod,
  paypalTestMethod,
  type TestMethod,
  tokenTestMethod,
} from './test-methods.ts'

const addressRules = hash({
  city: emptyable(text),
  country: emptyable(text),
  line1: emptyable(text),
  line2: emptyable(text),
  postal_code: emptyable(text),
  state: emptyable(text),
})

const methodFields = {
  type: choice('card', 'paypal', 'sepa_debit', 'us_bank_account'),
  card: hash({ number: text, exp_month: positive, exp_year: positive, cvc: text, token: text, networks: anything }),
  sepa_debit: hash({ iban: text }, ['iban']),
  us_bank_account: anything,
  paypal: anything,
  billing_details: hash({
    address: emptyable(addressRules),
    email: emptyable(text),
    name: emptyable(text),
    phone: emptyable(text),
    tax_id: text,
  }),
  allow_redisplay: choice('always', 'limited', 'unspecified'),
  metadata,
  radar_options: anything,
  // Browser data from Stripe.js.
  guid: text,
  muid: text,
  sid: text,
  payment_user_agent: text,
  referrer: text,
  time_on_page: text,
  pasted_fields: text,
  client_attribution_metadata: anything,
}

/** The `payment_method_data` of a confirmation or a confirmation token. */
export const methodDataRules = hash(methodFields, ['type'])
export const methodCreateRules = hash(
  {
    ...methodFields,
    expand: texts,
    key: text,
    _stripe_version: text,
    link: anything,
    customer: text,
    use_stripe_sdk: flag,
  },
  ['type'],
)
export type MethodData = ReturnType<typeof methodDataRules>

const refused = ({ code, declineCode, message, param }: Decline) =>
  cardError(message, {
    code,
    ...(declineCode === undefined ? {} : { decline_code: declineCode }),
    ...(param === undefined ? {} : { param }),
  })

function cardOf(card: NonNullable<MethodData['card']>, world: World): TestMethod {
  if (card.token !== undefined) {
    const found = tokenTestMethod(card.token)
    if (found === null) throw missing('token', card.token, 'card[token]', 400)
    return found
  }
  for (const param of ['number', 'exp_month', 'exp_year'] as const) {
    if (card[param] === undefined) {
      throw invalid(`Missing required param: card[${param}].`, { code: 'parameter_missing', param: `card[${param}]` })
    }
  }
  const { number = '', exp_month: month = 0, exp_year: year = 0 } = card
  const found = cardTestMethod(number)
  if (!('type' in found)) throw refused(found)
  const now = new Date(world.nowMs())
  const fullYear = year < 100 ? 2_000 + year : year
  if (month > 12) {
    throw refused({
      code: 'invalid_expiry_month',
      message: "Your card's expiration month is invalid.",
      param: 'exp_month',
    })
  }
  if (fullYear < now.getUTCFullYear() || fullYear > now.getUTCFullYear() + 50) {
    throw refused({
      code: 'invalid_expiry_year',
      message: "Your card's expiration year is invalid.",
      param: 'exp_year',
    })
  }
  if (fullYear === now.getUTCFullYear() && month < now.getUTCMonth() + 1) {
    throw refused({
      code: 'invalid_expiry_month',
      message: "Your card's expiration month is invalid.",
      param: 'exp_month',
    })
  }
  return found
}

function testMethodOf(data: MethodData, world: World): TestMethod {
  const lacking = invalid(`Missing required param: ${data.type}.`, { code: 'parameter_missing', param: data.type })
  switch (data.type) {
    case 'card':
      if (data.card === undefined) throw lacking
      return cardOf(data.card, world)
    case 'paypal':
      return paypalTestMethod
    case 'sepa_debit': {
      if (data.sepa_debit === undefined) throw lacking
      const found = ibanTestMethod(data.sepa_debit.iban)
      if (found === null) throw invalid('The IBAN you entered is invalid.', { param: 'sepa_debit[iban]' })
      return found
    }
    case 'us_bank_account':
      throw invalid(
        'This simulator does not verify bank accounts. Use a test payment method such as pm_usBankAccount_success.',
        { param: 'us_bank_account' },
      )
  }
  return data.type satisfies never
}

type BillingDetails = Stripe.PaymentMethod['billing_details']

function billingDetails(data: MethodData['billing_details'] = {}): BillingDetails {
  const { address, email = null, name = null, phone = null, tax_id = null } = data
  const { city = null, country = null, line1 = null, line2 = null, postal_code = null, state = null } = address ?? {}
  return { address: { city, country, line1, line2, postal_code, state }, email, name, phone, tax_id }
}

function detailsOf(test: TestMethod, expiry: { month: number; year: number }): Partial<Stripe.PaymentMethod> {
  const fingerprint = `simulated${test.brand.slice(0, 3)}${test.last4}`
  switch (test.type) {
    case 'card':
      return {
        card: {
          brand: test.brand,
          checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'unchecked' },
          country: test.country,
          display_brand: test.brand,
          exp_month: expiry.month,
          exp_year: expiry.year,
          fingerprint,
          funding: test.funding,
          generated_from: null,
          last4: test.last4,
          networks: { available: [test.brand], preferred: null },
          regulated_status: 'unregulated',
          three_d_secure_usage: { supported: true },
          wallet: null,
        },
      }
    case 'paypal':
      return { paypal: { country: null, payer_email: null, payer_id: null } }
    case 'sepa_debit':
      return {
        sepa_debit: {
          bank_code: null,
          branch_code: null,
          country: test.country,
          fingerprint,
          generated_from: { charge: null, setup_attempt: null },
          last4: test.last4,
        },
      }
    case 'us_bank_account':
      return {
        us_bank_account: {
          account_holder_type: 'individual',
          account_type: 'checking',
          bank_name: test.brand,
          financial_connections_account: null,
          fingerprint,
          last4: test.last4,
          networks: { preferred: 'ach', supported: ['ach'] },
          routing_number: '110000000',
          status_details: {},
        },
      }
  }
  return test.type satisfies never
}

function add(world: World, test: TestMethod, data: Partial<MethodData>): MethodRecord {
  const { exp_month: month = 12, exp_year: year = new Date(world.nowMs()).getUTCFullYear() + 5 } = data.card ?? {}
  const method: Stripe.PaymentMethod = {
    id: world.id('pm'),
    object: 'payment_method',
    allow_redisplay: data.allow_redisplay ?? 'unspecified',
    billing_details: billingDetails(data.billing_details),
    ...detailsOf(test, { month, year: year < 100 ? 2_000 + year : year }),
    created: world.now(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: mergedMetadata({}, data.metadata),
    type: test.type,
  }
  const record = { id: method.id, method, test }
  world.methods.add(record)
  return record
}

/** @throws {StripeRefusal} for a number that is not a test card. */
export const createMethod = (world: World, data: MethodData): MethodRecord =>
  add(world, testMethodOf(data, world), data)

/** A payment method by its ID. A test ID such as `pm_card_visa` creates a new one each time. */
export function findMethod(world: World, id: string, param = 'payment_method'): MethodRecord {
  const known = world.methods.get(id)
  if (known !== undefined) return known
  const test = namedTestMethod(id)
  if (test === null) throw missing('PaymentMethod', id, param, param === 'id' ? 404 : 400)
  return add(world, test, {})
}
