import { gatewayContract } from '../../../../testing/src/gateway/gateway-contract.ts'
import { books, openSandbox, tokens } from './fixture.ts'

for (const kind of ['postgres', 'embedded'] as const) {
  gatewayContract(`the sandbox, ${kind}`, async () => {
    const { database, gateway, stop } = await openSandbox(kind)
    return { gateway, tokens, books: checkoutId => books(database, checkoutId), stop }
  })
}
