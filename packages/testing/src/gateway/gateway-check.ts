/** The shape of a check of a payment gateway: one promise, and a function that throws if the gateway breaks it. */
import type { GatewayTokens, GatewayUnderTest } from './gateway-buyer.ts'

export interface GatewayCheck {
  id: string
  /** The promise, as the title of a test. */
  title: string
  /** A payment token that the check needs. */
  needs?: keyof GatewayTokens
  /** An optional call of the gateway that the check needs. */
  calls?: 'inspect' | 'list'
  /** @throws if the promise is broken. */
  run(under: GatewayUnderTest): Promise<void>
}
