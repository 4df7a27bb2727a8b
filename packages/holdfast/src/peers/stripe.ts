/** Entry point `holdfast/gateways/stripe`. Needs the optional peer `stripe`. */
import { loadPeer } from '../optional-peer.ts'

export type { StripeGatewayOptions } from '../payments/stripe/stripe.ts'

export const { createStripeGateway } = await loadPeer('stripe', () => import('../payments/stripe/stripe.ts'))
