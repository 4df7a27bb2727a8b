/** The payment gateways of an engine, by payment method. */
import { CheckoutError } from '../domain/failure.ts'
import type { PaymentGateway } from './gateway.ts'

/** `{ card: stripe, bank_transfer: invoices }`. */
export type Gateways = Readonly<Record<string, PaymentGateway>>

/**
 * The one gateway that every method names; undefined without gateways.
 * @throws {CheckoutError} `invalid_argument` for two different gateways: an engine works with one for now.
 */
export function onlyGateway(gateways: Gateways | undefined): PaymentGateway | undefined {
  const distinct = [...new Set(Object.values(gateways ?? {}))]
  if (distinct.length > 1) {
    const names = distinct.map(({ name }) => `"${name}"`).join(' and ')
    throw new CheckoutError('invalid_argument', `gateways name ${names}; for now all methods must name one gateway`)
  }
  return distinct[0]
}
