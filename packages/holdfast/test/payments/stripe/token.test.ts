/** What a buyer brings along is sent to Stripe as what it is, or not at all. */
import { describe, expect, it } from 'vitest'
import { readToken } from '../../../src/payments/stripe/token.ts'

describe('a token', () => {
  it.each([null, ''])('that is %j leaves the confirmation to the browser', token => {
    expect(readToken(token)).toEqual({ kind: 'browser' })
  })

  it('pi_… is an intent that was made elsewhere', () => {
    expect(readToken('pi_3Abc')).toEqual({ kind: 'intent', id: 'pi_3Abc' })
  })

  it.each(['pm_card_visa', 'pm_1Abc', 'card_1Abc', 'src_1Abc'])('%s is a payment method', token => {
    expect(readToken(token)).toEqual({ kind: 'method', parameters: { payment_method: token } })
  })

  it('ctoken_… is a confirmation token', () => {
    expect(readToken('ctoken_1Abc')).toEqual({ kind: 'method', parameters: { confirmation_token: 'ctoken_1Abc' } })
  })

  it('tok_… is a card', () => {
    expect(readToken('tok_visa')).toEqual({
      kind: 'method',
      parameters: { payment_method_data: { type: 'card', card: { token: 'tok_visa' } } },
    })
  })

  it.each([
    '4242424242424242',
    'pm_',
    'pm',
    ' pm_card_visa',
    'pm_card_visa\n',
    'pm_card_visa/../../refunds',
    'pi_3Abc?expand[]=x',
    'pi_3Abc_secret_1/x',
    'seti_1Abc',
    'cus_1Abc',
    'sk_test_1Abc',
    'PM_CARD_VISA',
  ])('%j is nothing that Stripe gives out', token => {
    expect(readToken(token)).toBeNull()
  })

  it('never becomes the secret of an intent, which would be sent in an address', () => {
    expect(readToken('pi_3Abc_secret_Xyz')).toBeNull()
  })
})
