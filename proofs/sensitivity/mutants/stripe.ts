/** Defences of payments through Stripe: the ID stored first, the cancellation of refused intents, the check of adopted ones. */
import { inTest, type Mutant } from '../mutant.ts'

const authorize = 'packages/holdfast/src/payments/stripe/authorize.ts'

export const stripeMutants: readonly Mutant[] = [
  {
    name: 'id kept under the lock',
    without: 'storing a payment’s id only while this process authorizes its checkout',
    edits: [
      {
        file: 'packages/holdfast/src/payments/operations.ts',
        find: "select id from holdfast.checkouts where id = $1::uuid and epoch = $2::int and state = 'authorizing' for update)",
        replace: 'select id from holdfast.checkouts where id = $1::uuid and $2::int is not null for update)',
      },
      {
        file: 'packages/holdfast/src/payments/operations.ts',
        find: "operation.kind = 'authorize' and operation.settled_at is null\n   returning",
        replace: "operation.kind = 'authorize'\n   returning",
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/payments/stripe/late.test.ts',
      'postgres.*a frozen process cannot store its intent',
    ),
  },
  {
    name: 'refused intents canceled',
    without: 'canceling a refused intent before the decline is returned',
    edits: [
      {
        file: authorize,
        find: "return answer.outcome === 'declined' && intent.status !== 'canceled'\n      ? abandon(intent.id, idempotencyKey, answer)\n      : answer",
        replace: 'return answer',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/payments/stripe/late.test.ts',
      'postgres.*a declined payment cannot be confirmed in a browser',
    ),
  },
  {
    name: 'adopted intents verified',
    without: 'comparing an intent named by a token with the checkout before it is adopted',
    edits: [
      {
        file: authorize,
        find: '    if (!isAsRequested(found, request)) return wrongPayment\n',
        replace: '',
      },
      {
        file: authorize,
        find: '    if (adopted !== null && !isAsRequested(made, request)) return made\n',
        replace: '',
      },
    ],
    foundBy: inTest('packages/holdfast/test/payments/stripe/browser.test.ts', 'postgres.*of another amount is refused'),
  },
]
