/** The verdict on a declined capture: what the buyer is charged depends on what the gateway declined. */
import { expect, test } from 'vitest'
import type { CheckoutRow } from '../../src/database/checkout-row.ts'
import { capturePayment } from '../../src/phases/6-capture-payment.ts'

const row = { total_minor: 1_500, currency: 'USD' } as CheckoutRow
const declined = (code: string) =>
  capturePayment.decide(row, { outcome: 'declined', code, message: 'no' } as never, 1_000)

test('a declined capture undoes the checkout and says that the buyer was not charged', () => {
  expect(declined('card_declined')).toMatchObject({
    to: 'unwind',
    failure: { code: 'capture_refused', message: 'You have not been charged. The payment was refused: no' },
  })
})

test.each([
  ['already_captured', 'capture_refused'],
  ['authorization_ended', 'authorization_ended'],
])('a capture declined with %s may have been made elsewhere, so the message promises a refund', (code, failureCode) => {
  expect(declined(code)).toMatchObject({
    to: 'unwind',
    failure: {
      code: failureCode,
      message: expect.stringMatching(/^You will not be charged, and any amount already taken will be returned\. /),
    },
  })
})

test('a capture of a different amount is neither settled nor undone', () => {
  const answer = { outcome: 'succeeded', amountMinor: 1_499, currency: 'USD', reference: 'x' } as never
  expect(capturePayment.decide(row, answer, 1_000)).toEqual({ to: 'wait', afterMs: 1_000 })
})
