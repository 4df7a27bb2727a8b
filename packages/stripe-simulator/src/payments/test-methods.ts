/**
 * Stripe's published test payment methods and card numbers with their behaviour. Only the last four digits of a number
 * are kept.
 */

export interface Decline {
  code: string
  declineCode?: string
  message: string
  param?: string
}

export interface TestMethod {
  type: 'card' | 'paypal' | 'us_bank_account' | 'sepa_debit'
  last4: string
  brand: string
  funding: 'credit' | 'debit' | 'prepaid'
  country: string
  /** The issuer's decline; absent: it approves. */
  decline?: Decline
  /** When the buyer must authenticate; absent: never. */
  authentication?: 'required' | 'unless_set_up' | 'on_request'
  /** Already set up for off-session payments. */
  isSetUp?: boolean
  dispute?: 'fraudulent' | 'product_not_received' | 'inquiry'
  /** A refund that succeeds or fails later. */
  refund?: 'pending' | 'fails'
  /** Debits settle later: by default they succeed within seconds. */
  debit?: { failure?: string; slow?: boolean; dispute?: boolean }
}

export const declines = {
  generic: { code: 'card_declined', declineCode: 'generic_decline', message: 'Your card was declined.' },
  insufficientFunds: {
    code: 'card_declined',
    declineCode: 'insufficient_funds',
    message: 'Your card has insufficient funds.',
  },
  lostCard: { code: 'card_declined', declineCode: 'lost_card', message: 'Your card was declined.' },
  stolenCard: { code: 'card_declined', declineCode: 'stolen_card', message: 'Your card was declined.' },
  fraudulent: { code: 'card_declined', declineCode: 'fraudulent', message: 'Your card was declined.' },
  velocity: {
    code: 'card_declined',
    declineCode: 'card_velocity_exceeded',
    message: 'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  },
  expiredCard: { code: 'expired_card', message: 'Your card has expired.', param: 'exp_month' },
  incorrectCvc: { code: 'incorrect_cvc', message: "Your card's security code is incorrect.", param: 'cvc' },
  incorrectNumber: { code: 'incorrect_number', message: 'Your card number is incorrect.', param: 'number' },
  processingError: {
    code: 'processing_error',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  },
  authenticationRequired: {
    code: 'authentication_required',
    declineCode: 'authentication_required',
    message: 'Your card was declined. This transaction requires authentication.',
  },
  liveCard: {
    code: 'card_declined',
    declineCode: 'test_mode_live_card',
    message:
      'Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, visit: https://stripe.com/docs/testing.',
  },
} as const satisfies Record<string, Decline>

type Row = readonly [number: string, name: string | null, what?: Partial<TestMethod>]

const debit = { funding: 'debit' } as const

/** Names without `pm_card_`. */
const cards: readonly Row[] = [
  ['4242424242424242', 'visa'],
  ['4000056655665556', 'visa_debit', debit],
  ['5555555555554444', 'mastercard', { brand: 'mastercard' }],
  ['2223003122003222', null, { brand: 'mastercard' }],
  ['5200828282828210', 'mastercard_debit', { brand: 'mastercard', ...debit }],
  ['5105105105105100', 'mastercard_prepaid', { brand: 'mastercard', funding: 'prepaid' }],
  ['378282246310005', 'amex', { brand: 'amex' }],
  ['371449635398431', null, { brand: 'amex' }],
  ['6011111111111117', 'discover', { brand: 'discover' }],
  ['6011981111111113', null, { brand: 'discover', ...debit }],
  ['3056930009020004', 'diners', { brand: 'diners' }],
  ['3566002020360505', 'jcb', { brand: 'jcb', country: 'JP' }],
  ['6200000000000005', 'unionpay', { brand: 'unionpay', country: 'CN' }],
  ['4000000760000002', 'br', { country: 'BR' }],
  ['4000001240000000', 'ca', { country: 'CA' }],
  ['4000000400000008', 'at', { country: 'AT' }],
  ['4000002760000016', 'de', { country: 'DE' }],
  ['4000002500000003', 'fr', { country: 'FR' }],
  ['4000008260000000', 'gb', { country: 'GB' }],
  ['4000000000000002', 'visa_chargeDeclined', { decline: declines.generic }],
  ['4000000000009995', 'visa_chargeDeclinedInsufficientFunds', { decline: declines.insufficientFunds }],
  ['4000000000009987', 'visa_chargeDeclinedLostCard', { decline: declines.lostCard }],
  ['4000000000009979', 'visa_chargeDeclinedStolenCard', { decline: declines.stolenCard }],
  ['4000000000000069', 'chargeDeclinedExpiredCard', { decline: declines.expiredCard }],
  ['4000000000000127', 'chargeDeclinedIncorrectCvc', { decline: declines.incorrectCvc }],
  ['4000000000000119', 'chargeDeclinedProcessingError', { decline: declines.processingError }],
  ['4000000000006975', 'visa_chargeDeclinedVelocityLimitExceeded', { decline: declines.velocity }],
  ['4000000000000341', 'chargeCustomerFail', { decline: declines.generic }],
  ['4100000000000019', 'radarBlock', { decline: declines.fraudulent }],
  ['4000000000004954', 'riskLevelHighest'],
  ['4000000000009235', 'riskLevelElevated'],
  ['4000000000000077', 'bypassPending'],
  ['4000000000000259', 'createDispute', { dispute: 'fraudulent' }],
  ['4000000000002685', 'createDisputeProductNotReceived', { dispute: 'product_not_received' }],
  ['4000000000001976', 'createDisputeInquiry', { dispute: 'inquiry' }],
  ['4000000000007726', 'pendingRefund', { refund: 'pending' }],
  ['4000000000005126', 'refundFail', { refund: 'fails' }],
  ['4000002500003155', 'authenticationRequiredOnSetup', { authentication: 'unless_set_up' }],
  ['4000002760003184', 'authenticationRequired', { authentication: 'required' }],
  ['4000003800000446', 'authenticationRequiredSetupForOffSession', { authentication: 'unless_set_up', isSetUp: true }],
  [
    '4000008260003178',
    'authenticationRequiredChargeDeclinedInsufficientFunds',
    { authentication: 'required', decline: declines.insufficientFunds },
  ],
  ['4000000000003220', 'threeDSecure2Required', { authentication: 'required' }],
  ['4000000000003063', 'threeDSecureRequired', { authentication: 'required' }],
  ['4000008400001629', 'threeDSecureRequiredChargeDeclined', { authentication: 'required', decline: declines.generic }],
  ['4000008400001280', 'threeDSecureRequiredProcessingError', { decline: declines.generic }],
  ['4000000000003055', 'threeDSecureOptional', { authentication: 'on_request' }],
]

const usBankAccounts: readonly (readonly [name: string, last4: string, debit: TestMethod['debit']])[] = [
  ['success', '6789', {}],
  ['accountClosed', '1113', { failure: 'account_closed' }],
  ['noAccount', '1116', { failure: 'no_account' }],
  ['insufficientFunds', '2227', { failure: 'insufficient_funds' }],
  ['debitNotAuthorized', '3335', { failure: 'debit_not_authorized' }],
  ['invalidCurrency', '4440', { failure: 'invalid_currency' }],
  ['dispute', '5554', { dispute: true }],
  ['processing', '1116', { slow: true }],
]

const ibans: readonly (readonly [iban: string, debit: TestMethod['debit']])[] = [
  ['AT611904300234573201', {}],
  ['DE89370400440532013000', {}],
  ['AT321904300235473204', { slow: true }],
  ['AT861904300235473202', { failure: 'generic_could_not_process' }],
  ['AT051904300235473205', { failure: 'generic_could_not_process', slow: true }],
  ['AT591904300235473203', { dispute: true }],
]

const visa = { type: 'card', brand: 'visa', funding: 'credit', country: 'US' } as const
const byNumber = new Map<string, TestMethod>()
const byName = new Map<string, TestMethod>()

for (const [number, name, what] of cards) {
  const method: TestMethod = { ...visa, ...what, last4: number.slice(-4) }
  byNumber.set(number, method)
  if (name === null) continue
  byName.set(`pm_card_${name}`, method)
  // Stripe's documentation names declines with the brand and without it.
  if (name.includes('chargeDeclined')) {
    byName.set(`pm_card_${name.startsWith('visa_') ? name.slice(5) : `visa_${name}`}`, method)
  }
}
for (const [name, last4, settles] of usBankAccounts) {
  byName.set(`pm_usBankAccount_${name}`, {
    ...visa,
    type: 'us_bank_account',
    brand: 'STRIPE TEST BANK',
    last4,
    debit: settles ?? {},
  })
}

/** Approved or refused on PayPal's page each time. */
export const paypalTestMethod: TestMethod = {
  ...visa,
  type: 'paypal',
  brand: 'paypal',
  last4: '',
  authentication: 'required',
}

export const namedTestMethod = (name: string): TestMethod | null => byName.get(name) ?? null

/** `tok_visa` is the card of `pm_card_visa`. */
export const tokenTestMethod = (token: string): TestMethod | null =>
  token.startsWith('tok_') ? (byName.get(`pm_card_${token.slice(4)}`) ?? null) : null

export function ibanTestMethod(iban: string): TestMethod | null {
  const bare = iban.replaceAll(' ', '').toUpperCase()
  const found = ibans.find(([known]) => known === bare)
  return found === undefined
    ? null
    : {
        ...visa,
        type: 'sepa_debit',
        brand: '',
        country: bare.slice(0, 2),
        last4: bare.slice(-4),
        debit: found[1] ?? {},
      }
}

function passesLuhn(number: string): boolean {
  const sum = [...number].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return /^\d{12,19}$/.test(number) && sum % 10 === 0
}

/** The card of a number, or the reason for its refusal: mistyped, or not a test card. */
export function cardTestMethod(number: string): TestMethod | Decline {
  const bare = number.replace(/[ -]/g, '')
  return byNumber.get(bare) ?? (passesLuhn(bare) ? declines.liveCard : declines.incorrectNumber)
}
