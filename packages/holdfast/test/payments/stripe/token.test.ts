/** Payment tokens are sent to Stripe by their kind, or refused. */
import { describe, expect, it } from 'vitest'
import { readToken } from '../../../src/payments/stripe/token.ts'

describe('A payment token', () => {
  it.each([null, ''])('the token %j leaves the confirmation to the browser', token => {
    expect(readToken(token)).toEqual({ kind: 'browser' })
  })

  it('pi_… is an existing intent', () => {
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
  ])('%j is refused', token => {
    expect(readToken(token)).toBeNull()
  })

  it('the client secret of an intent is refused, because it would be sent in a URL', () => {
    expect(readToken('pi_3Abc_secret_Xyz')).toBeNull()
  })
})
