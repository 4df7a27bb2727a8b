/** Defences of the comparison with the gateway's books: what is recorded once, what moves meanwhile, and whose end is an intent. */
import { inTest, type Mutant } from '../mutant.ts'

const madeAtGateway = 'packages/holdfast/src/saga/refunds/gateway-side-refunds.ts'

export const reconciliationMutants: readonly Mutant[] = [
  {
    name: 'webhook kept until known',
    without: 'webhooks of no checkout of ours being looked at again',
    edits: [
      {
        file: 'packages/holdfast/src/payments/webhooks/receive-webhook.ts',
        find: 'case when $5::uuid is null and $6::text is null then now() end',
        replace: "case when $5::uuid is distinct from '00000000-0000-0000-0000-000000000000' then now() end",
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/payments/webhooks/early-webhooks.test.ts',
      'postgres.*is matched once it does',
    ),
  },
  {
    name: 'an open refund explains',
    without: 'waiting for an open refund of ours before money given back is taken for somebody else’s',
    edits: [
      {
        file: madeAtGateway,
        find: "if (refunds.some(({ status }) => status === 'intended')) return 'busy'",
        replace: "if (false as boolean) return 'busy'",
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/refunds/gateway-side-refunds.test.ts',
      'postgres.*a refund of ours that is still open',
    ),
  },
  {
    name: 'what ours explain is no news',
    without: 'taking off what our own refunds sum to from what the gateway gave back',
    edits: [
      {
        file: madeAtGateway,
        find: 'Math.min(payment.refundedMinor - oursMinor, order',
        replace: 'Math.min(payment.refundedMinor - 0 * oursMinor, order',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/refunds/gateway-side-refunds.test.ts',
      'postgres.*by processes that all look at once',
    ),
  },
  {
    name: 'differences are looked at again',
    without: 'a difference standing only where nothing of ours moved while it was looked at',
    edits: [
      {
        file: 'packages/holdfast/src/reconcile/reconcile.ts',
        find: 'if (fingerprintOf(before) !== fingerprintOf(ours)) return',
        replace: 'if ((fingerprintOf(before) !== fingerprintOf(ours)) && (false as boolean)) return',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/reconcile/reconcile.test.ts',
      'postgres.*a checkout that moves while it is looked at',
    ),
  },
  {
    name: 'orphans are asked about again',
    without: 'the end of an orphan being carried on by whoever recovers checkouts',
    edits: [
      {
        file: 'packages/holdfast/src/payments/operations.ts',
        find: "open.find(operation => operation.kind === 'void' && operation.purpose?.reason === orphanReason)",
        replace: 'undefined',
      },
    ],
    foundBy: inTest('packages/holdfast/test/reconcile/reconcile.test.ts', 'postgres.*whose end has no answer'),
  },
]
