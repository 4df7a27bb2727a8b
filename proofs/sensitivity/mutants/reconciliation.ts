/** Defences of reconciliation: differences recorded once, payments that change meanwhile, and orphans with an intent. */
import { inTest, type Mutant } from '../mutant.ts'

const madeAtGateway = 'packages/holdfast/src/saga/refunds/gateway-side-refunds.ts'

export const reconciliationMutants: readonly Mutant[] = [
  {
    name: 'webhook kept until known',
    without: 'retrying webhooks that match no checkout',
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
    name: 'open refunds are awaited',
    without: 'waiting for an open refund of the shop before a refund is attributed to the gateway’s dashboard',
    edits: [
      {
        file: madeAtGateway,
        find: "if (refunds.some(({ status }) => status === 'intended')) return 'busy'",
        replace: "if (false as boolean) return 'busy'",
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/refunds/gateway-side-refunds.test.ts',
      'postgres.*our own open refund is settled',
    ),
  },
  {
    name: 'own refunds are not counted twice',
    without: 'subtracting the refunds of the shop from the refunds at the gateway',
    edits: [
      {
        file: madeAtGateway,
        find: 'Math.min(payment.refundedMinor - oursMinor, order',
        replace: 'Math.min(payment.refundedMinor - 0 * oursMinor, order',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/refunds/gateway-side-refunds.test.ts',
      'postgres.*is recorded once by concurrent processes',
    ),
  },
  {
    name: 'differences are checked again',
    without: 'discarding a difference if the payment changed during the comparison',
    edits: [
      {
        file: 'packages/holdfast/src/reconcile/reconcile.ts',
        find: 'if (fingerprintOf(before) !== fingerprintOf(ours)) return',
        replace: 'if ((fingerprintOf(before) !== fingerprintOf(ours)) && (false as boolean)) return',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/reconcile/reconcile.test.ts',
      'postgres.*a checkout that changes during its examination',
    ),
  },
  {
    name: 'orphans are retried',
    without: 'the recoverer retrying the void or refund of an orphaned payment',
    edits: [
      {
        file: 'packages/holdfast/src/payments/operations.ts',
        find: "open.find(operation => operation.kind === 'void' && operation.purpose?.reason === orphanReason)",
        replace: 'undefined',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/reconcile/reconcile.test.ts',
      'postgres.*a void of an orphaned authorization without an answer',
    ),
  },
]
