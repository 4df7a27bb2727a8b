/** The contract of payment gateways as a vitest suite: every gateway, built in or an adopter's own, must pass it. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { GatewayUnderTest } from './gateway-buyer.ts'
import { gatewayChecks, whatLacks } from './gateway-checks.ts'

export interface GatewayContractOptions {
  /** Ids of checks the gateway cannot pass, each with the reason, which becomes part of the title. */
  skip?: Readonly<Record<string, string>>
}

/**
 * Opens the gateway once and runs each check on checkouts of its own. A check that needs a token or a call the
 * gateway does not have is skipped.
 */
export function gatewayContract(
  name: string,
  open: () => Promise<GatewayUnderTest & { stop(): Promise<void> }>,
  { skip = {} }: GatewayContractOptions = {},
): void {
  describe(`the gateway contract: ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened?.stop())

    for (const check of gatewayChecks) {
      const reason = skip[check.id]
      if (reason !== undefined) {
        it.skip(`${check.title} (${reason})`)
        continue
      }
      it(check.title, async context => {
        const lack = whatLacks(opened, check)
        if (lack !== null) context.skip(lack)
        await check.run(opened)
      })
    }
  })
}
