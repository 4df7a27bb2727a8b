import { gatewayContract } from '../../../../testing/src/gateway/gateway-contract.ts'
import { createInvoiceGateway } from '../../../src/payments/invoice/invoice.ts'
import { openTestDatabase } from '../../support/test-database.ts'
import { invoiceBooks } from './invoice-fixture.ts'

for (const kind of ['postgres', 'embedded'] as const) {
  gatewayContract(
    `invoices, ${kind}`,
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
        declines: 'an invoice asks no bank: it is issued to whoever orders',
        refuses_a_capture: 'nobody refuses a transfer: it comes or it lapses, see invoice.test.ts',
      },
    },
  )
}
