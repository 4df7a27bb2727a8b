/** The payment gateway of the shop's servers: a client of the gateway process. */
import type { PaymentGateway } from '../../packages/holdfast/src/payments/gateway.ts'
import type { ClientOptions, GatewayName } from './gateway.ts'
import { sandboxClient } from './sandbox/client.ts'
import { stripeClient } from './stripe/client.ts'

const clients: Readonly<Record<GatewayName, (options: ClientOptions) => PaymentGateway>> = {
  sandbox: sandboxClient,
  stripe: stripeClient,
}

export const clientOf = (name: GatewayName, options: ClientOptions): PaymentGateway => clients[name](options)
