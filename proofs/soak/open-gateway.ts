/** Opens the payment gateway of a soak by its name. */
import type { GatewayName, GatewayOptions, SoakGateway } from './gateway.ts'
import { openSandbox } from './sandbox/gateway.ts'
import { openStripe } from './stripe/gateway.ts'

/** Starts only the resources that the gateway process needs, not the process. */
export function openGateway(name: GatewayName, options: GatewayOptions): Promise<SoakGateway> {
  switch (name) {
    case 'sandbox':
      return openSandbox(options)
    case 'stripe':
      return openStripe(options)
    default:
      return name satisfies never
  }
}
