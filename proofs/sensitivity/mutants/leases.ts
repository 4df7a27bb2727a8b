/** Defences that let only one worker at a time drive a checkout: leases, epochs, legal edges, unique orders. */
import { type Backing, type Edit, inTest, type Mutant } from '../mutant.ts'

const schema = 'packages/holdfast/migrations/0002_checkout.sql'
const payments = 'packages/holdfast/migrations/0003_payments.sql'

const noEpochCheck: Edit = {
  file: 'packages/holdfast/src/saga/lease.ts',
  find: 'return row !== undefined && row.epoch === lease.row.epoch && row.version === lease.row.version',
  replace: 'return row !== undefined',
}
const noEdges: Edit = {
  file: schema,
  find: "constraint edge_is_legal check (coalesce(from_state, 'start') || '>' || to_state in (",
  replace: "constraint edge_is_legal check (true or coalesce(from_state, 'start') || '>' || to_state in (",
}
const severalOrders: Edit = {
  file: schema,
  find: 'checkout_id uuid not null unique,',
  replace: 'checkout_id uuid not null,',
}

const severalAttempts: Edit = { file: payments, find: '  primary key (checkout_id, kind, attempt),\n', replace: '' }

const edges: Backing = { name: 'the constraint edge_is_legal', edits: [noEdges] }

export const leaseMutants: readonly Mutant[] = [
  {
    name: 'epoch check',
    without: 'steps comparing the epoch and the version of their lease',
    edits: [noEpochCheck],
    foundBy: inTest('packages/holdfast/test/saga/steps/take-over.test.ts', 'postgres.*frozen after its capture'),
    backing: edges,
  },
  {
    name: 'legal edges',
    without: 'the database refusing illegal transitions',
    edits: [noEdges],
    foundBy: inTest('packages/holdfast/test/saga/steps/take-over.test.ts', 'postgres.*frozen after its capture'),
    backing: { name: 'the epoch check', edits: [noEpochCheck] },
  },
  {
    name: 'one order per checkout',
    without: 'the database refusing a second order of a checkout',
    edits: [severalOrders],
    foundBy: inTest('packages/holdfast/test/saga/steps/take-over.test.ts', 'postgres.*frozen after its authorize'),
    backing: {
      name: 'the epoch check, the constraint edge_is_legal and the key of payment_operations',
      edits: [noEpochCheck, noEdges, severalAttempts],
    },
  },
  {
    name: 'epoch rises',
    without: 'raising the epoch when a checkout is taken over',
    edits: [
      {
        file: 'packages/holdfast/src/saga/steps/take-over.ts',
        find: 'epoch: row.epoch + 1,\n      leaseOwner: context.workerId,',
        replace: 'leaseOwner: context.workerId,',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/steps/take-over.test.ts',
      'postgres.*the epoch rises with every take-over',
    ),
  },
  {
    name: 'lease',
    without: 'excluding other workers while a lease is valid',
    edits: [
      {
        file: 'packages/holdfast/src/saga/steps/take-over.ts',
        find: 'return row.lease_owner === null || row.awake',
        replace: 'return true',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/steps/take-over.test.ts',
      'postgres.*a worker is not replaced while its lease runs',
    ),
  },
  {
    name: 'wake-up',
    without: 'a wake time after an answer without a result',
    edits: [
      {
        file: 'packages/holdfast/src/saga/steps/place.ts',
        find: 'return { row, path: [], leaseOwner: null, wakeInMs: afterMs, tries: row.tries + 1 }',
        replace: 'return { row, path: [], leaseOwner: null, wakeInMs: null, tries: row.tries + 1 }',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/payment-outcomes.test.ts',
      'postgres.*authorize: after error_before three times',
    ),
    backing: {
      name: 'the constraint active_has_a_wake_time',
      edits: [
        {
          file: schema,
          find: "check (state in ('completed', 'failed') or wake_at is not null)",
          replace: 'check (true)',
        },
      ],
    },
  },
  {
    name: 'webhook processed',
    without: 'keeping a webhook open until its checkout could be leased',
    edits: [
      {
        file: 'packages/holdfast/src/saga/workers/webhook-processor.ts',
        find: 'const webhooks = await openWebhooks(db, webhooksMax, readsMax)',
        replace:
          'const webhooks = await openWebhooks(db, webhooksMax, readsMax)\n      await markHandled(db, webhooks)',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/payments/webhooks/webhook-while-busy.test.ts',
      'postgres.*a webhook for a busy checkout is processed',
    ),
  },
]
