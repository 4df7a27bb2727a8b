/** Defences of stock and coupons: reservations that outlast expiry, are complete, and are released. */
import { inTest, type Mutant } from '../mutant.ts'

const inventory = 'packages/holdfast/src/phases/2-reserve-inventory.ts'
const coupons = 'packages/holdfast/src/phases/claim-coupons.ts'
const takeOver = 'packages/holdfast/src/saga/steps/take-over.ts'

export const stockMutants: readonly Mutant[] = [
  {
    name: 'firm holds',
    without: 'firming reservations with the order',
    edits: [
      {
        file: 'packages/holdfast/src/phases/5-create-order.ts',
        find: '  tx.send(firmReservations, [checkoutIds])\n',
        replace: '',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/crash.test.ts',
      '^Recovery \\(postgres.*a checkout that completes ends as without a crash after_commit:capturing',
    ),
  },
  {
    name: 'firm holds outlast expiry',
    without: 'keeping firm reservations on expiry: an expiry releases all reservations',
    edits: [
      {
        file: takeOver,
        find: "import { capturePayment } from '../../phases/6-capture-payment.ts'\n",
        replace:
          "import { reserveInventory } from '../../phases/2-reserve-inventory.ts'\nimport { capturePayment } from '../../phases/6-capture-payment.ts'\n",
      },
      {
        file: takeOver,
        find: '  const ids = rows.map(row => row.id)\n',
        replace:
          '  const ids = rows.map(row => row.id)\n  reserveInventory.undo(tx, rows.filter(row => row.expired).map(row => row.id))\n',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/expiry-and-cancel.test.ts',
      'postgres.*an expiry in capturing ends in completed',
    ),
  },
  {
    name: 'all or nothing',
    without: 'all-or-nothing reservations: the checkout continues with the units that are available',
    edits: [
      {
        file: inventory,
        find: '  if (!allocation.ok) return { ok: false, failure: notCharged(allocation.failure) }\n',
        replace: '',
      },
      {
        file: inventory,
        find: 'return { ok: true, hold: { checkoutId, parts: [...allocation.parts], claim } }',
        replace: 'return { ok: true, hold: { checkoutId, parts: allocation.ok ? [...allocation.parts] : [], claim } }',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/concurrency.test.ts',
      'postgres.*of twenty buyers of one unit in 1 processes',
    ),
  },
  {
    name: 'hold from the start',
    without: 'comparing the reservations since the start with the current cart',
    edits: [
      {
        file: inventory,
        find: 'if (held !== undefined && !holdsAll(held, cart)) {',
        replace: 'if (held !== undefined && !holdsAll(held, cart) && (false as boolean)) {',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/shop/carts/locked-cart.test.ts',
      'postgres.*a changed cart is never sold more than it holds',
    ),
  },
  {
    name: 'claim counted',
    without: 'counting a claim on its coupon',
    edits: [
      {
        file: coupons,
        find: '  tx.send(countClaims, [JSON.stringify([...counts].map(([coupon_id, count]) => ({ coupon_id, claims: count })))])\n',
        replace: '',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/saga/crash.test.ts',
      '^Recovery \\(postgres.*a checkout that completes ends as without a crash after_commit:authorizing',
    ),
  },
  {
    name: 'coupon released',
    without: 'releasing a coupon when its checkout is undone',
    edits: [
      {
        file: coupons,
        find: 'for (const step of [lockClaimedCoupons, uncountClaims, releaseClaims])',
        replace: 'for (const step of [lockClaimedCoupons])',
      },
    ],
    foundBy: inTest('packages/holdfast/test/saga/payment-outcomes.test.ts', 'postgres.*tok_decline: a decline undoes'),
  },
  {
    name: 'stock released',
    without: 'releasing stock when its checkout is undone',
    edits: [
      {
        file: inventory,
        find: 'for (const step of [lockHeldStock, subtractReserved, releaseReservations])',
        replace: 'for (const step of [lockHeldStock])',
      },
    ],
    foundBy: inTest('packages/holdfast/test/saga/payment-outcomes.test.ts', 'postgres.*tok_decline: a decline undoes'),
  },
  {
    name: 'frozen prices',
    without: 'creating the order from the snapshot: its lines use the current catalog',
    edits: [
      {
        file: 'packages/holdfast/src/phases/5-create-order.ts',
        find: '     snapshot.unit_minor, snapshot.subtotal_minor, snapshot.discount_minor, snapshot.tax_minor, snapshot.total_minor\n   from json_to_recordset',
        replace:
          '     (select amount_minor from holdfast.prices live where live.variant_id = (select id from holdfast.variants where sku = snapshot.sku) and live.currency = snapshot.currency),\n     snapshot.subtotal_minor, snapshot.discount_minor, snapshot.tax_minor, snapshot.total_minor\n   from json_to_recordset',
      },
    ],
    foundBy: inTest(
      'packages/holdfast/test/phases/3-lock-prices.test.ts',
      'postgres.*a price that changes after the lock',
    ),
  },
]
