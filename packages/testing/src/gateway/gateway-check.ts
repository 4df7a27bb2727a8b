/** One promise of a payment gateway, as a check that throws if the promise is broken. */
import type { GatewayTokens, GatewayUnderTest } from './gateway-buyer.ts'

export interface GatewayCheck {
  id: string
  /** The promise, as a test's title. */
  title: string
  /** A token without which it cannot be run. */
  needs?: keyof GatewayTokens
  /** A call that not every gateway has, without which it cannot be run. */
  calls?: 'inspect' | 'list'
  /** @throws when the promise is broken. */
  run(under: GatewayUnderTest): Promise<void>
}
