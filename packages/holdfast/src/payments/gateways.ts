/** The payment gateways of an engine, keyed by payment method. */
import { CheckoutError } from '../domain/failure.ts'
import type { PaymentGateway } from './gateway.ts'

/** `{ card: stripe, bank_transfer: invoices }`. */
export type Gateways = Readonly<Record<string, PaymentGateway>>

/**
 * Returns the gateway that all methods share, or undefined without gateways.
 * @throws {CheckoutError} `invalid_argument` for two different gateways, because an engine supports only one for now.
 */
export function onlyGateway(gateways: Gateways | undefined): PaymentGateway | undefined {
  const distinct = [...new Set(Object.values(gateways ?? {}))]
  if (distinct.length > 1) {
    const names = distinct.map(({ name }) => `"${name}"`).join(' and ')
    throw new CheckoutError('invalid_argument', `gateways name ${names}; all methods must use the same gateway`)
  }
  return distinct[0]
}
