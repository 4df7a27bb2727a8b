import { gatewayContract } from '../../../../testing/src/gateway/gateway-contract.ts'
import { createInvoiceGateway } from '../../../src/payments/invoice/invoice.ts'
import { openTestDatabase } from '../../support/test-database.ts'
import { invoiceBooks } from './fixture.ts'

for (const kind of ['postgres', 'embedded'] as const) {
  gatewayContract(
    `The invoice gateway, ${kind}`,
    async () => {
      const { database, stop } = await openTestDatabase(kind)
      const gateway = createInvoiceGateway({ database })
      return {
        gateway,
        method: 'bank_transfer',
        tokens: { approve: null },
        pays: (reference, { amountMinor, currency }) =>
          gateway.markPaid(reference, { amountMinor, currency, statementLineId: reference, actor: 'the contract' }),
        books: checkoutId => invoiceBooks(database, checkoutId),
        stop,
      }
    },
    {
      skip: {
        declines: 'an invoice is always issued, because no bank is asked',
        refuses_a_capture: 'a transfer is never refused: it comes or the invoice lapses, see invoice.test.ts',
      },
    },
  )
}
