/** The contract of payment gateways as a vitest suite, for the built-in gateways and for those of adopters. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { GatewayUnderTest } from './gateway-buyer.ts'
import { gatewayChecks, missingRequirement } from './gateway-checks.ts'

export interface GatewayContractOptions {
  /** The IDs of checks that the gateway cannot pass, each with the reason, which is added to the title. */
  skip?: Readonly<Record<string, string>>
}

/**
 * Defines one test per promise. A check that needs a token or a call that the gateway does not have is skipped.
 *
 * @param open is called once for all checks; each check uses checkouts of its own.
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
        const missing = missingRequirement(opened, check)
        if (missing !== null) context.skip(missing)
        await check.run(opened)
      })
    }
  })
}
